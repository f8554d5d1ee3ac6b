import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { actualShares, WeightedChoice, type WeightedDeployment } from '../../src/gateway/weights.ts';
import { weightProblem } from '../../src/platform/index.ts';
import { settledDeployments } from '../support/backends.ts';
import { guideRule } from '../support/guide-rule.ts';

const weights = fc.array(fc.nat(100), { minLength: 2, maxLength: 4 });

function deployments(weights: readonly number[]) {
  return settledDeployments(weights.map((weight, index) => ({ name: `d${index}`, weight, instances: 1 })));
}

/** A deployment that is up, as far as weights are concerned. */
function plain(weight: number): { weight: number; readonly backends: readonly unknown[] } {
  return { weight, backends: ['up'] };
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

  guideRule(3594, 'when all weights are 0 the deployments that run share evenly', () => {
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

  test('that change begin a round anew: what was owed by the old ones is not paid in the new ones', () => {
    fc.assert(
      fc.property(weights, weights, fc.nat(300), (before, after, count) => {
        const total = after.reduce((sum, weight) => sum + weight, 0);
        fc.pre(total > 0);
        const chooser = new WeightedChoice();
        const all = after.map(() => plain(0));
        for (const [index, each] of all.entries()) each.weight = before[index] ?? 0;
        for (let index = 0; index < count; index++) chooser.choose(all);
        for (const [index, each] of all.entries()) each.weight = after[index]!;
        const chosen = Array.from({ length: total }, () => chooser.choose(all));
        // Where the change leaves every weight as it was, the old round goes on; over a whole round that is the same.
        expect(all.map((each) => chosen.filter((one) => one === each).length)).toEqual(after);
      }),
    );
  });

  guideRule(3593, 'the shares of requests converge to the ratio of the weights', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 3_000 }), (each, count) => {
        const all = each.map((weight) => plain(weight));
        const shares = actualShares(all);
        const chooser = new WeightedChoice();
        const turns = all.map(() => 0);
        for (let index = 0; index < count; index++) turns[all.indexOf(chooser.choose(all)!)]!++;
        for (const [index, share] of shares.entries()) {
          expect(Math.abs(turns[index]! - (count * share) / 100)).toBeLessThanOrEqual(each.length);
        }
      }),
    );
  });
});

describe('actual shares', () => {
  const { main, next, down, mirror } = {
    main: plain(90),
    next: plain(10),
    down: { weight: 100, backends: [] },
    mirror: { ...plain(50), mirror: true },
  };

  test.each<[string, readonly WeightedDeployment[], readonly number[]]>([
    ['follow the weights', [main, next], [90, 10]],
    ['leave out who has no backend', [main, next, down], [90, 10, 0]],
    ['leave out mirrors', [main, mirror, next], [90, 0, 10]],
    ['are even when all weights are 0', [plain(0), plain(0), { ...down, weight: 0 }], [50, 50, 0]],
    ["are even when all weights but a mirror's are 0", [plain(0), mirror, plain(0)], [50, 0, 50]],
    ['give nothing to a weight of 0, even when nobody else is up', [plain(0), down], [0, 0]],
    ['are nothing where nobody is', [], []],
  ])('%s (guide 3594, 3609, 3644)', (_, deployments, shares) => {
    expect(actualShares(deployments)).toEqual(shares);
  });

  guideRule(3624, 'the actual share follows from the weights and from who runs', () => {
    const one = fc.record({ weight: fc.nat(100), up: fc.boolean() });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 4 }), (each) => {
        const all = each.map(({ weight, up }) => ({ weight, backends: up ? ['up'] : [] }));
        const chooser = new WeightedChoice();
        const even = all.every(({ weight }) => weight === 0);
        const round = all.reduce((sum, { weight, backends }) => sum + (even ? 1 : weight) * backends.length, 0);
        const chosen = Array.from({ length: round }, () => chooser.choose(all));
        const timesChosen = (one: unknown): number => chosen.filter((other) => other === one).length;
        const counted = all.map((one) => (100 * timesChosen(one)) / Math.max(round, 1));
        for (const [index, share] of actualShares(all).entries()) expect(share).toBeCloseTo(counted[index]!, 9);
      }),
    );
  });
});

guideRule(3592, 'a weight is a whole number, at most 100', () => {
  expect([0, 1, 100].map(weightProblem)).toEqual([undefined, undefined, undefined]);
  for (const weight of [-1, 101, 0.5, Number.NaN]) {
    expect(weightProblem(weight)).toBe(`a weight is a whole number from 0 to 100, not ${weight}`);
  }
});
