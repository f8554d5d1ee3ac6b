import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { enginePriority, ROUTING_POLICIES, type RoutedRequest } from '../../src/gateway/routing/index.ts';
import type { RoutingPolicyName, SloClass } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { anyKnown, figures, type Known, manyKnown, replicas } from './replicas.ts';

const NAMES = Object.keys(ROUTING_POLICIES) as RoutingPolicyName[];
const LEVELS: readonly SloClass[] = [0, 1, 2, 3];
const PLAIN: RoutedRequest = { promptTokens: 100 };
const clientIp = fc.ipV4();

const request: fc.Arbitrary<RoutedRequest> = fc
  .record(
    {
      clientIp,
      sloClass: fc.constantFrom(...LEVELS),
      prefix: fc.array(fc.nat(3), { maxLength: 5 }),
      promptTokens: fc.nat(1_000),
    },
    { requiredKeys: ['promptTokens'] },
  )
  .map((each) => each as RoutedRequest);

describe('every routing policy', () => {
  test.each(NAMES)('%s chooses one of the backends, whatever is known, and chooses it again in another run', (name) => {
    fc.assert(
      fc.property(manyKnown, fc.array(request, { maxLength: 20 }), (known, requests) => {
        const backends = replicas(known.length);
        const chosen = (): number[] => {
          const policy = ROUTING_POLICIES[name](figures(known));
          return requests.map((each) => policy.choose(backends, each).place);
        };
        const first = chosen();
        for (const place of first) expect(backends[place]).toBeDefined();
        expect(chosen()).toEqual(first);
      }),
    );
  });

  test.each(NAMES)('%s does without a request', (name) => {
    const backends = replicas(3);
    expect(backends).toContain(ROUTING_POLICIES[name](figures([])).choose(backends));
  });
});

describe('source IP hash', () => {
  const policy = () => ROUTING_POLICIES['source-ip-hash']();

  guideRule(3930, 'requests of one client go to one instance, whatever other clients send', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), clientIp, fc.array(clientIp), (count, client, others) => {
        const backends = replicas(count);
        const hash = policy();
        const chosen = hash.choose(backends, { ...PLAIN, clientIp: client });
        for (const other of others) hash.choose(backends, { ...PLAIN, clientIp: other });
        expect(hash.choose(backends, { promptTokens: 7, clientIp: client })).toBe(chosen);
      }),
    );
  });

  guideRule(3930, 'a client keeps its instance while others come and go', () => {
    const all = replicas(8);
    fc.assert(
      fc.property(
        clientIp,
        fc.subarray([...all], { minLength: 1 }),
        fc.subarray([...all], { minLength: 1 }),
        (client, before, after) => {
          const hash = policy();
          const from = hash.choose(before, { ...PLAIN, clientIp: client });
          const to = hash.choose(after, { ...PLAIN, clientIp: client });
          if (from !== to) expect(!after.includes(from) || !before.includes(to)).toBe(true);
        },
      ),
    );
  });

  test('spreads clients over the replicas', () => {
    const backends = replicas(4);
    const hash = policy();
    const counts = backends.map(() => 0);
    for (let client = 0; client < 4_000; client++) {
      const address = `10.0.${client >> 8}.${client & 255}`;
      counts[hash.choose(backends, { ...PLAIN, clientIp: address }).place]!++;
    }
    // Four standard deviations of a fair choice are 110.
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(110);
  });

  test('gives those without an address their turns', () => {
    const backends = replicas(3);
    const hash = policy();
    expect([0, 1, 2, 3].map(() => hash.choose(backends, PLAIN).place)).toEqual([0, 1, 2, 0]);
  });
});

describe('least connections', () => {
  guideRule(3933, 'least connections never picks a busier instance', () => {
    fc.assert(
      fc.property(manyKnown, (known) => {
        const backends = replicas(known.length);
        const counts = backends.map((replica) => figures(known).connections(replica));
        const chosen = ROUTING_POLICIES['least-connections'](figures(known)).choose(backends);
        expect(chosen.place).toBe(counts.indexOf(Math.min(...counts)));
      }),
    );
  });
});

describe('minimum TTFT', () => {
  const choose = (known: readonly Partial<Known>[]): number =>
    ROUTING_POLICIES['min-ttft'](figures(known)).choose(replicas(known.length)).place;

  guideRule(3936, 'minimum TTFT picks the instance with the lowest average', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 6 }), (ttfts) => {
        expect(choose(ttfts.map((ttft) => ({ ttft })))).toBe(ttfts.indexOf(Math.min(...ttfts)));
      }),
    );
  });

  test('one without an average is tried, the idlest first', () => {
    expect(choose([{ ttft: 1 }, { open: [0, 0, 0, 2] }, { open: [0, 0, 0, 1] }])).toBe(2);
  });
});

