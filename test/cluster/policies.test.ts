import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeFlavor } from '../../src/catalog/index.ts';
import type { GangRequest, NodeAffinity, ResourceRequest } from '../../src/cluster/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { cluster, gang, npuNodes, ONE, places, podsOn, put } from './clusters.ts';

const npus = (accelerators: number): ResourceRequest => ({ cpu: 1, memoryGiB: 4, accelerators });
const repeat = (pods: number, resources = ONE): ResourceRequest[] => Array.from({ length: pods }, () => resources);

describe('high availability', () => {
  guideRule(3511, 'HA scheduling spreads replicas as evenly as possible over the nodes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 40 }),
        (nodes, racks, instances) => {
          const pool = npuNodes(nodes, { racks });
          for (let index = 0; index < Math.min(instances, nodes * 8); index++) put(pool, gang(`${index}`, [ONE]));
          const counts = podsOn(pool);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  guideRule(3532, 'HA scheduling spreads replicas over racks', () => {
    const pool = npuNodes(6, { racks: 3 });
    const racks = ['1', '2', '3'].map((instance) => put(pool, gang(instance, [ONE]))![0]!.node.rack);
    expect(new Set(racks).size).toBe(3);
  });

  guideRule(385, 'under HA scheduling the pods of one replica prefer the same node', () => {
    const pool = npuNodes(3);
    expect(new Set(places(pool, gang('1', repeat(4)))).size).toBe(1);
    put(pool, gang('1', repeat(4)));
    expect(places(pool, gang('1', repeat(2)))).toEqual(['p-node-0', 'p-node-0']);
    expect(new Set(places(pool, gang('2', repeat(4))))).toEqual(new Set(['p-node-1']));
    expect(new Set(places(pool, gang('3', repeat(12)))).size).toBe(2);
  });

  test('another deployment is nobody to be kept from: then the most free accelerators, then the first node', () => {
    const pool = npuNodes(3);
    expect(places(pool, gang('1', [ONE]))).toEqual(['p-node-0']);
    put(pool, gang('1', [ONE], { deployment: 'e' }));
    expect(places(pool, gang('1', [ONE]))).toEqual(['p-node-1']);
  });
});

describe('compact', () => {
  guideRule(3520, 'compact scheduling gathers instances on the fewest nodes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        (taken, size, pods, together) => {
          const pool = occupied(taken);
          const requests = together
            ? [compact('x', repeat(pods, npus(size)))]
            : repeat(pods, npus(size)).map((each, index) => compact(`${index}`, [each]));
          if (requests.map((request) => put(pool, request)).includes(undefined)) return;
          const used = pool.allNodes.filter(({ podCount }) => podCount > 0).length;
          expect(used).toBe(fewestNodes(taken, new Array<number>(pods).fill(size)));
        },
      ),
    );
  });

  test('the pods of one gang use the fewest nodes whatever their sizes, by brute force over small gangs', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 8 }),
        (taken, sizes) => {
          const pool = occupied(taken);
          const fewest = fewestNodes(taken, sizes);
          const placed = put(pool, compact('x', sizes.map(npus)));
          expect(placed === undefined).toBe(fewest === Number.POSITIVE_INFINITY);
          if (placed !== undefined) expect(pool.allNodes.filter(({ podCount }) => podCount > 0)).toHaveLength(fewest);
        },
      ),
      { numRuns: 300 },
    );
  });

  guideRule(3547, 'compact scheduling prefers the nodes that are fuller', () => {
    expect(places(occupied([0, 4, 6, 8]), compact('x', [npus(2)]))).toEqual(['p-node-2']);
    expect(places(occupied([0, 4, 6, 8]), compact('x', [npus(3)]))).toEqual(['p-node-1']);
  });

  test('a node in use comes before an idle one that is smaller', () => {
    const pool = cluster({ flavor: nodeFlavor('a100-8'), count: 1 }, { flavor: nodeFlavor('a100-4'), count: 1 });
    expect(places(pool, compact('x', [npus(2)]))).toEqual(['p-node-1']);
    put(pool, gang('1', [npus(2)], { policy: 'high-performance' }));
    expect(places(pool, compact('x', [npus(2)]))).toEqual(['p-node-0']);
  });
});

