import { describe, expect } from 'vitest';
import { nodeFlavor } from '../../src/catalog/index.ts';
import type { PoolSpec } from '../../src/cluster/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { DeploymentSpec, RebuildScope, UnitSpec } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { pod, Story, withUnit } from '../support/story.ts';
import { DEPLOYMENT, deployment, probe, SERVICE } from '../support/world.ts';

const probes = { startup: probe({ failureThreshold: 60 }), readiness: probe(), liveness: probe() };
const moves = { autoRestart: true, probes } as const;
const crash = { kind: 'crash-container', ...pod(0) } as const;

function pools(flavor = 'snt9b-8', more: Partial<PoolSpec> = {}): { pools: PoolSpec[] } {
  const nodes = [{ flavor: nodeFlavor(flavor), count: 3, racks: 3 }];
  return { pools: [{ name: 'npus', type: 'dedicated', nodes, ...more }] };
}

/** The nodes of the pods that take traffic. */
const nodes = (story: Story): string[] => story.pods.map((line) => /npus-node-\d ready/.exec(line)?.[0] ?? line).sort();

describe('auto restart', () => {
  guideRule(4133, 'auto restart moves services off a node with an NPU fault', () => {
    const story = new Story([withUnit(moves)]);
    // Seven of its chips are whole: it goes to another node all the same.
    story.strike({ kind: 'chip-fault', node: 'npus-node-0', chip: 0 }).until(200);
    expect(nodes(story)).toEqual(['npus-node-1 ready', 'npus-node-1 ready']);
    const off = new Story([withUnit({ ...moves, autoRestart: false })]);
    off.strike({ kind: 'chip-fault', node: 'npus-node-0', chip: 0 }).until(200);
    expect(off.pods).toEqual(['pod-0 npus-node-0 waiting', 'pod-1 npus-node-1 ready']);
  });

  guideRule(4133, 'auto restart moves services off nodes behind a faulty switch', () => {
    const story = new Story([withUnit(moves)], pools());
    story.strike({ kind: 'switch-fault', pool: 'npus', rack: 0 }).until(200);
    expect(story.pods.some((line) => line.includes('npus-node-0'))).toBe(false);
    expect(nodes(story)).toEqual(['npus-node-1 ready', 'npus-node-2 ready']);
  });

  guideRule(4133, 'auto restart moves services off a node with a hardware fault', () => {
    const story = new Story([withUnit(moves)], pools());
    story.strike({ kind: 'node-crash', node: 'npus-node-0' }).until(200);
    expect(nodes(story)).toEqual(['npus-node-1 ready', 'npus-node-2 ready']);
  });

  guideRule(4137, 'recovery from NPU faults is for Snt9b and Snt9b2 only', () => {
    for (const [flavor, recovers] of [
      ['snt9b-8', true],
      ['snt9b3-8', true],
      ['snt9c-16', false],
      ['snt9-8', false],
      ['h100-8', false],
    ] as const) {
      const story = new Story([withUnit(moves)], pools(flavor));
      story.strike({ kind: 'chip-fault', chip: 0, ...pod(0) }).until(200);
      expect(story.messages('chipFaultDetected')).toHaveLength(1);
      expect(story.pods.filter((line) => line.endsWith(' ready'))).toHaveLength(recovers ? 2 : 1);
      if (!recovers) expect(story.pods[0]).toMatch(/^pod-0 npus-node-0 waiting/);
    }
  });
});

