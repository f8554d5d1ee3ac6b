import { describe, expect, test } from 'vitest';
import { GIB, model } from '../../src/catalog/index.ts';
import { weightBytes } from '../../src/engine/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { DeploymentSpec, ModelStorageSpec, StorageKind } from '../../src/platform/index.ts';
import { unitCheckpoint } from '../../src/platform/step-time.ts';
import { INIT_CONTAINER_ERRORS } from '../../src/telemetry/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { everySecond, nodes, plain, plainUnit, pool, Watched } from '../support/pods.ts';
import { DEPLOYMENT, SERVICE, service } from '../support/world.ts';

/** Local storage acceleration: an init container brings the model to the node's disk, where it stays. */

const POD = { service: SERVICE, deployment: DEPLOYMENT, instance: 0 };
const WEIGHTS_GIB = weightBytes(model('qwen3-8b'), unitCheckpoint(plainUnit())) / GIB;
const probes = { startup: everySecond({ failureThreshold: 600 }), liveness: everySecond() };
const ONE_NODE = { pools: [pool([nodes(1)])] };

function accelerated(kind: StorageKind = 'obs', more: Partial<DeploymentSpec> = {}, address?: string): DeploymentSpec {
  const storage: ModelStorageSpec = {
    kind,
    address: address ?? (kind === 'sfs-turbo' ? 'turbo' : 'obs://models/qwen3-8b/'),
    mountPath: '/model/',
    hostCache: true,
  };
  return plain({ probes, storage }, more);
}

/** Seconds of its init container: from its volumes to its image. */
function initSeconds(watched: Watched, pod: number): number {
  const [end] = [...watched.times(pod, 'Pulling'), ...watched.times(pod, 'Pulled')];
  return end! - watched.times(pod, 'SuccessfulMountVolume')[0]!;
}

describe('local storage acceleration', () => {
  guideRule(3736, 'local acceleration pulls the model to the node first', () => {
    for (const [kind, pace] of [
      ['obs', 1],
      ['obsfs', 2],
      ['sfs-turbo', 4],
    ] as const) {
      const watched = new Watched(accelerated(kind), { pools: [pool([nodes(1)], { sfsTurbo: ['turbo'] })] });
      const node = watched.world.cluster.node('npus-node-0')!;
      watched.until(3);
      expect(watched.pod(0).phase).toBe('initializing');
      expect(node.diskFreeGiB).toBe(node.diskGiB);
      watched.until(100);
      expect(initSeconds(watched, 0)).toBeCloseTo(WEIGHTS_GIB / pace, 2);
      expect(node.diskFreeGiB).toBeCloseTo(node.diskGiB - WEIGHTS_GIB, 6);
      // From there it is loaded at the disk's pace.
      expect(watched.times(0, 'Healthy')[0]! - watched.times(0, 'Started')[0]!).toBe(Math.ceil(5 + WEIGHTS_GIB / 8));
    }
  });

  guideRule(3736, 'a container restarted on its node reuses the local cache and skips the pull', () => {
    const watched = new Watched(accelerated(), ONE_NODE).until(60);
    // Nobody needs the bucket for it.
    watched
      .strike({ kind: 'storage-down', storage: 'obs' })
      .strike({ kind: 'crash-container', ...POD })
      .until(100);
    expect(watched.of(0, 'Started')).toHaveLength(2);
    expect(watched.times(0, 'Started')[1]).toBe(62);
    expect(watched.pod(0).ready).toBe(true);
    // A new pod on the node finds it as well.
    watched.strike({ kind: 'kill-pod', ...POD }).until(150);
    expect(initSeconds(watched, 1)).toBe(0);
    expect(watched.pod(1).ready).toBe(true);
  });

  test('other pods and services find it there', () => {
    const other = service({ name: 'other', deployments: [accelerated()] });
    const watched = new Watched([service({ deployments: [accelerated()] })], ONE_NODE).until(60);
    expect(
      watched.operate({ kind: 'add-deployment', service: SERVICE, spec: { ...other.deployments[0]!, name: 'second' } }),
    ).toBeUndefined();
    watched.until(120);
    expect(initSeconds(watched, 1)).toBe(0);
    expect(watched.pod(1).ready).toBe(true);
  });

  guideRule(3736, 'a faulty node or a cleared volume loses the local cache, and the model is pulled again', () => {
    const faulty = new Watched(accelerated(), ONE_NODE).until(60);
    faulty.strike({ kind: 'node-crash', node: 'npus-node-0', lasting: fromSeconds(100) }).until(300);
    expect(faulty.times(0, 'Started')).toHaveLength(2);
    // Back at 160 s: mounted at 161, then all of it again; the image is there still.
    expect(faulty.times(0, 'Started')[1]).toBeCloseTo(161 + WEIGHTS_GIB + 2, 2);

    const cleared = new Watched(accelerated(), ONE_NODE).until(60);
    cleared.world.cluster.node('npus-node-0')!.clearCache();
    cleared.strike({ kind: 'crash-container', ...POD }).until(300);
    expect(cleared.times(0, 'Started')[1]).toBeCloseTo(62 + WEIGHTS_GIB + 2, 2);
  });

  test('a node that only restarts keeps it', () => {
    const watched = new Watched(accelerated(), ONE_NODE).until(60);
    watched.strike({ kind: 'node-reboot', node: 'npus-node-0' }).until(500);
    expect(watched.times(0, 'Started')[1]).toBe(60 + 300 + 3);
  });
});

