import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NODE_FLAVORS } from '../../src/catalog/index.ts';
import { Cluster, type NodeGroupSpec, type Placement, type ResourceRequest } from '../../src/cluster/index.ts';
import { gang, npuNodes, ONE, put, stateOf } from './clusters.ts';

const accelerators = fc.oneof(
  fc.nat(9),
  fc.integer({ min: 1, max: 99 }).map((share) => share / 100),
);
const resources: fc.Arbitrary<ResourceRequest> = fc.record({
  cpu: fc.integer({ min: 1, max: 20_000 }).map((hundredths) => hundredths / 100),
  memoryGiB: fc.integer({ min: 1, max: 600 }),
  accelerators,
});
const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      pods: fc.array(resources, { minLength: 1, maxLength: 4 }),
      deployment: fc.constantFrom('a', 'b'),
      policy: fc.constantFrom('high-availability', 'compact', 'high-performance'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ release: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ node: fc.nat(), accelerator: fc.nat(15), breaks: fc.boolean() }) },
);
const groups: fc.Arbitrary<NodeGroupSpec[]> = fc.array(
  fc.record({
    flavor: fc.constantFrom(...NODE_FLAVORS),
    count: fc.integer({ min: 1, max: 3 }),
    racks: fc.integer({ min: 1, max: 2 }),
    maxPods: fc.integer({ min: 1, max: 8 }),
  }),
  { minLength: 1, maxLength: 3 },
);

interface Here extends Placement {
  readonly pod: string;
  readonly resources: ResourceRequest;
}

describe('allocation', () => {
  test('nothing is overcommitted and no device is held beyond the whole of it, whatever is placed, released and broken', () => {
    fc.assert(
      fc.property(groups, fc.array(action, { maxLength: 40 }), (nodes, actions) => {
        const cluster = new Cluster([{ name: 'p', type: 'dedicated', nodes }]);
        let held: Here[] = [];
        for (const [index, step] of actions.entries()) {
          if ('release' in step) {
            const gone = held[step.release % Math.max(1, held.length)];
            if (gone === undefined) continue;
            cluster.release(gone.pod);
            held = held.filter((each) => each !== gone);
          } else if ('node' in step) {
            const node = cluster.allNodes[step.node % cluster.allNodes.length]!;
            if (step.accelerator >= node.flavor.accelerators) continue;
            if (step.breaks) node.breakAccelerator(step.accelerator);
            else node.repairAccelerator(step.accelerator);
          } else {
            const { deployment, policy } = step;
            const request = gang(`${index}`, step.pods, { deployment, policy });
            const before = stateOf(cluster);
            const decision = cluster.decide(request);
            expect(stateOf(cluster)).toEqual(before);
            expect(cluster.decide(request).nodes).toEqual(decision.nodes);
            if (decision.nodes === undefined) continue;
            const placed = cluster.place(request, decision);
            for (const [nth, place] of placed.entries()) {
              expect(place.accelerators.every((each) => place.node.healthy(each))).toBe(true);
              held.push({ ...place, pod: request.pods[nth]!.name, resources: step.pods[nth]! });
            }
          }
          for (const node of cluster.allNodes) expectConserved(node, held);
        }
      }),
    );
  });

  test('a single pod is refused exactly when no node has what it asks for', () => {
    fc.assert(
      fc.property(groups, fc.array(resources, { maxLength: 30 }), (nodes, pods) => {
        fc.pre(new Set(nodes.map(({ flavor }) => flavor)).size === nodes.length);
        const cluster = new Cluster([{ name: 'p', type: 'dedicated', nodes }]);
        for (const [index, asked] of pods.entries()) {
          const fits = cluster.allNodes.some((node) => {
            const maxPods = nodes.find(({ flavor }) => flavor === node.flavor)!.maxPods!;
            const left = node.holders.map((holders) => 1 - sharesOf(holders, pods));
            const devices =
              asked.accelerators < 1
                ? asked.accelerators === 0 || left.some((part) => part > asked.accelerators - 1e-9)
                : left.filter((part) => part > 1 - 1e-9).length >= asked.accelerators;
            const { cpuFree, memoryFreeGiB, podCount } = node;
            return devices && cpuFree >= asked.cpu && memoryFreeGiB >= asked.memoryGiB && podCount < maxPods;
          });
          expect(put(cluster, gang(`${index}`, [asked])) !== undefined).toBe(fits);
        }
      }),
    );
  });

  test('a gang that does not fit leaves everything as it was, and one that does is placed whole', () => {
    fc.assert(
      fc.property(fc.array(resources, { minLength: 2, maxLength: 12 }), (pods) => {
        const cluster = npuNodes(2);
        const before = stateOf(cluster);
        const request = gang('i', pods);
        const placed = put(cluster, request);
        if (placed === undefined) expect(stateOf(cluster)).toEqual(before);
        else expect([...cluster.allNodes].flatMap((node) => [...node.pods])).toHaveLength(pods.length);
        for (const { name } of placed === undefined ? [] : request.pods) cluster.release(name);
        expect(stateOf(cluster)).toEqual(before);
      }),
    );
  });

  test('a gang of large and small pods is found a place where taking them as they come finds none', () => {
    const cluster = npuNodes(2);
    const sizes = [4, 3, 3, 2, 2, 2].map((accelerators) => ({ ...ONE, accelerators }));
    const request = gang('i', sizes, { policy: 'high-performance' });
    expect(cluster.decide(request).why).toContain('by what leaves room for the others');
    expect(put(cluster, request)).toHaveLength(6);
    expect(cluster.allNodes.map(({ acceleratorsFree }) => acceleratorsFree)).toEqual([0, 0]);
  });

  test('shares of a device are exact: ten tenths fill it', () => {
    const cluster = npuNodes(1);
    const tenth = { cpu: 0.01, memoryGiB: 4, accelerators: 0.1 };
    for (let index = 0; index < 10; index++) put(cluster, gang(`${index}`, [tenth]));
    const [node] = cluster.allNodes;
    expect(node!.holders[0]).toHaveLength(10);
    expect(node!.acceleratorsFree).toBe(7);
    expect(node!.cpuFree).toBe(191.9);
  });

  test('a pod placed or released twice, an outdated decision and an unknown pool are faults', () => {
    const cluster = npuNodes(1);
    const request = gang('i', [{ ...ONE, accelerators: 8 }]);
    const decision = cluster.decide(request);
    cluster.place(request, decision);
    expect(() => cluster.place(request, decision)).toThrow('placed already');
    const other = gang('j', [{ ...ONE, accelerators: 8 }]);
    expect(() => cluster.place(other, decision)).toThrow('overcommitted');
    cluster.release('d/i/0');
    expect(() => cluster.release('d/i/0')).toThrow('is nowhere');
    expect(() => cluster.nodes('q')).toThrow('no pool q');
    expect(() => cluster.decide(gang('k', [{ ...ONE, accelerators: 1.5 }]))).toThrow('neither whole');
  });
});

