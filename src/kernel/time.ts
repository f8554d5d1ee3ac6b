/** Simulated time and durations: an integer number of microseconds. Exact up to 2^53 µs, 285 years. */
export type Micros = number & { readonly __unit: 'µs' };

/** A moment that never comes: the deadline of what has none. */
export const NEVER = Number.POSITIVE_INFINITY as Micros;

/** Rounds a number of microseconds to the clock's grain. */
export function micros(value: number): Micros {
  return Math.round(value) as Micros;
}

export function fromMillis(milliseconds: number): Micros {
  return Math.round(milliseconds * 1_000) as Micros;
}

export function fromSeconds(seconds: number): Micros {
  return Math.round(seconds * 1_000_000) as Micros;
}

export function toSeconds(duration: Micros): number {
  return duration / 1_000_000;
}

/** `at + duration`, still a moment. */
export function after(at: Micros, duration: Micros): Micros {
  return (at + duration) as Micros;
}

/** `1h02m03.456s`, `2m03.456s` or `3.456s`: for people. */
export function formatDuration(duration: Micros): string {
  const total = Math.round(duration / 1_000);
  const hours = Math.floor(total / 3_600_000);
  const minutes = Math.floor(total / 60_000) % 60;
  const seconds = ((total % 60_000) / 1_000).toFixed(3);
  if (hours > 0) return `${hours}h${String(minutes).padStart(2, '0')}m${seconds.padStart(6, '0')}s`;
  if (minutes > 0) return `${minutes}m${seconds.padStart(6, '0')}s`;
  return `${seconds}s`;
}