describe('auto rebuild', () => {
  guideRule(4152, 'auto rebuild rebuilds a pod that exits or runs out of memory', () => {
    for (const kind of ['crash-container', 'out-of-memory'] as const) {
      const story = new Story([withUnit({ probes, autoRebuild: 'pod' })]);
      story.strike({ ...crash, kind }).until(100);
      expect(story.pods).toEqual(['pod-1 npus-node-1 ready', 'pod-2 npus-node-0 ready']);
    }
  });

  guideRule(4154, 'auto rebuild applies a changed configuration by rebuilding instances', () => {
    const story = new Story([withUnit({ probes, autoRebuild: 'pod' })]);
    const spec = withUnit({ probes, autoRebuild: 'pod', environment: { LOG_LEVEL: 'debug' } });
    story.operate({ kind: 'upgrade', service: SERVICE, deployment: DEPLOYMENT, spec }).until(300);
    const { instances } = story.world.platform.deployments[0]!;
    expect(instances.map(({ version, ready }) => [version.spec, ready])).toEqual([
      [spec, true],
      [spec, true],
    ]);
  });

  guideRule(4156, 'auto rebuild restores instances that fail during an upgrade', () => {
    const story = new Story([withUnit({ probes, autoRebuild: 'pod' }, { maxUnavailable: 0 })]);
    const spec = withUnit({ probes, autoRebuild: 'pod', environment: { LOG_LEVEL: 'debug' } }, { maxUnavailable: 0 });
    story.operate({ kind: 'upgrade', service: SERVICE, deployment: DEPLOYMENT, spec }).until(20);
    const fresh = story.world.platform.pods[2]!;
    expect(fresh.phase).toBe('running');
    story.strike({ ...crash, instance: 2 }).until(500);
    expect(fresh.phase).toBe('terminated');
    expect(story.status).toBe('RUNNING');
    expect(story.world.platform.deployments[0]!.instances.every(({ version }) => version.spec === spec)).toBe(true);
  });

  guideRule(4158, 'auto rebuild places pods of a crashed node on healthy nodes', () => {
    const story = new Story([withUnit({ probes, autoRebuild: 'pod' })], pools());
    story.strike({ kind: 'node-crash', node: 'npus-node-0' }).until(200);
    expect(nodes(story)).toEqual(['npus-node-1 ready', 'npus-node-2 ready']);
  });

  guideRule(4163, 'with auto rebuild off the platform does not intervene', () => {
    const story = new Story([withUnit({ probes })], pools());
    story.strike(crash).strike({ kind: 'node-crash', node: 'npus-node-1' }).until(1_000);
    // The container is started again where it was; what was on the node stays there, and is gone with it.
    expect(story.pods).toEqual(['pod-0 npus-node-0 ready', 'pod-1 npus-node-1 lost']);
    expect(story.world.platform.pods[0]!.restarts).toBe(1);
  });

  const lines = { 'deployment-replica': 4167, unit: 4168, 'unit-replica': 4169, pod: 4170 } as const;
  const wordings = {
    'deployment-replica': 'deployment replica rebuild: the whole instance is rebuilt',
    unit: 'unit rebuild: the whole unit is rebuilt',
    'unit-replica': 'unit replica rebuild: all pods of the unit replica are rebuilt',
    pod: 'pod rebuild: only the pod is rebuilt',
  } as const;
  /** One instance: two units of two replicas of two pods, eight pods in all. */
  const multi = (autoRebuild: RebuildScope): DeploymentSpec => {
    const plain = withUnit({ probes, autoRebuild, replicas: 2, pods: 2 }, { instances: 2, mode: 'co-located' });
    const [common] = plain.units as [UnitSpec];
    return { ...plain, units: [common, { ...common, name: 'other' }] };
  };
  const anew = (scope: RebuildScope): number[] => {
    const story = new Story([multi(scope)]);
    story.strike({ ...crash, unit: 'other', replica: 1, pod: 1 }).until(400);
    expect(story.status).toBe('RUNNING');
    expect(story.pods.filter((line) => line.endsWith('ready'))).toHaveLength(16);
    return story.world.platform.pods.filter(({ phase }) => phase === 'terminated').map(({ index }) => index);
  };
  for (const [scope, gone] of [
    ['deployment-replica', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['unit', [4, 5, 6, 7]],
    ['unit-replica', [6, 7]],
  ] as const) {
    guideRule(lines[scope], wordings[scope], () => {
      expect(anew(scope)).toEqual(gone);
    });
  }
  guideRule(4170, wordings.pod, () => {
    // Its neighbour is found hanging by its own probe, and made anew then: what the guide says of such units (4176).
    const story = new Story([multi('pod')]);
    story.strike({ ...crash, unit: 'other', replica: 1, pod: 1 }).until(1);
    expect(story.world.platform.pods.filter(({ phase }) => phase === 'terminated').map(({ index }) => index)).toEqual([
      7,
    ]);
    const single = new Story([withUnit({ probes, autoRebuild: 'pod' })]);
    single.strike(crash).until(300);
    expect(single.pods).toEqual(['pod-1 npus-node-1 ready', 'pod-2 npus-node-0 ready']);
  });

  guideRule(4163, 'a pod that restarts is rebuilt by the chosen policy', () => {
    for (const scope of ['pod', 'deployment-replica'] as const) {
      const story = new Story([withUnit({ probes, autoRebuild: scope })]);
      const [instance] = story.world.platform.deployments[0]!.instances;
      story.strike({ kind: 'hang-container', ...pod(0) }).until(200);
      expect(story.pods).toEqual(['pod-1 npus-node-1 ready', 'pod-2 npus-node-0 ready']);
      expect(story.world.platform.deployments[0]!.instances.includes(instance!)).toBe(scope === 'pod');
    }
  });

  guideRule(4182, 'dedicated and public pools take auto rebuild', () => {
    for (const type of ['dedicated', 'public'] as const) {
      const story = new Story([withUnit({ probes, autoRebuild: 'pod' })], pools('snt9b-8', { type }));
      story.strike(crash).until(200);
      expect(story.pods).toEqual(['pod-1 npus-node-1 ready', expect.stringMatching(/^pod-2 npus-node-\d ready$/)]);
    }
  });

  guideRule(4183, 'without readiness or liveness a hung pod is rebuilt late or never', () => {
    const found = (more: Partial<UnitSpec['probes']>): Story => {
      const story = new Story([withUnit({ probes: { startup: probes.startup, ...more }, autoRebuild: 'pod' })]);
      story.call(2);
      return story.until(1).strike({ kind: 'hang-container', ...pod(0) });
    };
    const never = found({}).until(1_000);
    expect(never.pods[0]).toBe('pod-0 npus-node-0 ready');
    expect(never.outcomes[0]).toBe('open');
    const soon = found({ liveness: probe() }).until(300);
    // Three checks, 5 s apart, each without an answer for a second.
    expect(Number(soon.outcomes[0]!.replace('cut ', ''))).toBeLessThanOrEqual(1 + 3 * 5 + 1);
    expect(soon.pods).toContain('pod-2 npus-node-0 ready');
  });

  guideRule(4184, 'rebuild answers changes and software, restart answers hardware; both can be on', () => {
    const both = { ...moves, autoRebuild: 'pod' } as const;
    const story = new Story([withUnit(both)], pools());
    story.strike(crash).until(100).strike({ kind: 'chip-fault', node: 'npus-node-1', chip: 0 }).until(300);
    expect(story.trail().filter((line) => /Detected|Killing/.test(line))).toEqual([
      '0 pod-0 Killing',
      `110 ${SERVICE} chipFaultDetected`,
      '110 pod-1 Killing',
    ]);
    expect(story.pods.filter((line) => line.endsWith('ready'))).toHaveLength(2);
    // Without auto restart the broken chip is only found by the probes, which auto rebuild answers.
    const rebuild = new Story([withUnit({ probes, autoRebuild: 'pod' })], pools());
    rebuild.strike({ kind: 'chip-fault', node: 'npus-node-1', chip: 0 }).until(300);
    expect(rebuild.messages('Killing')[0]).toMatch('Its liveness probe failed too often.');
    expect(rebuild.pods.filter((line) => line.endsWith('ready'))).toHaveLength(2);
  });

  guideRule(4185, 'a rebuild of less than the instance waits until the containers have exited', () => {
    const gracefulShutdown = { timeout: fromSeconds(60), commandTakes: fromSeconds(40) };
    const made = (autoRebuild: RebuildScope): number => {
      const spec = withUnit({ probes, autoRebuild, gracefulShutdown, replicas: 2 }, { mode: 'co-located' });
      const story = new Story([spec]);
      const { pods } = story.world.platform;
      const before = pods.length;
      story.strike(crash).until(500);
      const fresh = pods.slice(before);
      return (Math.min(...fresh.map(({ createdAt }) => createdAt)) - story.zero) / 1e6;
    };
    expect(made('unit')).toBe(40);
    expect(made('deployment-replica')).toBe(0);
  });

  guideRule(4185, 'with several pods in a unit replica the exit takes up to twice the shutdown timeout', () => {
    const gracefulShutdown = { timeout: fromSeconds(60), commandTakes: fromSeconds(60) };
    const spec = withUnit({ probes, autoRebuild: 'unit-replica', gracefulShutdown, pods: 2 });
    const story = new Story([spec]);
    story.strike({ kind: 'drain', node: 'npus-node-0' }).until(500);
    expect(story.trail().filter((line) => line.endsWith('Scheduled'))).toEqual([
      '120 pod-4 Scheduled',
      '120 pod-5 Scheduled',
    ]);
  });

  guideRule(4189, 'auto rebuild acts on a service that is Running', () => {
    const spec = withUnit({ probes, autoRebuild: 'pod' });
    const running = new Story([spec]);
    running.strike(crash).until(100);
    expect(running.pods[1]).toMatch(/^pod-2 /);
    const deploying = new Story([spec], {}, false).until(60);
    expect(deploying.status).toBe('DEPLOYING');
    deploying.strike(crash).until(200);
    expect(deploying.status).toBe('RUNNING');
    expect(deploying.pods[0]).toMatch(/^pod-0 /);
    expect(deploying.world.platform.pods[0]!.restarts).toBe(1);
  });

  guideRule(4199, 'auto rebuild can be turned on by an upgrade', () => {
    const story = new Story([withUnit({ probes })]);
    story.strike(crash).until(100);
    expect(story.pods[0]).toMatch(/^pod-0 /);
    const spec = withUnit({ probes, autoRebuild: 'pod' });
    story.operate({ kind: 'upgrade', service: SERVICE, deployment: DEPLOYMENT, spec }).until(400);
    expect(story.status).toBe('RUNNING');
    const before = story.world.platform.pods.length;
    story.strike(crash).until(600);
    expect(story.world.platform.pods).toHaveLength(before + 1);
  });
});

describe('a master and its workers', () => {
  const spec = (more: Partial<UnitSpec> = {}): DeploymentSpec => {
    const plain = deployment({ mode: 'co-located' });
    const [common] = plain.units as [UnitSpec];
    const unit = { ...common, probes, ...more };
    return { ...plain, units: [unit, { ...unit, name: 'workers', role: 'worker', pods: 2 }] };
  };

  guideRule(505, 'the first unit is the vLLM master: ready when all its workers are', () => {
    const story = new Story([spec()], {}, false);
    story.until(1).strike({ kind: 'cordon', node: 'npus-node-0' });
    // A worker's container that comes late holds the master up.
    story
      .until(40)
      .strike({ ...crash, unit: 'workers', pod: 1 })
      .until(45);
    const [master] = story.world.platform.replicas;
    while (!master!.ready) story.until(story.now + 1);
    expect(master!.group.map((each) => each!.ready)).toEqual([true, true, true]);
    expect(master!.group.map((each) => each!.probes.startup.passed)).toEqual([true, true, true]);
  });

  guideRule(505, 'the loss of the vLLM master ends the instance', () => {
    const story = new Story([spec({ autoRebuild: 'unit-replica' })]);
    story.call(2);
    const [lost, other] = story.world.platform.deployments[0]!.instances;
    story
      .until(1)
      .strike({ kind: 'kill-pod', ...pod(0) })
      .until(5);
    expect([lost!.ready, other!.ready]).toEqual([false, true]);
    expect(story.outcomes).toEqual(['cut 1', 'open']);
    // Its workers are of no use without it: all are made anew.
    expect(story.world.platform.pods.slice(0, 3).map(({ phase }) => phase)).toEqual(Array(3).fill('terminated'));
    story.until(300);
    expect(story.pods.filter((line) => line.endsWith('ready'))).toHaveLength(6);
  });
});
