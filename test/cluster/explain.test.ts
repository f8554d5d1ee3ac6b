import { describe, expect, test } from 'vitest';
import { nodeFlavor } from '../../src/catalog/index.ts';
import { Cluster, type GangRequest } from '../../src/cluster/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { cluster, gang, npuNodes, ONE, places, put } from './clusters.ts';

/** An NPU node on which a model is warm, and one without accelerators. */
function mixed(): Cluster {
  return cluster(
    { flavor: nodeFlavor('snt9b-8'), count: 1, warmModels: ['qwen'] },
    { flavor: nodeFlavor('cpu-64'), count: 1 },
  );
}

function why(pool: Cluster, rest: Partial<GangRequest>): string {
  return pool.decide(gang('1', [{ ...ONE, accelerators: 0 }], rest)).why;
}

describe('a refusal says why', () => {
  const big = { ...ONE, accelerators: 8 };

  guideRule(4510, 'FailedScheduling names insufficient cpu or memory', () => {
    const pool = npuNodes(2);
    put(pool, gang('1', [{ cpu: 190, memoryGiB: 1, accelerators: 8 }]));
    const decision = pool.decide(gang('2', [{ cpu: 4, memoryGiB: 9_999, accelerators: 1 }]));
    expect(decision.nodes).toBeUndefined();
    expect(decision.why).toBe(
      '0/2 nodes are available: 1 insufficient cpu, 2 insufficient memory, 1 insufficient accelerators.',
    );
    expect(decision.explain()).toEqual([
      { node: 'p-node-0', refused: 'insufficient cpu, insufficient memory, insufficient accelerators', chosen: 0 },
      { node: 'p-node-1', refused: 'insufficient memory', chosen: 0 },
    ]);
  });

  guideRule(4510, 'FailedScheduling names taints', () => {
    const pool = npuNodes(3);
    const [tainted, cordoned, abnormal] = pool.allNodes;
    tainted!.addTaint({ key: 'maintenance', value: 'yes', effect: 'NoSchedule' });
    cordoned!.cordoned = true;
    abnormal!.phase = 'Abnormal';
    const decision = pool.decide(gang('1', [ONE]));
    expect(decision.why).toBe(
      '0/3 nodes are available: 1 taints (maintenance), 1 node(s) were unschedulable, 1 node is not ready.',
    );
    const refusals = ['taints (maintenance)', 'node(s) were unschedulable', 'node is not ready'];
    expect(decision.explain().map(({ refused }) => refused)).toEqual(refusals);
    tainted!.removeTaint('maintenance');
    expect(places(pool, gang('1', [ONE]))).toEqual([tainted!.name]);
    expect(decision.explain().map(({ refused }) => refused)).toEqual(refusals);
  });

  guideRule(4461, 'FailedScheduling names too many pods on the node', () => {
    const pool = npuNodes(1, { maxPods: 1 });
    put(pool, gang('1', [ONE]));
    expect(pool.decide(gang('2', [ONE])).why).toBe('0/1 nodes are available: 1 too many pods.');
  });

  guideRule(4510, 'FailedScheduling names strong anti-affinity that the rest cannot meet', () => {
    const pool = npuNodes(2);
    pool.allNodes[0]!.cordoned = true;
    const affinity = { kind: 'anti-affinity', strength: 'strong', nodes: ['p-node-1'] } as const;
    expect(pool.decide(gang('1', [ONE], { affinity })).why).toBe(
      '0/2 nodes are available: 1 node(s) were unschedulable, 1 did not match node affinity.',
    );
  });

  guideRule(4510, 'FailedScheduling names strong affinity that the nodes cannot meet', () => {
    expect(why(mixed(), { affinity: { kind: 'affinity', strength: 'strong', nodes: ['elsewhere'] } })).toBe(
      '0/2 nodes are available: 2 did not match node affinity.',
    );
  });

  guideRule(3703, 'a service with a pre-warmed model goes to pre-warmed nodes only', () => {
    const pool = mixed();
    expect(why(pool, { warmModel: 'llama' })).toBe('0/2 nodes are available: 2 model is not pre-warmed.');
    expect(why(pool, { nodePool: 'cpu-64', warmModel: 'qwen' })).toBe(
      '0/2 nodes are available: 1 model is not pre-warmed, 1 wrong node pool.',
    );
    expect(places(pool, gang('1', [{ ...ONE, accelerators: 0 }], { warmModel: 'qwen' }))).toEqual(['p-node-0']);
  });

  test('a gang: what the first pod without a place found, and how many would have had one', () => {
    const pool = npuNodes(2);
    expect(pool.decide(gang('1', [big, big, big])).why).toBe(
      "0/2 nodes are available: 2 insufficient accelerators; 2 of the gang's 3 pods would fit.",
    );
  });

  guideRule(381, 'a pool with logical subpools is refused', () => {
    const pools = new Cluster([
      {
        name: 'p',
        type: 'dedicated',
        nodes: [{ flavor: nodeFlavor('snt9b-8'), count: 3 }],
        subpools: [
          { name: 'a', nodes: 1 },
          { name: 'b', nodes: 2 },
        ],
      },
    ]);
    const refused = pools.decide(gang('1', [ONE]));
    expect(refused.nodes).toBeUndefined();
    expect(refused.why).toBe('p has logical subpools and takes no deployments itself.');
    expect(pools.pool('p').takesDeployments).toBe(false);
    expect(put(pools, gang('1', [big], { pool: 'a' }))![0]!.node.name).toBe('p-node-0');
    expect(places(pools, gang('2', [big], { pool: 'a' }))).toBeUndefined();
    expect(places(pools, gang('2', [big, big], { pool: 'b' }))).toEqual(['p-node-1', 'p-node-2']);
    expect(pools.allNodes).toHaveLength(3);
    pools.pool('p').setPlugin('volcano', 'abnormal');
    expect(pools.pool('b').plugins).toEqual({ volcano: 'abnormal', hra: 'absent', logs: 'running' });
  });
});

