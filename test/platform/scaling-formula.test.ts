import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import { WishWindows, wishOf } from '../../src/platform/scaling-formula.ts';

/** Examples of the documentation and of the tests of Kubernetes' HorizontalPodAutoscaler. */
describe('the number that a metric asks for', () => {
  const steady = { current: 3, ready: 3, unready: 0 };

  test('is twice as many at twice the target, half as many at half', () => {
    expect(wishOf(100, { current: 1, ready: 1, unready: 0, mean: 200 })).toBe(2);
    expect(wishOf(100, { current: 2, ready: 2, unready: 0, mean: 50 })).toBe(1);
  });

  test('is rounded up', () => {
    expect(wishOf(10, { ...steady, mean: 17 })).toBe(6);
    expect(wishOf(10, { ...steady, mean: 1 })).toBe(1);
    expect(wishOf(10, { ...steady, mean: 0 })).toBe(0);
  });

  test('is the one that there is, within 10 % of the target', () => {
    for (const mean of [9, 9.5, 10, 10.5, 11]) expect(wishOf(10, { ...steady, mean })).toBe(3);
    expect(wishOf(10, { ...steady, mean: 11.1 })).toBe(4);
    expect(wishOf(0.1, { ...steady, mean: 0.11 })).toBe(3);
  });

  test('counts instances that are not ready as idle before it scales out, and holds still if that is enough', () => {
    expect(wishOf(10, { current: 4, ready: 2, unready: 2, mean: 30 })).toBe(6);
    expect(wishOf(10, { current: 4, ready: 2, unready: 2, mean: 20 })).toBe(4);
    expect(wishOf(10, { current: 4, ready: 2, unready: 2, mean: 15 })).toBe(4);
  });

  test('brings the mean to the target or below, and is no larger than it must be', () => {
    const some = fc.integer({ min: 1, max: 128 });
    fc.assert(
      fc.property(some, some, fc.double({ min: 0.1, max: 1_000, noNaN: true }), (ready, target, mean) => {
        const wish = wishOf(target, { current: ready, ready, unready: 0, mean });
        const total = ready * mean;
        if (wish === ready) return;
        expect(total / wish).toBeLessThanOrEqual(target * (1 + 1e-9));
        if (wish > 1) expect(total / (wish - 1)).toBeGreaterThan(target * (1 - 1e-9));
      }),
    );
  });
});

describe('windows', () => {
  /** Answers to wishes 15 seconds apart, each followed at once. */
  function follow(windows: WishWindows, first: number, wishes: readonly number[]): number[] {
    let current = first;
    return wishes.map((wish, index) => {
      current = windows.add(fromSeconds(15 * (index + 1)), wish, current);
      return current;
    });
  }

  test('of nothing follow every wish', () => {
    expect(follow(new WishWindows(fromSeconds(0), fromSeconds(0)), 2, [3, 1, 5, 5, 2])).toEqual([3, 1, 5, 5, 2]);
  });

  test('scale in to the highest wish of the window, from the first look on', () => {
    const windows = new WishWindows(fromSeconds(60), fromSeconds(0));
    expect(follow(windows, 4, [1, 2, 1, 1, 1, 1, 1])).toEqual([4, 4, 4, 4, 2, 1, 1]);
  });

  test('scale out to the lowest wish of the window', () => {
    const windows = new WishWindows(fromSeconds(0), fromSeconds(30));
    expect(follow(windows, 1, [5, 3, 4, 4])).toEqual([1, 1, 3, 4]);
  });

  test('shorter than the time between two looks are none', () => {
    const windows = new WishWindows(fromSeconds(5), fromSeconds(5));
    expect(follow(windows, 2, [1, 4])).toEqual([2, 4]);
  });

  test('begin anew when the number is another than was answered', () => {
    const windows = new WishWindows(fromSeconds(60), fromSeconds(0));
    follow(windows, 4, [2, 2, 2, 2, 2]);
    expect([90, 105, 150].map((at) => windows.add(fromSeconds(at), 2, 6))).toEqual([6, 6, 2]);
  });

  test('forget what was wished before they were cleared', () => {
    const windows = new WishWindows(fromSeconds(300), fromSeconds(0));
    windows.add(fromSeconds(15), 9, 3);
    windows.clear();
    expect(windows.add(fromSeconds(30), 1, 2)).toBe(2);
    expect(windows.add(fromSeconds(400), 1, 2)).toBe(1);
  });

  test('are never left by more than the wishes in them', () => {
    const window = fc.integer({ min: 0, max: 120 });
    fc.assert(
      fc.property(
        window,
        window,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (inward, outward, all) => {
          const windows = new WishWindows(fromSeconds(inward), fromSeconds(outward));
          const answers = follow(windows, 5, all);
          for (const answer of answers) expect([5, ...all]).toContain(answer);
          const long = [...all, ...Array.from({ length: 12 }, () => 4)];
          expect(follow(new WishWindows(fromSeconds(inward), fromSeconds(outward)), 5, long).at(-1)).toBe(4);
        },
      ),
    );
  });
});
