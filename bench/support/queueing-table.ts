import {
  batchMeans,
  type EngineParts,
  type Estimate,
  measuredWaits,
  measureLittle,
  theoreticalWait,
} from './queueing.ts';

const SEED = 1;
/** What a mean may be off. */
const TOLERANCE = 0.02;
const LOADS = [
  { load: 0.5, requests: 1_000_000 },
  { load: 0.8, requests: 1_000_000 },
  { load: 0.9, requests: 4_000_000 },
];
/** A decode engine's every request is 200 steps. */
const DECODE_LOADS = [
  { load: 0.5, requests: 1_000_000 },
  { load: 0.8, requests: 1_000_000 },
];

/** An engine beside a theory. */
export interface QueueingRow {
  readonly what: string;
  readonly load: number;
  readonly requests: number;
  readonly theory: number;
  readonly measured: Estimate;
  /** The relative error, with its sign. */
  readonly off: number;
  /** The 95 % interval holds the theory. */
  readonly inside: boolean;
  /** And the mean is close to it. */
  readonly holds: boolean;
}

/** Every comparison, as it is made: millions of requests, most of a minute. */
export function* queueingRows(parts: EngineParts): Generator<QueueingRow> {
  for (const name of ['M/D/1', 'M/G/1'] as const) {
    for (const { load, requests } of LOADS) {
      const queue = { name, load, requests };
      const measured = batchMeans(measuredWaits(parts, SEED, queue));
      yield row(`${name} mean wait, µs`, load, requests, measured, theoreticalWait(queue));
    }
  }
  for (const { load, requests } of DECODE_LOADS) {
    const { inside, rateTimesStay, theory, seen } = measureLittle(parts, SEED, load, requests);
    const measured = { mean: inside, halfWidth: seen.halfWidth };
    yield row("decode batch, Little's law", load, requests, measured, rateTimesStay);
    yield row('decode batch, theory', load, requests, seen, theory);
  }
}

function row(what: string, load: number, requests: number, measured: Estimate, theory: number): QueueingRow {
  const off = measured.mean / theory - 1;
  const inside = Math.abs(measured.mean - theory) <= measured.halfWidth;
  return { what, load, requests, theory, measured, off, inside, holds: inside && Math.abs(off) <= TOLERANCE };
}
