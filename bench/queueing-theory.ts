/** `npx tsx bench/queueing-theory.ts`: the engine against queueing theory, on millions of requests. Exit code 1 when it misses. */
import { EngineRoom, Sequence } from '../src/engine/index.ts';
import { Kernel, Priority } from '../src/kernel/index.ts';
import { batchMeans, type Estimate, measuredWaits, measureLittle, theoreticalWait } from './support/queueing.ts';

const PARTS = { Kernel, Priority, EngineRoom, Sequence };
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

function show(what: string, load: number, requests: number, { mean, halfWidth }: Estimate, theory: number): void {
  const off = mean / theory - 1;
  const holds = Math.abs(mean - theory) <= halfWidth && Math.abs(off) <= TOLERANCE;
  if (!holds) process.exitCode = 1;
  const cells = [
    what.padEnd(28),
    load.toFixed(1),
    requests.toLocaleString('en-US').padStart(9),
    theory.toFixed(2).padStart(11),
    mean.toFixed(2).padStart(11),
    `± ${halfWidth.toFixed(2)}`.padStart(10),
    `${(100 * off).toFixed(2)} %`.padStart(8),
    holds ? 'holds' : 'MISSES',
  ];
  process.stdout.write(`${cells.join('  ')}\n`);
}

process.stdout.write('what                          load   requests       theory     measured      95 %        off\n');
for (const name of ['M/D/1', 'M/G/1'] as const) {
  for (const { load, requests } of LOADS) {
    const queue = { name, load, requests };
    show(
      `${name} mean wait, µs`,
      load,
      requests,
      batchMeans(measuredWaits(PARTS, SEED, queue)),
      theoreticalWait(queue),
    );
  }
}
for (const { load, requests } of DECODE_LOADS) {
  const { inside, rateTimesStay, theory, seen } = measureLittle(PARTS, SEED, load, requests);
  show("decode batch, Little's law", load, requests, { mean: inside, halfWidth: seen.halfWidth }, rateTimesStay);
  show('decode batch, theory', load, requests, seen, theory);
}
