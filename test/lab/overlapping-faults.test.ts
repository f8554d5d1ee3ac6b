import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import { type FaultSpec, World } from '../../src/lab/index.ts';
import { DEPLOYMENT, description, SERVICE } from '../support/world.ts';

const target = { service: SERVICE, deployment: DEPLOYMENT, instance: 0 } as const;
const call = { to: { service: SERVICE }, key: null, promptTokens: 10, maxTokens: 2, ignoreEos: true } as const;

/** A quiet world, up and running, and the moment it was. */
function quiet(): { world: World; zero: Micros } {
  const world = new World(description({ traffic: [], timeline: [] }));
  world.runUntilSettled();
  return { world, zero: world.now };
}

const spell = fc.record({
  at: fc.integer({ min: 0, max: 60 }),
  lasting: fc.integer({ min: 1, max: 60 }),
  status: fc.constantFrom(429 as const, 503 as const),
});

describe('faults that overlap', () => {
  test('refuse as the latest of those that last says, and no longer than any lasts', () => {
    fc.assert(
      fc.property(fc.array(spell, { minLength: 1, maxLength: 5 }), (spells) => {
        const { world, zero } = quiet();
        const ordered = [...spells].sort((a, b) => a.at - b.at);
        const at = (seconds: number): Micros => (zero + fromSeconds(seconds)) as Micros;
        let next = 0;
        for (let second = 0; second <= 125; second++) {
          for (; next < ordered.length && ordered[next]!.at <= second; next++) {
            const { lasting, status, at: when } = ordered[next]!;
            const fault: FaultSpec = { kind: 'refuse', service: SERVICE, status, lasting: fromSeconds(lasting) };
            world.apply(at(when), { kind: 'fault', fault });
          }
          const probe = (at(second) + 500_000) as Micros;
          const active = ordered.filter(({ at: from, lasting }) => from <= second && second < from + lasting);
          expect(world.apply(probe, { kind: 'call', call })?.refusal?.status).toBe(active.at(-1)?.status);
        }
      }),
      { numRuns: 20 },
    );
  });

  test('slow an engine by the product of their factors, until the last of them ends', () => {
    const { world, zero } = quiet();
    const fault = (factor: number, lasting: number): FaultSpec => {
      return { kind: 'slow-engine', ...target, factor, lasting: fromSeconds(lasting) };
    };
    const step = (second: number): number => {
      const reply = world.apply((zero + fromSeconds(second)) as Micros, {
        kind: 'call',
        call: { ...call, to: { slot: `${SERVICE}/${DEPLOYMENT}/0` } },
      })!;
      world.runUntil((world.now + fromSeconds(4)) as Micros);
      return reply.tokenTime(1) - reply.tokenTime(0);
    };
    const whole = step(0);
    world.apply((zero + fromSeconds(5)) as Micros, { kind: 'fault', fault: fault(5, 10) });
    world.apply((zero + fromSeconds(10)) as Micros, { kind: 'fault', fault: fault(10, 40) });
    expect(step(10) / whole).toBeCloseTo(50, 1);
    expect(step(20) / whole).toBeCloseTo(10, 1);
    expect(step(55) / whole).toBeCloseTo(1, 3);
  });
});
