import { describe, expect, test } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { ImageSpec } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { everySecond, nodes, plain, pool, Watched } from '../support/pods.ts';
import { DEPLOYMENT, SERVICE } from '../support/world.ts';

const POD = { service: SERVICE, deployment: DEPLOYMENT, instance: 0 };
const probes = { startup: everySecond({ failureThreshold: 600 }) };

function withImage(more: Partial<ImageSpec>, deployTimeout = 1_200): Watched {
  const image = { name: 'image', sizeGiB: 10, ...more };
  return new Watched(plain({ probes, image }, { deployTimeout: fromSeconds(deployTimeout) }));
}

describe('pulling an image', () => {
  guideRule(413, 'a pre-warmed image shortens the deployment', () => {
    const started = (warmImages: readonly string[]): number => {
      const watched = new Watched(plain({ probes }), { pools: [pool([nodes(1, { warmImages })])] }).until(60);
      expect(watched.of(0, 'Pulling')).toHaveLength(warmImages.includes('image') ? 0 : 1);
      return watched.times(0, 'Healthy')[0]!;
    };
    expect(started(['image'])).toBe(8);
    expect(started(['another'])).toBe(18);
    expect(started([])).toBe(18);
  });

  test('a node that has pulled an image once has it', () => {
    const watched = withImage({})
      .until(40)
      .strike({ kind: 'kill-pod', ...POD })
      .until(80);
    expect(watched.of(1).slice(0, 3)).toEqual(['40 Scheduled', '41 SuccessfulMountVolume', '41 Pulled']);
    expect(watched.messages('Pulled')[1]).toMatch('image is present on npus-node-0.');
  });

  test('a slow registry takes so many times as long', () => {
    const watched = withImage({}).strike({ kind: 'registry-slow', factor: 3.5 }).until(60);
    expect(watched.times(0, 'Pulled')).toEqual([1 + 35]);
  });

  guideRule(4505, 'pod event FailedPullImage: the image does not exist', () => {
    for (const unavailable of ['missing', 'denied'] as const) {
      const watched = withImage({ unavailable }).until(60);
      expect(watched.times(0, 'FailedPullImage')).toEqual([1]);
      expect(watched.messages('FailedPullImage')[0]).toMatch(
        unavailable === 'missing' ? 'image: not found.' : 'image: this account may not read it.',
      );
      expect(watched.messages('podImagePullFailed')[0]).toMatch('Failed to pull the pod image in deployment [main].');
      expect(watched.status).toBe('FAILED');
    }
  });

  guideRule(4506, 'pod event BackOffPullImage: the pull is tried again with back-off', () => {
    // Two of them: one that may be missing keeps the deployment from being given up.
    const spec = plain({ probes }, { instances: 2, maxUnavailable: 50 });
    const groups = [nodes(1, { warmImages: ['image'] }), nodes(1, { name: 'cold' })];
    const watched = new Watched(spec, { pools: [pool(groups)] });
    watched.strike({ kind: 'image-missing', image: 'image', lasting: fromSeconds(1_000) }).until(1_400);
    // 10 s, doubled to 300 s.
    expect(watched.times(1, 'BackOffPullImage')).toEqual([11, 31, 71, 151, 311, 611, 911]);
    expect(watched.of(1, 'Pulling', 'Pulled')).toEqual(['1211 Pulling', '1221 Pulled']);
    expect(watched.pod(1).ready).toBe(true);
    expect(watched.status).toBe('RUNNING');
  });
});

describe('a container that does not start', () => {
  const failsToStart = (watched: Watched, why: RegExp): void => {
    watched.until(60);
    expect(watched.times(0, 'BackOffStart')).toEqual([13, 23, 43]);
    expect(watched.times(0, 'CrashLoopBackOff')).toEqual([23, 43]);
    expect(watched.messages('BackOffStart')[0]).toMatch(why);
    expect(watched.messages('podStartFailed')[0]).toMatch('Failed to start the pod container in deployment [main].');
    expect(watched.of(0, 'Started')).toEqual([]);
    // At its third failure it is given up.
    expect(watched.status).toBe('FAILED');
    expect(watched.world.cluster.node('npus-node-0')!.acceleratorsFree).toBe(8);
  };

  guideRule(4503, 'an image of another architecture than the node does not start', () => {
    failsToStart(withImage({ arch: 'x86' }), /The image is for x86, the node is arm64\./);
    expect(withImage({ arch: 'arm64' }).until(40).pod(0).ready).toBe(true);
  });

  guideRule(4503, 'a wrong boot command does not start', () => {
    failsToStart(withImage({ failsToStart: true }), /The boot command failed\./);
  });

  guideRule(421, 'the boot command starts the container; a wrong one fails it', () => {
    failsToStart(withImage({ failsToStart: true }), /The boot command failed\./);
    expect(withImage({ failsToStart: false }).until(13).of(0, 'Started')).toEqual(['13 Started']);
  });

  guideRule(4503, 'memory not larger than the mounted weights does not start', () => {
    const storage = { kind: 'obs', address: 'obs://models/', mountPath: '/model/', hostCache: false } as const;
    const started = (memoryGiB: number, mounted: boolean): Watched =>
      new Watched(
        plain({ probes, resources: { cpu: 1, memoryGiB, accelerators: 1 }, ...(mounted ? { storage } : {}) }),
      ).until(60);
    // 15.3 GiB of weights.
    failsToStart(started(15, true), /Memory of 15 GiB is not above the mounted weights' 15\.3 GiB\./);
    expect(started(16, true).pod(0).ready).toBe(true);
    expect(started(15, false).pod(0).ready).toBe(true);
  });

  guideRule(523, 'an image that is not adapted to several roles fails the deployment', () => {
    const image = { name: 'image', sizeGiB: 10, multiRole: false };
    const watched = new Watched(plain({ probes, image }, { mode: 'co-located' }));
    failsToStart(watched, /The image is not made for several roles\./);
    expect(new Watched(plain({ probes, image })).until(40).pod(0).ready).toBe(true);
  });

  test('on a faulty accelerator says so', () => {
    const watched = withImage({})
      .until(5)
      .strike({ kind: 'chip-fault', chip: 0, ...POD })
      .until(14);
    expect(watched.messages('BackOffStart')[0]).toMatch('Accelerator 0 of npus-node-0 is faulty.');
  });
});
