import { join } from 'node:path';
import type { BenchmarkName } from '../benchmarks.ts';
import type { Rate } from './benchmark.ts';
import { ROOT } from './built.ts';
import { runNode } from './cli.ts';
import { median } from './median.ts';

const PROCESSES = 3;

/**
 * A benchmark's units a second: the median over several processes of each one's median. A process that compiled its
 * code badly, or in a busy moment, does not decide, and no row feels what another one ran.
 */
export async function medianRate(name: BenchmarkName): Promise<number> {
  const rates: number[] = [];
  for (let process = 0; process < PROCESSES; process++) rates.push(await rateOfProcess(name));
  return median(rates);
}

async function rateOfProcess(name: BenchmarkName): Promise<number> {
  const bench = ['--import', 'tsx', join(ROOT, 'bench/bench.ts')];
  const { code, stdout, stderr } = await runNode([...bench, '--only', name, '--short', '--json']);
  if (code !== 0) throw new Error(`bench --only ${name} exited with ${code}: ${stderr.trim()}`);
  const [rate] = JSON.parse(stdout) as Rate[];
  return rate!.median;
}