function expectConserved(node: Placement['node'], held: readonly Here[]): void {
  const here = held.filter((each) => each.node === node);
  const sum = (of: (resources: ResourceRequest) => number): number =>
    here.reduce((total, { resources }) => total + of(resources), 0);
  expect(node.cpuFree).toBeCloseTo(node.flavor.cpu - sum(({ cpu }) => cpu), 6);
  expect(node.memoryFreeGiB).toBe(node.flavor.memoryGiB - sum(({ memoryGiB }) => memoryGiB));
  expect(Math.min(node.cpuFree, node.memoryFreeGiB)).toBeGreaterThanOrEqual(0);
  expect([...node.pods].toSorted()).toEqual(here.map(({ pod }) => pod).toSorted());
  let free = 0;
  for (const [index, holders] of node.holders.entries()) {
    const holding = here.filter(({ accelerators: given }) => given.includes(index));
    const taken = holding.reduce((total, { resources }) => total + Math.min(1, resources.accelerators), 0);
    expect([...holders].toSorted()).toEqual(holding.map(({ pod }) => pod).toSorted());
    expect(taken).toBeLessThan(1 + 1e-9);
    if (node.healthy(index)) free += 1 - taken;
  }
  expect(node.acceleratorsFree).toBeCloseTo(free, 6);
  for (const { accelerators: given, resources: asked } of here) {
    expect(new Set(given).size).toBe(Math.ceil(asked.accelerators));
  }
}

/** What pods `d/INDEX/0` have of a device. */
function sharesOf(holders: readonly string[], pods: readonly ResourceRequest[]): number {
  return holders.reduce((sum, holder) => sum + Math.min(1, pods[Number(holder.split('/')[1])]!.accelerators), 0);
}
