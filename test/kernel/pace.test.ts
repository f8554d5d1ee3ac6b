import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { micros, Pace, SPEED_MAX, SPEED_MIN } from '../../src/kernel/index.ts';

const WEEK_MICROS = 7 * 86_400 * 1_000_000;
const pace = fc
  .tuple(
    fc.double({ min: SPEED_MIN, max: SPEED_MAX, noNaN: true }),
    fc.nat(1_000_000_000),
    fc.double({ min: 0, max: 1e9, noNaN: true }),
  )
  .map(([speed, origin, wallOrigin]) => ({
    pace: new Pace(speed, micros(origin), wallOrigin),
    origin,
    wallOrigin,
    speed,
  }));

describe('the pace', () => {
  test('both clocks start at their origins', () => {
    fc.assert(
      fc.property(pace, ({ pace, origin, wallOrigin }) => {
        expect(pace.simulated(wallOrigin)).toBe(origin);
        expect(pace.wall(micros(origin))).toBe(wallOrigin);
      }),
    );
  });

  test('a moment comes at its wall deadline, to the grain of the wall clock, however late it is', () => {
    fc.assert(
      fc.property(pace, fc.nat(WEEK_MICROS), ({ pace, origin, speed }, later) => {
        const at = origin + later;
        // Doubles near 1e9 ms resolve 1e-7 ms; beyond that the two maps are each other's inverse.
        const grain = 1 + 1e-3 * speed;
        expect(Math.abs(pace.simulated(pace.wall(micros(at))) - at)).toBeLessThanOrEqual(grain);
      }),
    );
  });

  test('simulated time never runs ahead of its deadline and never goes back', () => {
    fc.assert(
      fc.property(
        pace,
        fc.array(fc.double({ min: 0, max: 1e8, noNaN: true }), { minLength: 2 }),
        ({ pace, wallOrigin }, walls) => {
          let last = 0;
          for (const wall of walls.toSorted((a, b) => a - b)) {
            const simulated = pace.simulated(wallOrigin + wall);
            expect(Number.isInteger(simulated)).toBe(true);
            expect(simulated).toBeGreaterThanOrEqual(last);
            expect(pace.wall(simulated)).toBeLessThanOrEqual(wallOrigin + wall + 1e-6);
            last = simulated;
          }
        },
      ),
    );
  });

  test('at speed 10 a wall second is ten simulated ones', () => {
    const pace = new Pace(10, micros(5), 1_000);
    expect(pace.simulated(2_000)).toBe(10_000_005);
    expect(pace.wall(micros(10_000_005))).toBe(2_000);
  });
});
