import { describe, expect, test } from 'vitest';
import { nodeFlavor } from '../../src/catalog/index.ts';
import type { PoolSpec } from '../../src/cluster/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { FaultSpec } from '../../src/lab/index.ts';
import type { ModelStorageSpec } from '../../src/platform/index.ts';
import { pod, Story, withUnit } from '../support/story.ts';
import { DEPLOYMENT, probe, SERVICE } from '../support/world.ts';

/** From a fault to the recovery: what is told and when, to the tenth of a second, and how the streams end. */

const probes = { startup: probe({ failureThreshold: 60 }), readiness: probe(), liveness: probe() };
const IMAGE = 'vllm-ascend:0.9';

function pools(more: Partial<PoolSpec> = {}): { pools: PoolSpec[] } {
  const nodes = [{ flavor: nodeFlavor('snt9b-8'), count: 2 }];
  return { pools: [{ name: 'npus', type: 'dedicated', nodes, ...more }] };
}

/** The way of a pod from its node to ready, all of it from files on the node: containers 2 s, engine and model 50 s. */
const wayUp = (name: string, from: number): string[] => [
  `${from} ${name} Scheduled`,
  `${from + 1} ${name} SuccessfulMountVolume`,
  `${from + 1} ${name} Pulled`,
  `${from + 1} ${name} SuccessfulCreate`,
  `${from + 3} ${name} Started`,
  `${from + 58} ${name} Healthy`,
  `${from + 58} ${name} Healthy`,
  `${from + 58} ${SERVICE} statusChanged`,
  `${from + 58} ${name} Healthy`,
];

/** Ready for one instance less. */
const degraded = (at: number): string[] => [
  `${at} ${SERVICE} deploymentDegraded`,
  `${at} ${SERVICE} serviceDegradedByDeployment`,
];

