/** `npx tsx bench/queueing-theory.ts`: the engine against queueing theory, on millions of requests. Exit code 1 when it misses. */
import { EngineRoom, Sequence } from '../src/engine/index.ts';
import { Kernel, Priority } from '../src/kernel/index.ts';
import { type QueueingRow, queueingRows } from './support/queueing-table.ts';

function line({ what, load, requests, theory, measured: { mean, halfWidth }, off, holds }: QueueingRow): string {
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
  return `${cells.join('  ')}\n`;
}

process.stdout.write('what                          load   requests       theory     measured      95 %        off\n');
for (const row of queueingRows({ Kernel, Priority, EngineRoom, Sequence })) {
  if (!row.holds) process.exitCode = 1;
  process.stdout.write(line(row));
}
