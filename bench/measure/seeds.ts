import { join } from 'node:path';
import { built, ROOT } from '../support/built.ts';

const SEEDS = 100;

/** Seeds whose two runs differ. @throws when two seeds agree: the hash would then say nothing */
export async function seedsThatDiffer(): Promise<number> {
  const { Lab } = await built('.');
  const hashOf = (seed: number): string =>
    Lab.fromFile(join(ROOT, 'scenarios/quickstart.yaml'), { seed }).simulate().traceHash;
  const hashes = new Set<string>();
  let differ = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const hash = hashOf(seed);
    if (hashOf(seed) !== hash) differ++;
    hashes.add(hash);
  }
  if (hashes.size !== SEEDS) throw new Error(`${SEEDS} seeds have ${hashes.size} hashes`);
  return differ;
}
