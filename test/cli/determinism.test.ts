import { describe, expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';
import { inferlab, SMALL } from '../support/cli.ts';

describe('the same scenario and seed', () => {
  test('--check-determinism says so, for people and in JSON', async () => {
    const { code, stdout } = await inferlab(['run', SMALL, '--check-determinism']);
    expect(stdout).toMatch(/^determinism: a second run gave the same trace hash\n/);
    expect(code).toBe(0);
    const json = await inferlab(['run', SMALL, '--check-determinism', '--json']);
    expect(JSON.parse(json.stdout).traceHash).toBe(/trace ([0-9a-f]{64})/.exec(stdout)![1]);
  });

  test('gives the same trace hash in two runs, for each of a hundred seeds, and another for each seed', () => {
    const hashes = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const [first, second] = [0, 1].map(() => {
        const lab = Lab.fromFile(SMALL, { seed });
        lab.simulate();
        return lab.traceHash;
      });
      expect(second, `seed ${seed}`).toBe(first);
      hashes.add(first!);
    }
    expect(hashes.size).toBe(100);
  });
});
