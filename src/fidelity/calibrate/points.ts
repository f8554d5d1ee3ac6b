/** How a benchmark sent its requests. */
export type Load =
  /** Every client sends its next request when its last has ended. */
  | { readonly kind: 'closed'; readonly clients: number }
  /** Requests a second, whatever the server does. */
  | { readonly kind: 'open'; readonly rate: number; readonly arrivals: 'poisson' | 'constant' };

/** Tokens of requests: each one's where the benchmark kept them, else their mean and standard deviation. */
export type Lengths =
  | { readonly kind: 'each'; readonly tokens: readonly number[] }
  | { readonly kind: 'mean'; readonly mean: number; readonly deviation: number };

/** What a benchmark found, means over its requests: milliseconds, and output tokens per second. */
export interface PointValues {
  readonly ttft?: number;
  readonly tpot?: number;
  readonly throughput?: number;
}

/** One run of a benchmark against one engine. */
export interface MeasuredPoint {
  readonly file: string;
  readonly load: Load;
  /** undefined where the file does not tell. */
  readonly requests: number | undefined;
  readonly prompt: Lengths;
  readonly output: Lengths;
  readonly measured: PointValues;
  /** What the file holds and the replay does not know. */
  readonly notes: readonly string[];
}

export function meanOf(lengths: Lengths): number {
  if (lengths.kind === 'mean') return lengths.mean;
  return lengths.tokens.reduce((sum, each) => sum + each, 0) / lengths.tokens.length;
}

/** The longest that {@link Lengths} can draw. */
export function longestOf(lengths: Lengths): number {
  if (lengths.kind === 'each') return lengths.tokens.reduce((most, each) => Math.max(most, each), 1);
  return Math.ceil(lengths.mean + SPREAD * lengths.deviation);
}

/** Half the width of an even distribution, in standard deviations. */
export const SPREAD = Math.sqrt(3);

export function loadText(load: Load): string {
  if (load.kind === 'closed') return `${load.clients} ${load.clients === 1 ? 'client' : 'clients'}`;
  return `${Number(load.rate.toPrecision(3))}/s`;
}

/** A name for a point in a table: its load and mean lengths. */
export function pointName({ load, prompt, output }: MeasuredPoint): string {
  return `${loadText(load)}, ${Math.round(meanOf(prompt))}/${Math.round(meanOf(output))}`;
}
