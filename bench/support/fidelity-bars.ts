/** A bar as `inferlab fidelity` prints it. */
export interface PrintedBar {
  readonly held: boolean;
  readonly origin: 'replayed' | 'held out';
  /** Without the number of rows at its end. */
  readonly name: string;
  readonly found: string;
  readonly limit: string;
}

const BAR = /^ {2}(held|MISSED) +(replayed|held out) {2,}(\S.*?) {2,}(\S.*?) {2,}limit (.+)$/;

/** The bars in what `inferlab fidelity` prints. */
export function printedBars(text: string): PrintedBar[] {
  return text.split('\n').flatMap((line) => {
    const [, mark, origin, name, found, limit] = BAR.exec(line) ?? [];
    if (name === undefined) return [];
    const bar = { name: name.replace(/ \(n \d+\)$/, ''), found: found!, limit: limit! };
    return [{ ...bar, held: mark === 'held', origin: origin as PrintedBar['origin'] }];
  });
}

/** @throws unless exactly one is called so */
export function barNamed(bars: readonly PrintedBar[], origin: PrintedBar['origin'], name: string): PrintedBar {
  const found = bars.filter((bar) => bar.origin === origin && bar.name === name);
  if (found.length !== 1) throw new Error(`inferlab fidelity prints ${found.length} ${origin} bars "${name}"`);
  return found[0]!;
}

/** The error that a bar found, percent, without sign. @throws when rounding hid whether it is below its limit */
export function barPercent({ name, found, limit, held }: PrintedBar): number {
  const percent = Math.abs(Number.parseFloat(found));
  if (percent <= Number.parseFloat(limit) !== held) {
    throw new Error(`"${name}" is ${held ? 'held' : 'missed'}, but prints ${found} beside its limit of ${limit}`);
  }
  return percent;
}