describe('the init container', () => {
  const messageOf = (error: keyof typeof INIT_CONTAINER_ERRORS): string => INIT_CONTAINER_ERRORS[error].message;
  const errors = (watched: Watched): Set<string> =>
    new Set(watched.messages('InferInitContainerFailed').map((message) => /errmsg: (.*)\./.exec(message)![1]!));

  guideRule(4476, 'a model fails to load: too little disk space before the download', () => {
    const watched = new Watched(accelerated(), ONE_NODE);
    watched.strike({ kind: 'disk-full', node: 'npus-node-0', lasting: fromSeconds(50) }).until(200);
    expect(watched.times(0, 'InferInitContainerFailed')).toEqual([1, 11, 31]);
    expect(errors(watched)).toEqual(new Set(['Insufficient disk space detected before downloading the OBS file']));
    expect(watched.of(SERVICE, 'modelConfigurationFailed')).toHaveLength(3);
    expect(watched.messages('modelConfigurationFailed')[0]).toMatch(/unit \[server\]\. Retrying\.\.\. Details: Insuff/);
    expect(watched.pod(0).ready).toBe(true);
  });

  guideRule(4472, 'a model fails to load: disk full or damaged during the download', () => {
    const watched = new Watched(accelerated(), ONE_NODE).until(5);
    watched.strike({ kind: 'disk-full', node: 'npus-node-0', lasting: fromSeconds(20) }).until(200);
    expect([...errors(watched)][0]).toMatch('such as disk full error');
    expect(watched.of(0, 'InferInitContainerFailed')).toHaveLength(1);
    expect(watched.pod(0).ready).toBe(true);
  });

  guideRule(4475, 'a model fails to load: network or permission during the download', () => {
    for (const kind of ['obs', 'obsfs'] as const) {
      const before = new Watched(accelerated(kind), ONE_NODE);
      before.strike({ kind: 'storage-down', storage: kind, lasting: fromSeconds(25) }).until(200);
      expect(before.times(0, 'InferInitContainerFailed')).toEqual([1, 11]);
      const during = new Watched(accelerated(kind), ONE_NODE).until(5);
      during.strike({ kind: 'storage-down', storage: kind, lasting: fromSeconds(13) }).until(200);
      expect(during.of(0, 'InferInitContainerFailed')).toHaveLength(1);
      for (const watched of [before, during]) {
        expect([...errors(watched)][0]).toMatch('such as network issues, permission issues');
        expect(watched.pod(0).ready).toBe(true);
      }
    }
  });

  const warm = plain({
    probes,
    storage: { kind: 'pre-warmed', address: 'warm', mountPath: '/model/', hostCache: false },
  });
  const WARM_NODE = { pools: [pool([nodes(1, { warmModels: ['warm'] })])] };

  guideRule(4477, 'a model fails to load: no warm-up file', () => {
    const watched = new Watched(warm, WARM_NODE).until(0.5);
    const { warmModels } = watched.world.cluster.node('npus-node-0')!;
    warmModels.clear();
    watched.until(20);
    expect(errors(watched)).toEqual(new Set([messageOf('warmupFileMissing')]));
    warmModels.add('warm');
    expect(watched.until(100).pod(0).ready).toBe(true);
  });

  guideRule(4478, 'a model fails to load: warm-up task not successful', () => {
    const watched = new Watched(warm, WARM_NODE);
    watched.strike({ kind: 'storage-down', storage: 'pre-warmed', lasting: fromSeconds(30) }).until(100);
    expect(errors(watched)).toEqual(new Set(['The model warmup task status is not successful']));
    expect(watched.pod(0).ready).toBe(true);
  });

  guideRule(4479, 'a model fails to load: SFS Turbo does not mount', () => {
    const watched = new Watched(accelerated('sfs-turbo'), ONE_NODE).until(30);
    expect([...errors(watched)][0]).toBe(messageOf('sfsTurboMountError'));
    expect(watched.of(0, 'FailedMount')).toEqual([]);
  });

  guideRule(4480, 'a model fails to load: SFS Turbo does not answer in time', () => {
    const watched = new Watched(accelerated('sfs-turbo'), { pools: [pool([nodes(1)], { sfsTurbo: ['turbo'] })] });
    watched.strike({ kind: 'storage-down', storage: 'sfs-turbo', lasting: fromSeconds(30) }).until(100);
    expect([...errors(watched)][0]).toMatch('A timeout was detected while accessing the mount directory');
    expect(watched.pod(0).ready).toBe(true);
  });

  test('a model that was used lately stays on a disk that is short of room, another goes', () => {
    // Room for two models: the first is used again before the third comes.
    const second = accelerated('obs', { name: 'second' }, 'obs://models/second/');
    const pools = [pool([nodes(1, { diskGiB: 2.5 * WEIGHTS_GIB })])];
    const watched = new Watched([service({ deployments: [accelerated()] })], { pools }).until(60);
    const node = watched.world.cluster.node('npus-node-0')!;
    watched.operate({ kind: 'add-deployment', service: SERVICE, spec: second });
    watched
      .until(120)
      .strike({ kind: 'kill-pod', ...POD })
      .until(180);
    expect(node.cache('another', WEIGHTS_GIB)).toBe(true);
    expect(node.hasCached('obs://models/qwen3-8b/')).toBe(true);
    expect(node.hasCached('obs://models/second/')).toBe(false);
  });
});
