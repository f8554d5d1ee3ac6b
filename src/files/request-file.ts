import { writeFileSync } from 'node:fs';
import type { Micros } from '../kernel/index.ts';
import type { World } from '../lab/index.ts';
import { OUTCOME_NAMES } from '../telemetry/index.ts';
import { unreadable } from './load-scenario.ts';

/** Requests that go into one piece of text before it is joined. */
const LINES_PER_WRITE = 10_000;

/** Makes sure, before a run, that its requests can be written after it. @throws UserError */
export function openRequests(file: string): void {
  try {
    writeFileSync(file, '');
  } catch (error) {
    throw unreadable(error as Error, file);
  }
}

/**
 * Writes one JSON line a request, in order of arrival. Moments are microseconds of simulated time, null where they
 * did not come; `tokenMicros` holds the moment of each token when they were kept.
 * @throws UserError when the file cannot be written
 */
export function writeRequests(
  file: string,
  world: World,
  tokens: ReadonlyMap<number, readonly Micros[]> | undefined,
): void {
  try {
    writeFileSync(file, '');
    let lines: string[] = [];
    for (const record of world.requests.records()) {
      const moment = (at: Micros): number | null => (at < 0 ? null : at);
      const times = tokens === undefined ? {} : { tokenMicros: tokens.get(record.number) ?? [] };
      const line = {
        request: record.number,
        service: world.platform.services[record.service]!.spec.name,
        pod: world.podNames[record.engine] ?? null,
        traceRow: record.traceRow < 0 ? null : record.traceRow,
        outcome: OUTCOME_NAMES[record.outcome],
        status: record.status,
        promptTokens: record.promptTokens,
        outputTokensDue: record.outputTokensDue,
        outputTokens: record.outputTokens,
        arrivedMicros: record.arrivedAt,
        admittedMicros: moment(record.admittedAt),
        firstTokenMicros: moment(record.firstTokenAt),
        endedMicros: moment(record.endedAt),
        ...times,
      };
      lines.push(JSON.stringify(line));
      if (lines.length >= LINES_PER_WRITE) {
        writeFileSync(file, `${lines.join('\n')}\n`, { flag: 'a' });
        lines = [];
      }
    }
    if (lines.length > 0) writeFileSync(file, `${lines.join('\n')}\n`, { flag: 'a' });
  } catch (error) {
    throw unreadable(error as Error, file);
  }
}
