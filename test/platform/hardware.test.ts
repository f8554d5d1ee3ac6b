import { describe, expect, test } from 'vitest';
import { nodeFlavor } from '../../src/catalog/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { LabDescription } from '../../src/lab/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { pod, Story, withUnit } from '../support/story.ts';
import { probe, SERVICE } from '../support/world.ts';

const probes = { startup: probe({ failureThreshold: 60 }), readiness: probe(), liveness: probe() };
const crash = { kind: 'crash-container', ...pod(0) } as const;
const FIRST = { node: 'npus-node-0' } as const;

function racks(count = 2, flavor = 'snt9b-8'): Partial<LabDescription> {
  return { pools: [{ name: 'npus', type: 'dedicated', nodes: [{ flavor: nodeFlavor(flavor), count, racks: count }] }] };
}

/** An engine that sends nothing between two moments. */
function silent(story: Story, stream: number, until: number): void {
  const sent = story.streams[stream]!.tokensSent;
  story.until(until);
  expect(story.streams[stream]!.tokensSent).toBe(sent);
}

describe('a chip fault', () => {
  test('without auto restart: liveness starts the container again on the faulty chip, in vain, until that is whole', () => {
    const story = new Story([withUnit({ probes })]);
    story.call(2);
    story.strike({ kind: 'chip-fault', chip: 0, ...pod(0), lasting: fromSeconds(100) });
    silent(story, 0, 15);
    story.until(300);
    const trail = story.trail().filter((line) => /pod-0 (Killing|BackOffStart|CrashLoopBackOff|Started)/.test(line));
    const [killed, ...rest] = trail;
    expect(killed).toMatch(/^1\d pod-0 Killing$/);
    expect(rest.filter((line) => line.endsWith('BackOffStart')).length).toBeGreaterThanOrEqual(3);
    expect(rest.filter((line) => line.endsWith('CrashLoopBackOff')).length).toBeGreaterThanOrEqual(2);
    expect(Number(rest.at(-1)!.split(' ')[0])).toBeGreaterThanOrEqual(100);
    expect(rest.at(-1)).toMatch(/Started$/);
    expect(story.messages('BackOffStart')[0]).toMatch('Accelerator 0 of npus-node-0 is faulty.');
    expect(story.outcomes[0]).toMatch(/^cut 1\d/);
    expect(story.pods).toEqual(['pod-0 npus-node-0 ready', 'pod-1 npus-node-1 ready']);
  });

  test('over before anybody notices: the stream goes on where it was, and nothing is told', () => {
    const story = new Story([withUnit({ probes, autoRestart: true })]);
    story.call(2);
    story.until(1).strike({ kind: 'chip-fault', chip: 0, ...pod(0), lasting: fromSeconds(8) });
    silent(story, 0, 8.9);
    story.until(300);
    expect(story.trail(1)).toEqual([]);
    expect(story.streams.map(({ state }) => state)).toEqual(['finished', 'finished']);
    // 8 s later than the other, less what the step in progress had done.
    expect(story.streams[0]!.endedAt - story.streams[1]!.endedAt).toBeGreaterThan(7.9e6);
  });

  test('with node reset the whole node restarts, and what was on it starts there again', () => {
    const plain = withUnit({ probes }, { name: 'beside', instances: 2 });
    const story = new Story([withUnit({ probes, nodeReset: true, autoRestart: true }), plain]);
    story
      .until(1)
      .strike({ kind: 'chip-fault', ...FIRST, chip: 0 })
      .until(700);
    const trail = story.trail(1).filter((line) => /Detected|Killing|Started| Scheduled/.test(line));
    expect(trail).toEqual([
      `11 ${SERVICE} chipFaultDetected`,
      '11 pod-0 Killing',
      '11 pod-2 Killing',
      '494 pod-0 Started',
      '494 pod-2 Started',
    ]);
    expect(story.pods.every((line) => line.endsWith('ready'))).toBe(true);
    expect(story.world.cluster.node(FIRST.node)!.healthy(0)).toBe(true);
  });

  test('twice on the same chip lasts as long as the longer', () => {
    const story = new Story([withUnit({ probes })]);
    const node = story.world.cluster.node(FIRST.node)!;
    story.strike({ kind: 'chip-fault', ...FIRST, chip: 0, lasting: fromSeconds(60) });
    story.until(10).strike({ kind: 'chip-fault', ...FIRST, chip: 0, lasting: fromSeconds(10) });
    story.until(30);
    expect(node.healthy(0)).toBe(false);
    story.until(61);
    expect(node.healthy(0)).toBe(true);
  });
});

