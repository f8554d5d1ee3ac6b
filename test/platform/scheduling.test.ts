import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { DeploymentSpec, Pod, UnitSpec } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { everySecond, nodes, plain, pool, Watched } from '../support/pods.ts';
import { service } from '../support/world.ts';

const probes = { startup: everySecond({ failureThreshold: 600 }) };

/** A unit that wants so many accelerators for each of its pods. */
function wanting(accelerators: number, more: Partial<UnitSpec> = {}): Partial<UnitSpec> {
  return { probes, resources: { cpu: 1, memoryGiB: 32, accelerators }, ...more };
}

/** One service for each deployment, submitted in this order. */
function submitted(specs: readonly DeploymentSpec[], pools = [pool([nodes(1)])]): Watched {
  const services = specs.map((spec, index) => service({ name: `service-${index}`, deployments: [spec] }));
  return new Watched(services, { pools });
}

function nodeOf({ placement }: Pod): string | undefined {
  return placement?.node.name;
}

function nodesOf(watched: Watched): (string | undefined)[] {
  return watched.pods.map(nodeOf);
}

describe('who is placed first', () => {
  const whole = (priority: number): DeploymentSpec => plain(wanting(8), { priority });

  guideRule(386, 'of waiting jobs the one with the higher priority is placed first', () => {
    const watched = submitted([whole(1), whole(2), whole(3)]).until(5);
    expect(nodesOf(watched)).toEqual([undefined, undefined, 'npus-node-0']);
    // As soon as it goes, the next comes.
    watched.operate({ kind: 'delete', service: 'service-2' });
    watched.until(10);
    expect(nodesOf(watched).slice(0, 2)).toEqual([undefined, 'npus-node-0']);
  });

  guideRule(386, 'jobs of equal priority are placed in the order of submission', () => {
    const watched = submitted([whole(2), whole(2), whole(2)]).until(5);
    expect(nodesOf(watched)).toEqual(['npus-node-0', undefined, undefined]);
    for (const gone of [0, 1]) {
      watched.operate({ kind: 'delete', service: `service-${gone}` });
      watched.until(10 * (gone + 1));
      expect(nodesOf(watched)[gone + 1]).toBe('npus-node-0');
    }
  });

  guideRule(386, 'scheduling priority is for dedicated pools only', () => {
    const watched = submitted([whole(1), whole(3)], [pool([nodes(1)], { type: 'public' })]).until(5);
    expect(nodesOf(watched)).toEqual(['npus-node-0', undefined]);
  });

  test('one that does not fit does not hold up those behind it', () => {
    const watched = submitted([plain(wanting(4)), plain(wanting(8), { priority: 3 }), plain(wanting(4))]);
    watched.world.cluster.node('npus-node-0')!.breakAccelerator(0);
    watched.until(5);
    expect(nodesOf(watched)).toEqual(['npus-node-0', undefined, undefined]);
  });

  test('in every order, whoever waits is no more urgent, or later, than whoever of its size is placed', () => {
    const job = fc.record({ priority: fc.integer({ min: 1, max: 3 }), accelerators: fc.constantFrom(1, 2, 4, 8) });
    fc.assert(
      fc.property(fc.array(job, { minLength: 1, maxLength: 12 }), (jobs) => {
        const watched = submitted(jobs.map(({ accelerators, priority }) => plain(wanting(accelerators), { priority })));
        watched.until(5);
        for (const [index, waits] of jobs.entries()) {
          if (watched.pod(index).placement !== undefined) continue;
          for (const [other, placed] of jobs.entries()) {
            if (watched.pod(other).placement === undefined || placed.accelerators < waits.accelerators) continue;
            expect(placed.priority > waits.priority || (placed.priority === waits.priority && other < index)).toBe(
              true,
            );
          }
        }
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});

describe('a public pool', () => {
  const whole = plain(wanting(8), { instances: 1 });

  guideRule(380, 'in a public pool that is full a deployment queues for its turn', () => {
    const groups = [nodes(1)];
    const watched = submitted([whole, whole, whole], [pool(groups, { type: 'public', queueDelay: fromSeconds(7) })]);
    watched.until(6.9);
    expect(nodesOf(watched)).toEqual([undefined, undefined, undefined]);
    watched.until(7);
    expect(nodesOf(watched)).toEqual(['npus-node-0', undefined, undefined]);
    for (const gone of [0, 1]) {
      watched.operate({ kind: 'delete', service: `service-${gone}` });
      watched.until(300 * (gone + 1));
      expect(nodesOf(watched)[gone + 1]).toBe('npus-node-0');
    }
  });

  test('lets everybody through at his time, whatever else is tried meanwhile', () => {
    const delayed = [pool([nodes(1)], { type: 'public', queueDelay: fromSeconds(7) })];
    const watched = submitted([whole], delayed).until(3);
    watched.world.platform.retryScheduling();
    watched.until(7);
    expect(watched.of(0, 'Scheduled')).toEqual(['7 Scheduled']);
  });

  guideRule(380, 'each job in a public pool has resources of its own', () => {
    const watched = submitted(Array(4).fill(plain(wanting(2))), [pool([nodes(1)], { type: 'public' })]).until(60);
    const held = watched.pods.flatMap(({ placement }) => placement!.accelerators);
    expect(held.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe('gangs', () => {
  guideRule(327, 'an instance in basic mode lies on one node; one that fits no single node is not placed', () => {
    const watched = submitted([plain(wanting(8)), plain(wanting(16))], [pool([nodes(4)])]).until(5);
    expect(nodesOf(watched)).toEqual(['npus-node-0', undefined]);
  });

  guideRule(407, 'a unit needs its specification times the number of instances per replica', () => {
    const watched = submitted([plain(wanting(8, { pods: 4 }))], [pool([nodes(4)])]).until(5);
    expect(new Set(nodesOf(watched)).size).toBe(4);
    expect(watched.pods.map(({ placement }) => placement!.accelerators.length)).toEqual([8, 8, 8, 8]);
  });

  test('all pods of a unit replica get a node, or none does', () => {
    const watched = submitted([plain(wanting(8, { pods: 3 }))], [pool([nodes(3)])]);
    watched.strike({ kind: 'cordon', node: 'npus-node-2', lasting: fromSeconds(33) }).until(32);
    expect(nodesOf(watched)).toEqual([undefined, undefined, undefined]);
    for (const { acceleratorsFree } of watched.world.cluster.allNodes) expect(acceleratorsFree).toBe(8);
    expect(watched.messages('FailedScheduling')[0]).toMatch("2 of the gang's 3 pods would fit");
    watched.until(33);
    expect(new Set(nodesOf(watched)).size).toBe(3);
  });
});

describe('why a pod waits', () => {
  const explained = (watched: Watched, pod: number): (string | undefined)[] =>
    watched.pod(pod).explanation.map(({ refused }) => refused);

  guideRule(4510, 'a pod that cannot be scheduled is tried again until the deployment timeout', () => {
    const watched = submitted([plain(wanting(16), { deployTimeout: fromSeconds(180) })]).until(300);
    expect(watched.times(0, 'FailedScheduling')).toEqual(Array.from({ length: 18 }, (_, nth) => 10 * nth));
    expect(watched.messages('podSchedulingFailed')[0]).toMatch('Pod scheduling failed in deployment [main].');
    expect(watched.world.platform.deployments[0]!.status).toBe('FAILED');
    expect(watched.pod(0).phase).toBe('terminated');
  });

  guideRule(4510, 'pod event FailedScheduling', () => {
    const watched = submitted([plain(wanting(16))]).until(5);
    expect(watched.messages('FailedScheduling')).toEqual([
      'The pod cannot be scheduled to the node temporarily. 0/1 nodes are available: 1 insufficient accelerators.',
    ]);
    expect(explained(watched, 0)).toEqual(['insufficient accelerators']);
  });

  guideRule(4510, 'FailedScheduling names taints', () => {
    const watched = submitted([plain(wanting(1))]);
    watched.strike({
      kind: 'taint',
      node: 'npus-node-0',
      key: 'maintenance',
      effect: 'NoSchedule',
      lasting: fromSeconds(25),
    });
    watched.until(20);
    expect(watched.messages('FailedScheduling')[0]).toMatch('1 taints (maintenance)');
    expect(explained(watched, 0)).toEqual(['taints (maintenance)']);
    expect(watched.until(25).of(0, 'Scheduled')).toEqual(['25 Scheduled']);
  });

  guideRule(4403, 'event: the scheduler plugin of a pool is unavailable', () => {
    for (const state of ['absent', 'abnormal'] as const) {
      const watched = submitted([plain(wanting(1))]);
      watched.strike({ kind: 'plugin', pool: 'npus', plugin: 'volcano', state, lasting: fromSeconds(25) }).until(20);
      expect(watched.of('service-0', 'volcanoUnavailable')).toHaveLength(3);
      expect(explained(watched, 0)).toEqual(['The Volcano scheduler is not available.']);
      watched.until(25);
      expect(watched.of(0, 'Scheduled')).toEqual(['25 Scheduled']);
      expect(explained(watched, 0)).toEqual([undefined]);
    }
  });

  test('every refusal and every placement is explained node by node', () => {
    const watched = submitted([plain(wanting(4), { instances: 5 })], [pool([nodes(2)])]).until(5);
    for (const { placement, explanation } of watched.pods) {
      expect(explanation.map(({ node }) => node)).toEqual(['npus-node-0', 'npus-node-1']);
      const chosen = explanation.filter((each) => each.chosen > 0);
      expect(chosen.map(({ node }) => node)).toEqual(placement === undefined ? [] : [placement.node.name]);
      if (placement === undefined) expect(explanation.every(({ refused }) => refused !== undefined)).toBe(true);
    }
    expect(watched.pods.filter(({ placement }) => placement === undefined)).toHaveLength(1);
  });
});

describe('scheduling policies', () => {
  const spread = (schedulingPolicy: DeploymentSpec['schedulingPolicy'], instances: number): Watched =>
    submitted([plain(wanting(1), { schedulingPolicy, instances })], [pool([nodes(4)])]).until(60);

  guideRule(3524, 'HA scheduling spreads from two replicas on, as far as there are nodes', () => {
    for (const instances of [2, 3, 4, 7]) {
      expect(new Set(nodesOf(spread('high-availability', instances))).size).toBe(Math.min(4, instances));
    }
  });

  guideRule(3522, 'a node fault hits few instances under HA scheduling, many under compact scheduling', () => {
    const left = (policy: DeploymentSpec['schedulingPolicy']): number => {
      const watched = spread(policy, 8);
      watched.strike({ kind: 'node-crash', node: nodeOf(watched.pod(0))! }).until(150);
      return watched.pods.filter(({ ready }) => ready).length;
    };
    expect(left('high-availability')).toBe(6);
    expect(left('compact')).toBe(0);
  });

  guideRule(3512, 'compact scheduling takes effect across the whole cluster', () => {
    // Another service's pods are what makes a node the fuller one.
    const compact = plain(wanting(1), { schedulingPolicy: 'compact' });
    const watched = submitted([plain(wanting(3)), compact, compact, compact], [pool([nodes(3)])]).until(5);
    expect(new Set(nodesOf(watched)).size).toBe(1);
  });

  guideRule(3524, 'a strong rule that no node meets fails the deployment', () => {
    const affinity = { kind: 'affinity', strength: 'strong', nodes: ['npus-node-0'] } as const;
    const unit = wanting(8, { affinity });
    const first = plain(wanting(8));
    const second = plain(unit, { deployTimeout: fromSeconds(180) });
    const watched = submitted([first, second], [pool([nodes(2)])]).until(200);
    expect(watched.world.platform.deployments.map(({ status }) => status)).toEqual(['RUNNING', 'FAILED']);
    expect(watched.messages('FailedScheduling')[0]).toMatch('1 did not match node affinity');
  });

  guideRule(3566, 'affinity without nodes leaves pods to the default policy', () => {
    const affinity = { kind: 'affinity', strength: 'weak', nodes: [] } as const;
    const watched = submitted([plain(wanting(1, { affinity }), { instances: 3 })], [pool([nodes(3)])]).until(5);
    expect(new Set(nodesOf(watched)).size).toBe(3);
  });

  const storage = { kind: 'pre-warmed', address: 'warm', mountPath: '/model/', hostCache: false } as const;
  for (const [line, rule] of [
    [3582, 'a pre-warmed model goes to a pre-warmed node by itself'],
    [4461, 'a pre-warmed model brings strong affinity to the pre-warmed nodes'],
  ] as const) {
    guideRule(line, rule, () => {
      const groups = [nodes(2), nodes(1, { name: 'warm', warmModels: ['warm'] })];
      const watched = submitted([plain(wanting(4, { storage }), { instances: 3 })], [pool(groups)]).until(60);
      expect(nodesOf(watched)).toEqual(['npus-node-2', 'npus-node-2', undefined]);
      expect(watched.messages('FailedScheduling')[0]).toMatch('2 model is not pre-warmed');
    });
  }
});