describe('high performance', () => {
  test('devices of one ring come before an emptier node', () => {
    const pool = cluster({ flavor: nodeFlavor('snt9-8'), count: 2 });
    // The first node is left with three devices in each ring, the second with four in one and one in the other.
    pool.allNodes[0]!.breakAccelerator(0);
    pool.allNodes[0]!.breakAccelerator(4);
    for (const index of [0, 1, 2]) pool.allNodes[1]!.breakAccelerator(index);
    const request = gang('1', [npus(4)], { policy: 'high-performance' });
    expect(put(pool, request)![0]).toMatchObject({ node: { name: 'p-node-1' }, accelerators: [4, 5, 6, 7] });
    const other = gang('2', [npus(2)], { policy: 'high-performance', deployment: 'e' });
    expect(places(pool, other)).toEqual(['p-node-0']);
  });

  test('pods of one instance come together, and instances go where nobody else is', () => {
    const pool = npuNodes(3);
    const request = (instance: string): GangRequest => gang(instance, repeat(2), { policy: 'high-performance' });
    expect(places(pool, request('1'))).toEqual(['p-node-0', 'p-node-0']);
    put(pool, request('1'));
    expect(places(pool, request('2'))).toEqual(['p-node-1', 'p-node-1']);
  });
});

describe('rings', () => {
  test('a pod gets devices of one ring where it can: of the tightest', () => {
    const pool = cluster({ flavor: nodeFlavor('snt9-8'), count: 1 });
    const devices = (instance: string, count: number): readonly number[] =>
      put(pool, gang(instance, [npus(count)]))![0]!.accelerators;
    expect(devices('1', 1)).toEqual([0]);
    expect(devices('2', 2)).toEqual([1, 2]);
    expect(devices('3', 1)).toEqual([3]);
    expect(devices('4', 4)).toEqual([4, 5, 6, 7]);
    pool.release('d/1/0');
    pool.release('d/4/0');
    expect(devices('5', 5)).toEqual([0, 4, 5, 6, 7]);
  });

  test('a share goes to the device that is shared already, so that whole ones stay whole', () => {
    const pool = npuNodes(1);
    expect(put(pool, gang('1', [npus(0.5)]))![0]!.accelerators).toEqual([0]);
    expect(put(pool, gang('2', [npus(0.6)]))![0]!.accelerators).toEqual([1]);
    expect(put(pool, gang('3', [npus(0.4)]))![0]!.accelerators).toEqual([1]);
    expect(put(pool, gang('4', [npus(6)]))![0]!.accelerators).toEqual([2, 3, 4, 5, 6, 7]);
    expect(places(pool, gang('5', [npus(1)]))).toBeUndefined();
  });
});

