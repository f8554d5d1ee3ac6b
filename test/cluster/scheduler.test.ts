import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NODE_FLAVORS, nodeFlavor } from '../../src/catalog/index.ts';
import { Cluster, type ResourceRequest } from '../../src/cluster/index.ts';

const request: fc.Arbitrary<ResourceRequest> = fc.record({
  cpu: fc.integer({ min: 1, max: 200 }),
  memoryGiB: fc.integer({ min: 1, max: 2_000 }),
  accelerators: fc.nat(9),
});
const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ resources: request, deployment: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ release: fc.nat() }) },
);
const groups = fc.array(
  fc.record({ flavor: fc.constantFrom(...NODE_FLAVORS), count: fc.integer({ min: 1, max: 3 }) }),
  {
    minLength: 1,
    maxLength: 3,
  },
);

function eightNpus(count: number): Cluster {
  return new Cluster([{ name: 'p', type: 'dedicated', nodes: [{ flavor: nodeFlavor('snt9b-8'), count }] }]);
}

const ONE: ResourceRequest = { cpu: 8, memoryGiB: 64, accelerators: 1 };
const nobody = (): boolean => false;

describe('the cluster', () => {
  test('holds no accelerator twice and overcommits nothing, whatever is placed and released', () => {
    fc.assert(
      fc.property(groups, fc.array(action, { maxLength: 60 }), (nodes, actions) => {
        const cluster = new Cluster([{ name: 'p', type: 'dedicated', nodes }]);
        let held: {
          pod: string;
          node: ReturnType<Cluster['nodes']>[number];
          resources: ResourceRequest;
          accelerators: readonly number[];
        }[] = [];
        for (const [index, step] of actions.entries()) {
          if ('release' in step) {
            const gone = held[step.release % Math.max(1, held.length)];
            if (gone === undefined) continue;
            gone.node.release(gone.pod);
            held = held.filter((each) => each !== gone);
          } else {
            const pod = `${step.deployment}/${index}`;
            const fits = cluster
              .nodes('p')
              .some(
                (node) =>
                  node.cpuFree >= step.resources.cpu &&
                  node.memoryFreeGiB >= step.resources.memoryGiB &&
                  node.acceleratorsFree >= step.resources.accelerators,
              );
            const decision = cluster.find('p', {
              resources: step.resources,
              isSibling: (other) => other.startsWith(`${step.deployment}/`),
            });
            expect(decision.node !== undefined).toBe(fits);
            if (decision.node === undefined) continue;
            const { node, accelerators } = cluster.place(pod, decision.node, step.resources);
            expect(accelerators.length).toBe(step.resources.accelerators);
            held.push({ pod, node, resources: step.resources, accelerators });
          }
          for (const node of cluster.allNodes) {
            const here = held.filter((each) => each.node === node);
            const given = here.flatMap(({ accelerators }) => accelerators);
            const sum = (of: keyof ResourceRequest): number =>
              here.reduce((total, { resources }) => total + resources[of], 0);
            expect(new Set(given).size).toBe(given.length);
            expect(given.every((each) => each >= 0 && each < node.flavor.accelerators)).toBe(true);
            for (const { pod, accelerators } of here) {
              expect(node.holders.flatMap((holder, index) => (holder === pod ? [index] : []))).toEqual([
                ...accelerators,
              ]);
            }
            expect(node.acceleratorsFree).toBe(node.flavor.accelerators - given.length);
            expect(node.cpuFree).toBe(node.flavor.cpu - sum('cpu'));
            expect(node.memoryFreeGiB).toBe(node.flavor.memoryGiB - sum('memoryGiB'));
            expect(Math.min(node.cpuFree, node.memoryFreeGiB)).toBeGreaterThanOrEqual(0);
            expect([...node.pods].toSorted()).toEqual(here.map(({ pod }) => pod).toSorted());
          }
        }
      }),
    );
  });

  test('spreads the pods of a deployment: no two equal nodes differ by more than one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 12 }), (nodes, pods) => {
        const cluster = eightNpus(nodes);
        for (let index = 0; index < Math.min(pods, nodes * 8); index++) {
          const { node } = cluster.find('p', { resources: ONE, isSibling: (pod) => pod.startsWith('a/') });
          cluster.place(`a/${index}`, node!, ONE);
        }
        const counts = cluster.nodes('p').map((node) => [...node.pods].length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('among nodes with as many siblings the one with the most free accelerators is taken, then the first', () => {
    const cluster = eightNpus(3);
    const [first, second, third] = cluster.nodes('p');
    expect(cluster.find('p', { resources: ONE, isSibling: nobody }).node).toBe(first);
    cluster.place('x', first!, ONE);
    expect(cluster.find('p', { resources: ONE, isSibling: nobody }).node).toBe(second);
    cluster.place('y', second!, ONE);
    cluster.place('z', third!, { ...ONE, accelerators: 4 });
    expect(cluster.find('p', { resources: ONE, isSibling: nobody }).node).toBe(first);
    expect(cluster.find('p', { resources: ONE, isSibling: (pod) => pod !== 'z' }).node).toBe(third);
  });

  test('says why', () => {
    const cluster = eightNpus(2);
    const [node] = cluster.nodes('p');
    expect(cluster.find('p', { resources: ONE, isSibling: nobody }).why).toBe(
      '2/2 nodes fit; p-node-0 holds 0 pods of the deployment and has 8 accelerators free.',
    );
    cluster.place('x', node!, { cpu: 190, memoryGiB: 1, accelerators: 8 });
    expect(cluster.find('p', { resources: { cpu: 4, memoryGiB: 9_999, accelerators: 1 }, isSibling: nobody })).toEqual({
      node: undefined,
      why: '0/2 nodes are available: 1 insufficient cpu, 2 insufficient memory, 1 insufficient accelerators.',
    });
  });

  test('an unknown pool and a pod placed or released twice are faults', () => {
    const cluster = eightNpus(1);
    const [node] = cluster.nodes('p');
    expect(() => cluster.nodes('q')).toThrow('no pool q');
    cluster.place('x', node!, ONE);
    expect(() => cluster.place('x', node!, ONE)).toThrow('already');
    node!.release('x');
    expect(() => node!.release('x')).toThrow('is not on');
  });
});