describe('from a fault to recovery', () => {
  test('a chip: stalled at once, noticed after 10 s, moved to another node', () => {
    const story = new Story([withUnit({ autoRestart: true, probes })]);
    story.call(2);
    story.until(5).strike({ kind: 'chip-fault', chip: 0, ...pod(0) });
    const [stalled] = story.streams;
    const sent = stalled!.tokensSent;
    // Until it is noticed, what comes to the pod is taken, and waits.
    story.until(7).call(2);
    story.until(14);
    expect(stalled!.tokensSent).toBe(sent);
    expect(story.outcomes).toEqual(['open', 'open', 'open', 'open']);
    story.until(300);
    expect(story.trail(5)).toEqual([
      `15 ${SERVICE} chipFaultDetected`,
      '15 pod-0 Killing',
      ...degraded(15),
      ...wayUp('pod-2', 15),
    ]);
    expect(story.messages('chipFaultDetected')).toEqual([
      'Service detected a chip fault in resource pool [npus]: accelerator 0 of npus-node-0.',
    ]);
    expect(story.messages('Killing')[0]).toMatch(/Accelerator 0 of npus-node-0 is faulty\.$/);
    expect(story.outcomes[0]).toBe('cut 15');
    expect(story.outcomes[2]).toBe('cut 15');
    expect([story.streams[1], story.streams[3]].map((each) => each!.state)).toEqual(['finished', 'finished']);
    expect(stalled!.tokensSent).toBe(sent);
    expect(story.pods).toEqual(['pod-1 npus-node-1 ready', 'pod-2 npus-node-1 ready']);
    expect(story.world.faults.history).toEqual([
      { at: story.zero + 5e6, fault: expect.anything(), struck: 'npus-node-0', until: undefined },
    ]);
  });

  test('a node: its streams are cut at once, calls to it fail until it is noticed after 40 s, then it moves', () => {
    const story = new Story([withUnit({ autoRestart: true, probes })]);
    story.call(2);
    story.until(5).strike({ kind: 'node-crash', node: 'npus-node-0' });
    const failed = story.until(44).call(2);
    expect(failed.map(({ state }) => state).sort()).toEqual(['open', 'refused']);
    expect(failed.find(({ state }) => state === 'refused')!.refusal).toMatchObject({ by: 'gateway' });
    story.until(46);
    expect(story.call(2).map(({ state }) => state)).toEqual(['open', 'open']);
    story.until(300);
    expect(story.trail(5)).toEqual([
      `45 ${SERVICE} nodeFaultDetected`,
      ...degraded(45),
      '45 pod-0 Killing',
      ...wayUp('pod-2', 45),
    ]);
    expect(story.outcomes[0]).toBe('cut 5');
    expect(story.streams.slice(1).filter(({ state }) => state === 'finished')).toHaveLength(4);
    expect(story.pods).toEqual(['pod-1 npus-node-1 ready', 'pod-2 npus-node-1 ready']);
  });

  test('an image that is not there fails the deployment at its third pull', () => {
    const image = { name: IMAGE, sizeGiB: 10, unavailable: 'missing' } as const;
    const story = new Story([withUnit({ probes, image })], {}, false);
    story.until(60).call();
    const pull = (at: number, reason: string): string[] => [
      `${at} pod-0 ${reason}`,
      `${at} ${SERVICE} podImagePullFailed`,
      `${at} pod-1 ${reason}`,
      `${at} ${SERVICE} podImagePullFailed`,
    ];
    expect(story.trail().slice(0, 12)).toEqual([
      '0 pod-0 Scheduled',
      '0 pod-1 Scheduled',
      '1 pod-0 SuccessfulMountVolume',
      '1 pod-0 FailedPullImage',
      `1 ${SERVICE} podImagePullFailed`,
      '1 pod-1 SuccessfulMountVolume',
      '1 pod-1 FailedPullImage',
      `1 ${SERVICE} podImagePullFailed`,
      ...pull(11, 'BackOffPullImage'),
    ]);
    expect(story.trail(31)).toEqual(
      expect.arrayContaining([
        `31 ${SERVICE} serviceDeploymentFailed`,
        `31 ${SERVICE} deploymentCreationFailed`,
        '31 pod-0 Killing',
        '31 pod-1 Killing',
      ]),
    );
    expect(story.messages('FailedPullImage')[0]).toMatch(`${IMAGE}: not found.`);
    expect(story.status).toBe('FAILED');
    expect(story.outcomes).toEqual(['refused']);
    expect(story.pods).toEqual([]);
  });

  test('an upgrade to an image that is not there is rolled back, and the streams go on', () => {
    const story = new Story([withUnit({ probes })]);
    story.call(2);
    const missing: FaultSpec = { kind: 'image-missing', image: 'vllm-ascend:1.0' };
    const spec = withUnit({ probes, image: { name: missing.image, sizeGiB: 10 } });
    story.until(1).strike(missing);
    story.operate({ kind: 'upgrade', service: SERVICE, deployment: DEPLOYMENT, spec }).until(300);
    expect(story.trail(1)).toEqual([
      `1 ${SERVICE} statusChanged`,
      '1 pod-2 Scheduled',
      '2 pod-2 SuccessfulMountVolume',
      '2 pod-2 FailedPullImage',
      `2 ${SERVICE} podImagePullFailed`,
      '12 pod-2 BackOffPullImage',
      `12 ${SERVICE} podImagePullFailed`,
      '32 pod-2 BackOffPullImage',
      `32 ${SERVICE} podImagePullFailed`,
      `32 ${SERVICE} serviceUpdateFailed`,
      `32 ${SERVICE} deploymentUpdateFailed`,
      '32 pod-2 Killing',
      `32 ${SERVICE} statusChanged`,
    ]);
    expect(story.streams.map(({ state }) => state)).toEqual(['finished', 'finished']);
    expect(story.pods).toEqual(['pod-0 npus-node-0 ready', 'pod-1 npus-node-1 ready']);
  });

  test('a full disk: the model is not downloaded until there is room, and the rest serves', () => {
    const storage: ModelStorageSpec = {
      kind: 'obs',
      address: 'obs://models/qwen3-8b/',
      mountPath: '/model/',
      hostCache: true,
    };
    const story = new Story([withUnit({ probes, storage })], pools());
    for (const node of story.world.cluster.allNodes) node.clearCache();
    story.call(2);
    story.until(1).strike({ kind: 'disk-full', node: 'npus-node-0', lasting: fromSeconds(60) });
    story.until(2).strike({ kind: 'kill-pod', ...pod(0) });
    story.until(3).call(2);
    story.until(300);
    const fails = (at: number): string[] => [
      `${at} pod-2 InferInitContainerFailed`,
      `${at} ${SERVICE} modelConfigurationFailed`,
    ];
    // 15.3 GiB of weights at the pace of a bucket: 54.7 s; from the node's disk they come faster than through a mount.
    expect(story.trail(1)).toEqual([
      '2 pod-0 Killing',
      ...degraded(2),
      '2 pod-2 Scheduled',
      '3 pod-2 SuccessfulMountVolume',
      ...fails(3),
      ...fails(13),
      ...fails(33),
      '127.6 pod-2 Pulled',
      '127.6 pod-2 SuccessfulCreate',
      '129.6 pod-2 Started',
      '174.6 pod-2 Healthy',
      '174.6 pod-2 Healthy',
      `174.6 ${SERVICE} statusChanged`,
      '174.6 pod-2 Healthy',
    ]);
    expect(story.messages('InferInitContainerFailed')[0]).toMatch('Insufficient disk space');
    expect(story.outcomes[0]).toBe('cut 2');
    expect(story.streams.slice(1).map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
  });

  test('SFS Turbo out of reach: who runs goes on, who starts waits for its mount', () => {
    const storage = { kind: 'sfs-turbo', address: 'turbo', mountPath: '/model/', hostCache: false } as const;
    const story = new Story([withUnit({ probes, storage })], pools({ sfsTurbo: ['turbo'] }));
    story.call(2);
    story.until(1).strike({ kind: 'storage-down', storage: 'sfs-turbo', lasting: fromSeconds(60) });
    story
      .until(2)
      .strike({ kind: 'kill-pod', ...pod(0) })
      .until(300);
    const waits = [2, 2.5, 3.5, 5.5, 9.5, 17.5, 33.5];
    expect(story.trail(1)).toEqual([
      '2 pod-0 Killing',
      ...degraded(2),
      '2 pod-2 Scheduled',
      ...waits.flatMap((at) => [`${at} pod-2 FailedMount`, `${at} ${SERVICE} podMountFailed`]),
      '66.5 pod-2 SuccessfulMountVolume',
      '66.5 pod-2 Pulled',
      '66.5 pod-2 SuccessfulCreate',
      '68.5 pod-2 Started',
      '123.5 pod-2 Healthy',
      '123.5 pod-2 Healthy',
      `123.5 ${SERVICE} statusChanged`,
      '123.5 pod-2 Healthy',
    ]);
    expect(story.messages('FailedMount')[0]).toMatch('The SFS Turbo file system does not answer.');
    expect(story.outcomes[0]).toBe('cut 2');
    expect(story.streams[1]!.state).toBe('finished');
  });

  test('no Volcano plugin: nothing is scheduled until it is there, then at once', () => {
    const story = new Story([withUnit({ probes })], pools());
    story.call(2);
    const lasting = fromSeconds(25);
    story.until(1).strike({ kind: 'plugin', pool: 'npus', plugin: 'volcano', state: 'absent', lasting });
    story.until(2).strike({ kind: 'kill-pod', ...pod(0) });
    story.until(3).call(2);
    story.until(300);
    expect(story.trail(1)).toEqual([
      '2 pod-0 Killing',
      ...degraded(2),
      ...[2, 12, 22].flatMap((at) => [
        `${at} pod-2 FailedScheduling`,
        `${at} ${SERVICE} podSchedulingFailed`,
        `${at} ${SERVICE} volcanoUnavailable`,
      ]),
      ...wayUp('pod-2', 26),
    ]);
    expect(story.messages('volcanoUnavailable')[0]).toMatch('[npus]');
    expect(story.outcomes[0]).toBe('cut 2');
    expect(story.streams.slice(1).map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
  });
});
