import { inferlab } from '../support/cli.ts';
import { barNamed, barPercent, type PrintedBar, printedBars } from '../support/fidelity-bars.ts';
import { once } from '../support/once.ts';

/** What `inferlab fidelity` prints: some two minutes. */
const fidelity = once(async () => {
  const { code, stdout, stderr } = await inferlab(['fidelity']);
  if (code !== 0) throw new Error(`inferlab fidelity exited with ${code}: ${stderr.trim()}`);
  return stdout;
});

/** The worst error of some bars, percent. */
export async function worstPercent(origin: PrintedBar['origin'], names: readonly string[]): Promise<number> {
  const bars = printedBars(await fidelity());
  return Math.max(...names.map((name) => barPercent(barNamed(bars, origin, name))));
}

/** 1 when the best placement under a sample of lengths is the one that DistServe published, else 0. */
export async function distServePlacements(sample: string): Promise<number> {
  const bars = printedBars(await fidelity()).filter(
    ({ name }) => name.startsWith("DistServe's regression") && name.includes(sample),
  );
  if (bars.length !== 1) throw new Error(`inferlab fidelity prints ${bars.length} DistServe bars of "${sample}"`);
  return bars[0]!.held ? 1 : 0;
}

/** Rows of the silicon table that were replayed: those of its last line, "all". */
export async function siliconRows(): Promise<number> {
  const rows = /^ {2}all +tpot +(\d+) /m.exec(await fidelity())?.[1];
  if (rows === undefined) throw new Error('inferlab fidelity prints no line for the whole silicon table');
  return Number(rows);
}
