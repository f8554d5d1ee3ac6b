import { built } from '../support/built.ts';
import { MAIN, runNode } from '../support/cli.ts';
import { figureText } from '../support/figure-text.ts';
import { median } from '../support/median.ts';

const MILLION = 1_000_000;
const KIB_PER_GIB = 2 ** 20;

/** As many Poisson arrivals as asked for, of chat lengths, on 8 x H100 that are about half loaded. */
const scenario = (requests: number): string => `
inferlab: 1
name: many-requests
seed: 1
pools:
  - { name: pool-a, nodes: [{ flavor: h100-8, count: 1 }] }
services:
  - name: chat
    deployments:
      - { name: main, pool: pool-a, instances: 8, units: [{ model: qwen3-8b }] }
traffic:
  - name: users
    service: chat
    count: ${requests}
    arrivals: { kind: poisson, rate: 20 }
    lengths:
      prompt: { kind: lognormal, median: 900, sigma: 0.7, max: 8000 }
      output: { kind: lognormal, median: 150, sigma: 0.8, max: 1000 }
expect:
  - requests.completed == ${requests}
`;

/** Tells, at a process's end, the most memory that it had, KiB. */
const TELL_PEAK = `data:text/javascript,${encodeURIComponent(
  "process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS))",
)}`;

/** The most memory that `inferlab run` had for a million requests, GiB. @throws unless all of them completed */
export async function millionRequestsGib(): Promise<number> {
  const run = ['--import', TELL_PEAK, MAIN, 'run', '-', '--json'];
  const { code, stderr } = await runNode(run, { input: scenario(MILLION) });
  const peak = /peak (\d+)$/.exec(stderr)?.[1];
  if (code !== 0 || peak === undefined) throw new Error(`inferlab run exited with ${code}: ${stderr.trim()}`);
  return Number(peak) / KIB_PER_GIB;
}

/** Three decades, in halves. Short runs are repeated. */
const SIZES = [1_000, 3_162, 10_000, 31_623, 100_000, 316_228, 1_000_000] as const;
const REQUESTS_A_SIZE = 100_000;
const MOST_RUNS = 9;
const WARM_UP = 30_000;

interface Cost {
  readonly requests: number;
  readonly seconds: number;
}

/** The exponent with which wall time grows with requests, fitted to logarithms; shows the plot on standard error. */
export async function costExponent(): Promise<number> {
  await secondsOf(WARM_UP);
  const costs: Cost[] = [];
  for (const requests of SIZES) {
    const runs = Math.min(MOST_RUNS, Math.max(1, Math.round(REQUESTS_A_SIZE / requests)));
    const seconds: number[] = [];
    for (let run = 0; run < runs; run++) seconds.push(await secondsOf(requests));
    costs.push({ requests, seconds: median(seconds) });
  }
  process.stderr.write(plot(costs));
  return slope(costs);
}

/** From the first arrival to the verdict: starting pods costs the same for any number of requests. */
async function secondsOf(requests: number): Promise<number> {
  const { loadScenarioText } = await built('files');
  const { World } = await built('lab');
  const { judge } = await built('scenario');
  const loaded = loadScenarioText(scenario(requests), 'many-requests', {}, () => '');
  const world = new World(loaded.description);
  world.runUntilSettled();
  const began = performance.now();
  world.run();
  const verdict = judge(world, loaded.expectations, { wallSeconds: 0, reproduce: '' });
  const seconds = (performance.now() - began) / 1_000;
  if (verdict.verdict !== 'pass') throw new Error(`${requests} requests: the run fails`);
  return seconds;
}

/** Least squares of log seconds on log requests. */
function slope(costs: readonly Cost[]): number {
  const x = costs.map(({ requests }) => Math.log(requests));
  const y = costs.map(({ seconds }) => Math.log(seconds));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(x), mean(y)];
  const products = x.map((value, index) => (value - meanX) * (y[index]! - meanY));
  return mean(products) / mean(x.map((value) => (value - meanX) ** 2));
}

const COLUMNS_PER_DECADE = 15;

/** Both axes are logarithmic: what grows as requests do is a straight line. */
function plot(costs: readonly Cost[]): string {
  const least = Math.min(...costs.map(({ seconds }) => seconds));
  const lines = costs.map(({ requests, seconds }) => {
    const bar = '#'.repeat(1 + Math.round(COLUMNS_PER_DECADE * Math.log10(seconds / least)));
    const micros = figureText((seconds / requests) * 1e6);
    return `${requests.toLocaleString('en-US').padStart(9)} requests ${micros.padStart(6)} µs each  ${bar} ${figureText(seconds)} s\n`;
  });
  return lines.join('');
}
