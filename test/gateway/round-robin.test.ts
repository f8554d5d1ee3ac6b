import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RoundRobin } from '../../src/gateway/routing/round-robin.ts';
import type { UnitReplica } from '../../src/platform/index.ts';
import { settledDeployments } from '../support/backends.ts';
import { guideRule } from '../support/guide-rule.ts';

const INSTANCES = 6;

/** The pods of a deployment that runs, in order of their slots. */
function pods(): readonly UnitReplica[] {
  return [...settledDeployments([{ name: 'main', weight: 100, instances: INSTANCES }]).deployments[0]!.backends];
}

describe('round robin', () => {
  guideRule(3927, 'round robin gives each instance its turn: no two differ by more than one request', () => {
    const all = pods();
    fc.assert(
      fc.property(fc.subarray([...all], { minLength: 1 }), fc.nat(50), (backends, count) => {
        const policy = new RoundRobin();
        const turns = new Map(backends.map((pod) => [pod, 0]));
        for (let index = 0; index < count; index++) {
          const chosen = policy.choose(backends);
          turns.set(chosen, turns.get(chosen)! + 1);
        }
        expect(Math.max(...turns.values()) - Math.min(...turns.values())).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('while backends come and go, one that stays is passed over for no more than one round', () => {
    const all = pods();
    fc.assert(
      fc.property(
        fc.nat(INSTANCES - 1),
        fc.array(fc.subarray([...all]), { minLength: 1, maxLength: 60 }),
        (stays, changing) => {
          const policy = new RoundRobin();
          const loyal = all[stays]!;
          let since = 0;
          for (const others of changing) {
            const backends = all.filter((pod) => pod === loyal || others.includes(pod));
            const chosen = policy.choose(backends);
            expect(backends).toContain(chosen);
            since = chosen === loyal ? 0 : since + 1;
            expect(since).toBeLessThan(INSTANCES);
          }
        },
      ),
    );
  });

  test('a backend that leaves does not start the round anew', () => {
    const [a, b, c] = pods();
    const policy = new RoundRobin();
    const chosen = [
      [a, b, c],
      [a, b, c],
      [a, c],
      [a, b, c],
      [b, c],
    ].map((backends) => policy.choose(backends as UnitReplica[]));
    expect(chosen).toEqual([a, b, c, a, b]);
  });
});