describe('a choice says why', () => {
  test('what decided, and the scores of all nodes as they stood', () => {
    const pool = npuNodes(2, { racks: 2 });
    put(pool, gang('1', [ONE]));
    const decision = pool.decide(gang('2', [ONE]));
    expect(decision.why).toBe('2/2 nodes fit; p-node-1 is chosen by pods of other instances.');
    pool.place(gang('2', [ONE]), decision);
    const rest = { 'pods of the same instance': 0, 'free hundredths of accelerators': 800 };
    expect(decision.explain()).toEqual([
      {
        node: 'p-node-0',
        chosen: 0,
        score: {
          ...rest,
          'pods of other instances': 1,
          'pods of other instances in its rack': 1,
          'free hundredths of accelerators': 700,
        },
      },
      {
        node: 'p-node-1',
        chosen: 1,
        score: { ...rest, 'pods of other instances': 0, 'pods of other instances in its rack': 0 },
      },
    ]);
  });

  test('a gang, an only choice and equal choices', () => {
    const pool = npuNodes(2);
    expect(pool.decide(gang('1', [ONE])).why).toBe('2/2 nodes fit; p-node-0 is chosen by order.');
    expect(pool.decide(gang('1', new Array(12).fill(ONE))).why).toBe(
      "2/2 nodes fit; p-node-0 is chosen first by order; the gang's 12 pods go to 2 nodes.",
    );
    pool.allNodes[0]!.cordoned = true;
    expect(pool.decide(gang('1', [ONE])).why).toBe('1/2 nodes fit; p-node-1 is chosen.');
  });

  test('of a large pool the chosen nodes alone', () => {
    expect(
      npuNodes(201)
        .decide(gang('1', [ONE, ONE]))
        .explain(),
    ).toEqual([{ node: 'p-node-0', chosen: 2 }]);
  });
});