describe('a node', () => {
  test('without auto restart or rebuild: what was on it waits for it, and starts there again', () => {
    const story = new Story([withUnit({ probes })]);
    story
      .until(5)
      .strike({ kind: 'node-crash', ...FIRST, lasting: fromSeconds(100) })
      .until(300);
    expect(story.trail(5)).toEqual([
      `45 ${SERVICE} nodeFaultDetected`,
      `45 ${SERVICE} deploymentDegraded`,
      `45 ${SERVICE} serviceDegradedByDeployment`,
      '106 pod-0 SuccessfulMountVolume',
      '106 pod-0 Pulled',
      '106 pod-0 SuccessfulCreate',
      '108 pod-0 Started',
      '163 pod-0 Healthy',
      '163 pod-0 Healthy',
      `163 ${SERVICE} statusChanged`,
      '163 pod-0 Healthy',
    ]);
  });

  test('that reboots is back after five minutes, one that had crashed as well', () => {
    for (const crashed of [false, true]) {
      const story = new Story([withUnit({ probes })]);
      const node = story.world.cluster.node(FIRST.node)!;
      if (crashed) story.strike({ kind: 'node-crash', ...FIRST });
      story.until(1).strike({ kind: 'node-reboot', ...FIRST });
      expect(node.phase).toBe('Abnormal');
      story.until(302);
      expect(node.phase).toBe('Available');
      story.until(400);
      expect(story.pods[0]).toBe('pod-0 npus-node-0 ready');
    }
  });

  test('that is cordoned keeps its pods and gets no new ones, while any fault cordons it', () => {
    const story = new Story([withUnit({ probes, autoRebuild: 'pod' })]);
    story.strike({ kind: 'cordon', ...FIRST, lasting: fromSeconds(60) });
    story.strike({ kind: 'cordon', ...FIRST, lasting: fromSeconds(10) });
    story.until(30).strike(crash).until(200);
    expect(story.pods).toEqual(['pod-1 npus-node-1 ready', 'pod-2 npus-node-1 ready']);
    expect(story.world.cluster.node(FIRST.node)!.cordoned).toBe(false);
  });

  guideRule(3958, 'a pod that is moved off a faulty node is shut down gracefully', () => {
    const gracefulShutdown = { timeout: fromSeconds(120), commandTakes: fromSeconds(5) };
    const unit = { probes, gracefulShutdown, autoRestart: true, autoRebuild: 'unit', replicas: 2 } as const;
    const story = new Story([withUnit(unit, { instances: 1, mode: 'co-located' })]);
    story.call(2, 1_000);
    story.strike({ kind: 'chip-fault', chip: 0, ...pod(0) }).until(300);
    // The pod whose chip is broken has nothing that it could finish; the one beside it, which moves too, has.
    expect(story.outcomes[0]).toBe('cut 10');
    expect(story.outcomes[1]).toMatch(/^finished [2-9]\d/);
    expect(story.trail(5).filter((line) => line.endsWith('Killing'))).toEqual(['10 pod-0 Killing', '10 pod-1 Killing']);
    expect(story.pods).toEqual(['pod-2 npus-node-1 ready', 'pod-3 npus-node-1 ready']);
  });

  test('that is drained ends its pods gracefully, for another node', () => {
    const gracefulShutdown = { timeout: fromSeconds(300), commandTakes: fromSeconds(5) };
    const story = new Story([withUnit({ probes, gracefulShutdown })]);
    story.call(2);
    story
      .until(5)
      .strike({ kind: 'drain', ...FIRST })
      .until(300);
    expect(story.streams.map(({ state }) => state)).toEqual(['finished', 'finished']);
    expect(story.pods).toEqual(['pod-1 npus-node-1 ready', 'pod-2 npus-node-1 ready']);
  });

  test.each([
    ['NoSchedule', ['pod-0 npus-node-0 ready', 'pod-1 npus-node-1 ready']],
    ['NoExecute', ['pod-1 npus-node-1 ready', 'pod-2 npus-node-1 ready']],
  ] as const)('with the taint %s', (effect, pods) => {
    const story = new Story([withUnit({ probes })]);
    story.strike({ kind: 'taint', ...FIRST, key: 'broken', effect, lasting: fromSeconds(100) }).until(90);
    expect(story.pods).toEqual(pods);
    expect(story.world.cluster.node(FIRST.node)!.taints).toEqual([{ key: 'broken', effect }]);
    story.until(101);
    expect(story.world.cluster.node(FIRST.node)!.taints).toEqual([]);
  });

  test('that crashes while it is cut off is back when both are over', () => {
    const story = new Story([withUnit({ probes })], racks());
    story.strike({ kind: 'switch-fault', pool: 'npus', rack: 0, lasting: fromSeconds(200) });
    story
      .until(10)
      .strike({ kind: 'node-crash', ...FIRST, lasting: fromSeconds(50) })
      .until(150);
    expect(story.world.cluster.node(FIRST.node)!.phase).toBe('Abnormal');
    expect(story.pods[0]).not.toMatch(/ready/);
    story.until(400);
    expect(story.pods).toEqual(['pod-0 npus-node-0 ready', 'pod-1 npus-node-1 ready']);
  });
});

