import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Chance, seedOf, type Uniform } from '../../src/kernel/index.ts';

function draws(stream: Uniform, count: number): number[] {
  return Array.from({ length: count }, stream);
}

const name = fc.string({ minLength: 1, maxLength: 12 });

describe('chance', () => {
  test('no stream is changed by another that is added or used, in whatever order', () => {
    fc.assert(
      fc.property(fc.integer(), name, fc.array(fc.tuple(name, fc.nat(5)), { maxLength: 10 }), (seed, mine, others) => {
        const alone = draws(new Chance(seed).stream(mine), 8);
        const chance = new Chance(seed);
        const among: number[] = [];
        for (let round = 0; round < 8; round++) {
          for (const [other, count] of others) if (other !== mine) draws(chance.stream(other), count);
          among.push(chance.stream(mine)());
        }
        expect(among).toEqual(alone);
      }),
    );
  });

  test('every draw is in [0, 1)', () => {
    fc.assert(
      fc.property(fc.integer(), name, (seed, purpose) => {
        for (const draw of draws(new Chance(seed).stream(purpose), 50)) {
          expect(draw).toBeGreaterThanOrEqual(0);
          expect(draw).toBeLessThan(1);
        }
      }),
    );
  });

  test('names and seeds that differ give streams that differ', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), name, name, (seedA, seedB, a, b) => {
        fc.pre(seedA !== seedB || a !== b);
        expect(draws(new Chance(seedA).stream(a), 4)).not.toEqual(draws(new Chance(seedB).stream(b), 4));
      }),
    );
  });

  /** A contract: published seeds reproduce published runs. A change here breaks every recorded trace hash. */
  test('the streams of seed 1 are what they have always been', () => {
    const chance = new Chance(1);
    expect(draws(chance.stream('arrivals/chat'), 4)).toEqual([
      0.3254634582081899, 0.5134251616971331, 0.6362461943722916, 0.2597838913315814,
    ]);
    expect(draws(chance.stream('output/chat'), 4)).toEqual([
      0.5443960738434473, 0.9991025227741134, 0.9559570981240904, 0.22676638389271564,
    ]);
    expect(seedOf(1, 'arrivals/chat')).toBe(-692930123);
  });
});
