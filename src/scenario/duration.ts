import { type Micros, micros } from '../kernel/index.ts';

/** Units of a duration as a scenario writes it, largest first, in microseconds. */
const UNITS = { h: 3_600_000_000, m: 60_000_000, s: 1_000_000, ms: 1_000, us: 1 } as const;

/** Each unit at most once, largest first: `250ms`, `1.5s`, `1h30m`. */
export const DURATION = new RegExp(
  `^(?=\\d)${Object.keys(UNITS)
    .map((unit) => `(?:(\\d+(?:\\.\\d+)?)${unit})?`)
    .join('')}$`,
);

/** Reads `250ms`, `30s`, `5m`, `1h30m`, `40us`; undefined when it is not a duration. */
export function parseDuration(text: string): Micros | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  return micros(Object.values(UNITS).reduce((sum, unit, index) => sum + Number(match[index + 1] ?? 0) * unit, 0));
}
