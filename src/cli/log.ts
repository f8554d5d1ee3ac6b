import { destination, pino } from 'pino';
import type { EventSink } from '../telemetry/index.ts';

export const LOG_LEVELS = ['silent', 'warn', 'info'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Logs platform events to standard error, one JSON line each: the normal ones as `info`, the others as `warn`. */
export function eventLogger(level: LogLevel): EventSink {
  const log = pino({ level, base: null }, destination({ dest: 2, sync: true }));
  return ({ level: scope, object, type, reason, message, lastAt, occurrences }) => {
    const fields = { simulatedSeconds: lastAt / 1e6, scope, object, type, reason, occurrences };
    if (type === 'Normal') log.info(fields, message);
    else log.warn(fields, message);
  };
}
