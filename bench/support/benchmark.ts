import { Bench } from 'tinybench';
import { percentile } from '../../src/telemetry/index.ts';

/** Something whose speed is measured, in units a second of wall time: here, or by a process of its own. */
export type Benchmark = {
  readonly name: string;
  readonly unit: string;
  readonly measures: string;
} & (
  | {
      /** Readies all that is not to be timed; returns one run, which returns how many units it did. */
      prepare(): Promise<() => number | Promise<number>>;
    }
  | {
      /** Units a second in each of so many runs. */
      rates(runs: number): Promise<number[]>;
    }
);

/** Units a second, over several runs. */
export interface Rate {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** The fewest runs that a median is taken of. */
export const RUNS_SHORT = 5;
export const RUNS = 15;
const WARMUP_RUNS = 2;

/** Runs a benchmark `runs` times after a warm-up. */
export async function rateOf(benchmark: Benchmark, runs: number): Promise<Rate> {
  const rates = 'rates' in benchmark ? await benchmark.rates(runs) : await timedRates(benchmark, runs);
  rates.sort((a, b) => a - b);
  return { median: percentile(rates, 50), min: rates[0]!, max: rates.at(-1)!, runs: rates.length };
}

async function timedRates(
  { name, prepare }: Extract<Benchmark, { prepare: unknown }>,
  runs: number,
): Promise<number[]> {
  const run = await prepare();
  const bench = new Bench({
    time: 0,
    iterations: runs,
    warmupTime: 0,
    warmupIterations: WARMUP_RUNS,
    retainSamples: true,
    throws: true,
    // Not performance.now, which is simulated inside a lab.
    timestampProvider: 'hrtimeNow',
  });
  let units = 0;
  bench.add(name, async () => {
    units = await run();
  });
  const [task] = await bench.run();
  const result = task!.result;
  if (!('latency' in result) || result.latency.samples === undefined) throw new Error(`${name}: no samples`);
  return result.latency.samples.map((milliseconds) => (units / milliseconds) * 1_000);
}
