import { built } from '../support/built.ts';
import { queueingRows } from '../support/queueing-table.ts';

/** The worst error against queueing theory, percent. @throws when a 95 % interval does not hold the theory */
export async function queueingErrorPercent(): Promise<number> {
  const { EngineRoom, Sequence } = await built('engine');
  const { Kernel, Priority } = await built('kernel');
  let worst = 0;
  for (const { what, load, off, inside } of queueingRows({ Kernel, Priority, EngineRoom, Sequence })) {
    if (!inside) throw new Error(`${what} at load ${load}: the 95 % interval does not hold the theory`);
    worst = Math.max(worst, 100 * Math.abs(off));
  }
  return worst;
}