describe('what cannot be reached', () => {
  test('behind a switch: streams stall and go on, and it takes no calls once that is noticed', () => {
    const story = new Story([withUnit({ probes })], racks());
    story.call(2);
    story.until(5).strike({ kind: 'switch-fault', pool: 'npus', rack: 0, lasting: fromSeconds(60) });
    silent(story, 0, 34);
    const unnoticed = story.call(2);
    story.until(40);
    const noticed = story.call(2, 10);
    story.until(60);
    // Both go to the other instance.
    expect(noticed.map(({ state }) => state)).toEqual(['finished', 'finished']);
    expect(unnoticed.map(({ tokensSent }) => tokensSent > 0).sort()).toEqual([false, true]);
    story.until(300);
    expect(story.trail(5)).toEqual([
      `35 ${SERVICE} switchFaultDetected`,
      `35 ${SERVICE} deploymentDegraded`,
      `35 ${SERVICE} serviceDegradedByDeployment`,
      `65 ${SERVICE} statusChanged`,
    ]);
    expect(story.streams.every(({ state }) => state === 'finished')).toBe(true);
    expect(story.world.platform.pods).toHaveLength(2);
  });

  test('with auto restart it moves, and its streams are cut', () => {
    const story = new Story([withUnit({ probes, autoRestart: true })], racks());
    story.call(2);
    story.strike({ kind: 'switch-fault', pool: 'npus', rack: 0, lasting: fromSeconds(60) }).until(300);
    expect(story.streams.map(({ state }) => state)).toEqual(['cut', 'finished']);
    expect(story.outcomes[0]).toBe('cut 30');
    expect(story.pods).toEqual(['pod-1 npus-node-1 ready', 'pod-2 npus-node-1 ready']);
  });

  test('a subpool has the switches of its physical pool', () => {
    const nodes = [{ flavor: nodeFlavor('snt9b-8'), count: 4, racks: 2 }];
    const subpools = [
      { name: 'left', nodes: 2 },
      { name: 'right', nodes: 2 },
    ];
    const spec = withUnit({ probes }, { pool: 'left' });
    const story = new Story([spec], { pools: [{ name: 'npus', type: 'dedicated', nodes, subpools }] });
    story.strike({ kind: 'switch-fault', pool: 'right', rack: 0 });
    expect(story.world.cluster.allNodes.map(({ phase }) => phase)).toEqual([
      'Abnormal',
      'Available',
      'Abnormal',
      'Available',
    ]);
  });

  test('over the network: calls are refused, streams wait, and it is told once it has lasted ten seconds', () => {
    const story = new Story([withUnit({ probes })]);
    story.call(2);
    story.until(1).strike({ kind: 'network-fault', service: SERVICE, lasting: fromSeconds(5) });
    silent(story, 0, 5.9);
    expect(story.call()[0]!.state).toBe('refused');
    story.until(20);
    expect(story.trail(1)).toEqual([]);
    story.strike({ kind: 'network-fault', service: SERVICE, lasting: fromSeconds(30) }).until(40);
    expect(story.trail(1)).toEqual([`30 ${SERVICE} networkAnomalyDetected`]);
    story.until(60);
    expect(story.call(1, 5)[0]!.state).toBe('open');
    story.until(400);
    expect(story.streams.filter(({ state }) => state === 'finished')).toHaveLength(3);
  });
});

describe('what pods need from elsewhere', () => {
  test('a deleted secret keeps a pod from starting again, until it is there', () => {
    const secrets = [{ kind: 'dew', name: 'keys', mountPath: '/secrets/' }] as const;
    const story = new Story([withUnit({ probes }, { secrets })]);
    story.call(2);
    story.strike({ kind: 'delete-secret', secret: 'keys', lasting: fromSeconds(20) });
    story
      .until(5)
      .strike({ kind: 'kill-pod', ...pod(0) })
      .until(300);
    expect(story.messages('FailedMount')[0]).toMatch('The DEW secret "keys" does not exist.');
    expect(story.outcomes[0]).toBe('cut 5');
    expect(story.streams[1]!.state).toBe('finished');
    expect(story.pods).toEqual(['pod-0', 'pod-1'].map(() => expect.stringMatching(/ready$/)));
  });

  test('a slow registry and slow storage take as many times as long', () => {
    const storage = { kind: 'obs', address: 'obs://models/qwen3-8b/', mountPath: '/model/', hostCache: false } as const;
    const image = { name: 'other:1.0', sizeGiB: 10 };
    const upIn = (factor: number): number => {
      const begin = new Story([withUnit({ probes })], {}, false);
      const slow = new Story(
        [withUnit({ probes: {}, image, storage })],
        {
          timeline: [
            { at: fromSeconds(0), from: 'boot', fault: { kind: 'storage-slow', storage: 'obs', factor } },
            { at: fromSeconds(0), from: 'boot', fault: { kind: 'registry-slow', factor } },
          ],
        },
        false,
      );
      expect(begin.now).toBe(0);
      while (slow.world.platform.replicas[0]!.loaded === false) slow.until(slow.now + 1);
      return slow.now;
    };
    expect(upIn(4)).toBeGreaterThan(2 * upIn(1));
  });
});