describe('overall load', () => {
  const choose = (known: readonly Partial<Known>[]): number =>
    ROUTING_POLICIES['composite-load'](figures(known)).choose(replicas(known.length)).place;
  const open = (count: number): Known['open'] => [0, 0, 0, count];

  guideRule(3939, 'overall load never picks an instance that another one beats in every figure', () => {
    const told = anyKnown.map((known) => ({ ...known, metrics: known.metrics ?? { waiting: 0, cache: 0 } }));
    fc.assert(
      fc.property(fc.array(told, { minLength: 1, maxLength: 6 }), (known) => {
        const seen = known.map(({ open, ttft, metrics }) => [
          open.reduce((sum, count) => sum + count, 0),
          ttft ?? 0,
          metrics.waiting!,
          metrics.cache!,
        ]);
        const chosen = seen[choose(known)]!;
        for (const other of seen) expect(other.every((figure, index) => figure < chosen[index]!)).toBe(false);
      }),
    );
  });

  test.each<[string, Partial<Known>, Partial<Known>]>([
    ['connections', { open: open(3) }, { open: open(2) }],
    ['time to first token', { ttft: 300 }, { ttft: 200 }],
    ['metrics of its own', { metrics: { waiting: 9 } }, { metrics: { waiting: 1 } }],
  ])('goes by %s when nothing else differs', (_, busier, idler) => {
    expect(choose([busier, idler])).toBe(1);
    expect(choose([idler, busier])).toBe(0);
  });

  test('weighs its three parts alike, and the metrics among themselves', () => {
    // 1 + 0 + 1/2 against 1/4 + 1 + 1/2.
    const fast = { open: open(4), ttft: undefined, metrics: { waiting: 1, cache: 0 } };
    const free = { open: open(1), ttft: 500, metrics: { waiting: 0, cache: 1 } };
    expect(choose([free, fast])).toBe(1);
  });

  test('one whose metrics cannot be had stands as the others do on average', () => {
    const told = (waiting: number): Partial<Known> => ({ metrics: { waiting } });
    expect(choose([told(10), {}, told(2)])).toBe(2);
    expect(choose([told(10), {}, told(10), told(2), { open: open(1), ...told(2) }])).toBe(3);
    expect(choose([told(10), {}])).toBe(0);
    expect(choose([{}, told(10)])).toBe(0);
  });
});

describe('SLO priority', () => {
  const choose = (known: readonly Partial<Known>[], sloClass?: SloClass): number =>
    ROUTING_POLICIES['slo-priority'](figures(known)).choose(
      replicas(known.length),
      sloClass === undefined ? PLAIN : { ...PLAIN, sloClass },
    ).place;

  guideRule(3942, 'SLO priority goes where the fewest are served before it', () => {
    fc.assert(
      fc.property(manyKnown, fc.constantFrom(...LEVELS), (known, sloClass) => {
        const ahead = replicas(known.length).map((replica) => figures(known).ahead(replica, sloClass));
        expect(ahead[choose(known, sloClass)]).toBe(Math.min(...ahead));
      }),
    );
  });

  test('a higher level gets the replica that a flood of lower ones keeps others from', () => {
    const known: Partial<Known>[] = [{ open: [0, 0, 0, 50] }, { open: [1, 0, 0, 0] }];
    expect(choose(known, 0)).toBe(0);
    expect(choose(known, 3)).toBe(1);
    expect(choose(known)).toBe(1);
  });

  test('of equals it takes the one with the soonest first tokens', () => {
    expect(choose([{ ttft: 300 }, { ttft: 200, open: [0, 0, 0, 9] }], 0)).toBe(1);
  });

  test('in the engine, too, level 0 comes first, whatever clients ask for (guide 3942)', () => {
    fc.assert(
      fc.property(fc.constantFrom(...LEVELS), fc.constantFrom(...LEVELS), fc.integer(), fc.integer(), (a, b, x, y) => {
        if (a < b) expect(enginePriority(a, x)).toBeLessThan(enginePriority(b, y));
      }),
    );
    expect(enginePriority(1, -5)).toBeLessThan(enginePriority(1));
  });
});
