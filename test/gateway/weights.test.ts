import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WeightedChoice } from '../../src/gateway/weights.ts';
import { settledDeployments } from '../support/backends.ts';

const weights = fc.array(fc.nat(100), { minLength: 2, maxLength: 4 });

function deployments(weights: readonly number[]) {
  return settledDeployments(weights.map((weight, index) => ({ name: `d${index}`, weight, instances: 1 })));
}

/** How many of `count` requests each deployment gets. */
function shares(chooser: WeightedChoice, all: ReturnType<typeof deployments>['deployments'], count: number): number[] {
  const turns = all.map(() => 0);
  for (let index = 0; index < count; index++) {
    const chosen = chooser.choose(all);
    if (chosen !== undefined) turns[chosen.index]!++;
  }
  return turns;
}

describe('weights', () => {
  test('share a round of requests exactly, whatever they are', () => {
    fc.assert(
      fc.property(weights, (each) => {
        const total = each.reduce((sum, weight) => sum + weight, 0);
        fc.pre(total > 0);
        expect(shares(new WeightedChoice(), deployments(each).deployments, total)).toEqual(each);
      }),
      { numRuns: 30 },
    );
  });

  test('that add up to 100 are the shares of 100 requests, and close to them at any time before', () => {
    const split = fc
      .tuple(fc.nat(100), fc.nat(100))
      .map(([a, b]) => [Math.min(a, b), Math.abs(a - b), 100 - Math.max(a, b)]);
    fc.assert(
      fc.property(split, fc.integer({ min: 1, max: 100 }), (each, count) => {
        const { deployments: all } = deployments(each);
        expect(shares(new WeightedChoice(), all, 100)).toEqual(each);
        for (const [index, share] of shares(new WeightedChoice(), all, count).entries()) {
          expect(Math.abs(share - (count * each[index]!) / 100)).toBeLessThanOrEqual(each.length);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('of zero all over share evenly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 4 }), fc.nat(20), (count, rounds) => {
        const { deployments: all } = deployments(new Array<number>(count).fill(0));
        expect(shares(new WeightedChoice(), all, rounds * count)).toEqual(new Array<number>(count).fill(rounds));
      }),
      { numRuns: 10 },
    );
  });

  test('a deployment without a backend gets nothing, and its share goes to the others', () => {
    const { world, deployments: all } = deployments([50, 30, 20]);
    world.platform.killPod(all[0]!.pods[0]!, 'It was killed.');
    expect(shares(new WeightedChoice(), all, 50)).toEqual([0, 30, 20]);
  });

  test('with no backend anywhere there is nobody to choose', () => {
    const { world, deployments: all } = deployments([50, 50]);
    for (const each of all) world.platform.killPod(each.pods[0]!, 'It was killed.');
    expect(new WeightedChoice().choose(all)).toBeUndefined();
  });
});
