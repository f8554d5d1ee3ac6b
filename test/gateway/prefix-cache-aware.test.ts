import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MOST_KNOWN_UNITS, PrefixCacheAware } from '../../src/gateway/routing/prefix-cache-aware.ts';
import { figures, type Known, replicas } from './replicas.ts';

const open = (count: number): Pick<Known, 'open'> => ({ open: [0, 0, 0, count] });

/** A policy over replicas whose open requests the test changes as it goes. */
function setUp(count: number) {
  const known = replicas(count).map(() => open(0));
  const policy = new PrefixCacheAware(figures(known));
  const backends = replicas(count);
  return {
    policy,
    load: (place: number, connections: number) => {
      known[place] = open(connections);
    },
    choose: (prefix?: readonly number[]) =>
      policy.choose(backends, { promptTokens: 1_000, ...(prefix === undefined ? {} : { prefix }) }).place,
  };
}

describe('prefix-cache-aware routing', () => {
  test('sends a prompt where most of it is known', () => {
    const { choose, load } = setUp(3);
    load(0, 2);
    load(1, 1);
    expect(choose([1, 2, 3, 4])).toBe(2);
    load(2, 5);
    expect(choose([1, 2, 3, 9])).toBe(2);
    expect(choose([1, 2, 8, 9])).toBe(1);
    expect(choose([7])).toBe(1);
  });

  test('a conversation that grows stays where it began, while loads are in balance', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(32), { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 2, max: 20 }),
        (loads, turns) => {
          const { choose, load } = setUp(4);
          loads.forEach((connections, place) => {
            load(place, connections);
          });
          const begun = choose([0, 1]);
          for (let turn = 2; turn < turns; turn++)
            expect(choose(Array.from({ length: turn + 1 }, (_, at) => at))).toBe(begun);
        },
      ),
    );
  });

  test('loads out of balance count more: by over 32 and over a tenth', () => {
    const { choose, load } = setUp(2);
    expect(choose([1, 2])).toBe(0);
    load(0, 32);
    expect(choose([1, 2])).toBe(0);
    load(0, 33);
    expect(choose([1, 2])).toBe(1);
    load(1, 1_000);
    expect(choose([3, 4])).toBe(0);
    load(0, 1_100);
    expect(choose([3, 4])).toBe(0);
    load(0, 1_101);
    expect(choose([3, 4])).toBe(1);
  });

  test('a prompt that nobody knows goes where the fewest are open, of equals to who knows least', () => {
    const { choose, load } = setUp(3);
    expect([choose([1]), choose([2]), choose([3])]).toEqual([0, 1, 2]);
    expect(choose([4, 5])).toBe(0);
    expect(choose([6])).toBe(1);
    load(1, 1);
    load(2, 1);
    expect(choose([7, 8])).toBe(0);
  });

  test('without a prefix it is least connections', () => {
    const { choose, load } = setUp(2);
    load(0, 1);
    expect([choose(), choose([])]).toEqual([1, 1]);
  });

  test('forgets what was not used for longest, a tail before its head', () => {
    const { choose, load } = setUp(2);
    const chain = (from: number, length: number): number[] => Array.from({ length }, (_, at) => from + at);
    expect(choose(chain(0, 4))).toBe(0);
    // The bound is reached and passed by two: the two last of the first chain go.
    load(1, 1);
    expect(choose(chain(1_000_000, MOST_KNOWN_UNITS - 2))).toBe(0);
    load(1, 0);
    load(0, 1);
    expect(choose(chain(0, 3))).toBe(0);
    expect(choose(chain(0, 4))).toBe(0);
    load(1, 2);
    expect(choose(chain(2_000_000, MOST_KNOWN_UNITS))).toBe(0);
    load(1, 0);
    expect(choose(chain(0, 4))).toBe(1);
  });
});