describe('affinity', () => {
  const nodes: fc.Arbitrary<string[]> = fc.uniqueArray(
    fc.constantFrom('p-node-0', 'p-node-1', 'p-node-2', 'p-node-3'),
    { maxLength: 4 },
  );
  const policy = fc.constantFrom('high-availability', 'compact', 'high-performance');
  const sizes = fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 12 });

  /** Places pods of all sizes and policies under a rule, and checks that it holds wherever it can. */
  function expectKept(kind: NodeAffinity['kind'], strength: NodeAffinity['strength']): void {
    fc.assert(
      fc.property(nodes, policy, sizes, (named, how, pods) => {
        const pool = npuNodes(4);
        for (const [index, size] of pods.entries()) {
          const room = pool.allNodes.filter(({ acceleratorsFree }) => acceleratorsFree >= size);
          const kept = (node: string): boolean => named.includes(node) === (kind === 'affinity');
          const liked = room.some(({ name }) => kept(name));
          const affinity: NodeAffinity = { kind, strength, nodes: named };
          const placed = put(pool, gang(`${index}`, [npus(size)], { policy: how, affinity }));
          expect(placed !== undefined).toBe(strength === 'strong' ? liked : room.length > 0);
          if (placed !== undefined) expect(kept(placed[0]!.node.name)).toBe(liked);
        }
      }),
    );
  }

  guideRule(3575, 'weak affinity prefers its nodes and falls back to others', () => expectKept('affinity', 'weak'));
  guideRule(3576, 'strong affinity places a pod on its nodes or not at all', () => expectKept('affinity', 'strong'));
  guideRule(3577, 'weak anti-affinity avoids its nodes unless there are no others', () =>
    expectKept('anti-affinity', 'weak'),
  );
  guideRule(3578, 'strong anti-affinity never places a pod on its nodes', () => expectKept('anti-affinity', 'strong'));

  const weak: NodeAffinity = { kind: 'affinity', strength: 'weak', nodes: ['p-node-1'] };

  guideRule(3541, 'affinity takes precedence over HA scheduling', () => {
    const pool = npuNodes(2);
    for (const instance of ['1', '2', '3']) {
      expect(put(pool, gang(instance, [ONE], { affinity: weak }))![0]!.node.name).toBe('p-node-1');
    }
  });

  guideRule(3560, 'affinity takes precedence over compact scheduling', () => {
    expect(places(occupied([4, 0]), gang('x', [ONE], { policy: 'compact', affinity: weak }))).toEqual(['p-node-1']);
  });
});

describe('roles', () => {
  guideRule(751, 'prefill and decode units lie on different nodes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 5 }),
        fc.array(fc.constantFrom('prefill' as const, 'decode' as const), { maxLength: 10 }),
        (nodes, roles) => {
          const pool = npuNodes(nodes);
          const at = { prefill: new Set<string>(), decode: new Set<string>() };
          for (const [index, role] of roles.entries()) {
            const other = at[role === 'prefill' ? 'decode' : 'prefill'];
            const placed = put(pool, gang(`${index}`, [ONE], { role, rolesApart: true }));
            const { name } = placed![0]!.node;
            expect(other.has(name)).toBe(other.size === nodes);
            at[role].add(name);
          }
        },
      ),
    );
  });

  test('roles come apart before pods of one instance come together', () => {
    const pool = npuNodes(2);
    put(pool, gang('1', repeat(2), { role: 'prefill' }));
    const decode = gang('1', [ONE], { role: 'decode' });
    expect(places(pool, decode)).toEqual(['p-node-0']);
    expect(places(pool, { ...decode, rolesApart: true })).toEqual(['p-node-1']);
  });
});

function compact(instance: string, pods: readonly ResourceRequest[]): GangRequest {
  return gang(instance, pods, { policy: 'compact' });
}

/** Nodes of eight accelerators of which so many are held by another deployment. */
function occupied(taken: readonly number[]) {
  const pool = npuNodes(taken.length);
  for (const [index, count] of taken.entries()) {
    if (count === 0) continue;
    const affinity: NodeAffinity = { kind: 'affinity', strength: 'strong', nodes: [`p-node-${index}`] };
    put(pool, gang(`${index}`, [npus(count)], { deployment: 'before', affinity }));
  }
  return pool;
}

/** The fewest nodes in use after pods of these sizes are placed, of all ways; infinite when there is none. */
function fewestNodes(taken: readonly number[], sizes: readonly number[]): number {
  const known = new Map<string, number>();
  const place = (used: readonly number[], pod: number): number => {
    if (pod === sizes.length) return used.filter((each) => each > 0).length;
    const key = `${pod}:${used.toSorted().join()}`;
    let fewest = known.get(key);
    if (fewest !== undefined) return fewest;
    fewest = Number.POSITIVE_INFINITY;
    for (const [node, each] of used.entries()) {
      if (each + sizes[pod]! <= 8) fewest = Math.min(fewest, place(used.with(node, each + sizes[pod]!), pod + 1));
    }
    known.set(key, fewest);
    return fewest;
  };
  return place(taken, 0);
}
