import { describe, expect, test } from 'vitest';
import { GIB, model } from '../../src/catalog/index.ts';
import { weightBytes } from '../../src/engine/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { DeploymentSpec, ModelStorageSpec, SecretSpec, StorageKind } from '../../src/platform/index.ts';
import { unitCheckpoint } from '../../src/platform/step-time.ts';
import { guideRule } from '../support/guide-rule.ts';
import { everySecond, nodes, plain, plainUnit, pool, Watched } from '../support/pods.ts';
import { DEPLOYMENT, SERVICE, service } from '../support/world.ts';

const POD = { service: SERVICE, deployment: DEPLOYMENT, instance: 0 };
const TURBO = { sfsTurbo: ['turbo'] };
const probes = { startup: everySecond({ failureThreshold: 600 }), liveness: everySecond() };
/** Of the model that every unit here loads. */
const WEIGHTS_GIB = weightBytes(model('qwen3-8b'), unitCheckpoint(plainUnit())) / GIB;

function from(kind: StorageKind, hostCache = false): ModelStorageSpec {
  const address = kind === 'sfs-turbo' ? 'turbo' : kind === 'pre-warmed' ? 'warm' : 'obs://models/qwen3-8b/';
  return { kind, address, mountPath: '/model/', hostCache };
}

function mounting(kind: StorageKind, hostCache = false, overrides: Partial<DeploymentSpec> = {}): DeploymentSpec {
  return plain({ probes, storage: from(kind, hostCache) }, overrides);
}

/** Seconds from the container's start to its engine's answer. */
function loading(watched: Watched, pod = 0): number {
  return watched.times(pod, 'Healthy')[0]! - watched.times(pod, 'Started')[0]!;
}

describe('where the model comes from', () => {
  guideRule(3676, 'several replicas and services can mount the same storage', () => {
    const spec = mounting('obs', false, { instances: 3 });
    const services = [service({ deployments: [spec] }), service({ name: 'other', deployments: [spec] })];
    const watched = new Watched(services).until(100);
    expect(watched.pods).toHaveLength(6);
    for (const { index, ready } of watched.pods) {
      expect(ready).toBe(true);
      expect(watched.of(index, 'SuccessfulMountVolume')).toHaveLength(1);
    }
  });

  guideRule(3678, 'a pre-warmed model is not loaded again', () => {
    const warm = pool([nodes(1, { warmModels: ['warm'] })]);
    const watched = new Watched(mounting('pre-warmed'), { pools: [warm] }).until(100);
    // The node's disk reads 8 GiB a second, a bucket one.
    expect(loading(watched)).toBe(Math.ceil(5 + WEIGHTS_GIB / 8));
    expect(loading(new Watched(mounting('obs')).until(100))).toBe(Math.ceil(5 + WEIGHTS_GIB));
  });

  guideRule(3686, 'a pod reads its weights from the model source before it is up', () => {
    const watched = new Watched(mounting('obs')).until(30);
    expect(watched.pod(0)).toMatchObject({ phase: 'running', started: false });
    expect(watched.call().state).toBe('refused');
    watched.until(40);
    expect(watched.call().state).toBe('open');
  });

  guideRule(3686, 'a model source that cannot be read keeps the service from starting', () => {
    for (const kind of ['obs', 'obsfs', 'sfs-turbo'] as const) {
      for (const hostCache of [false, true]) {
        const spec = mounting(kind, hostCache, { deployTimeout: fromSeconds(180) });
        const down = new Watched(spec, { pools: [pool([nodes(1)], TURBO)] });
        down.strike({ kind: 'storage-down', storage: kind }).until(200);
        expect(down.status).toBe('FAILED');
        expect(down.of(0, hostCache ? 'InferInitContainerFailed' : 'FailedMount').length).toBeGreaterThan(3);
        expect(down.of(0, 'Started')).toEqual([]);
      }
    }
  });

  guideRule(3692, 'a model source is an OBS bucket, a parallel file system, SFS Turbo or a pre-warmed model', () => {
    for (const kind of ['obs', 'obsfs', 'sfs-turbo', 'pre-warmed'] as const) {
      const watched = new Watched(mounting(kind), { pools: [pool([nodes(1, { warmModels: ['warm'] })], TURBO)] });
      expect(watched.until(60).pod(0).ready).toBe(true);
    }
  });

  const seconds = (kind: StorageKind): number => {
    const watched = new Watched(mounting(kind), { pools: [pool([nodes(1)], TURBO)] });
    return loading(watched.until(60));
  };
  guideRule(3698, 'a bucket loads a large model slower than a parallel file system', () => {
    expect(seconds('obs')).toBeGreaterThan(seconds('obsfs'));
  });
  guideRule(3702, 'SFS Turbo loads a model fastest', () => {
    expect(seconds('sfs-turbo')).toBeLessThan(seconds('obsfs'));
  });

  test('slow storage takes so many times as long, to the microsecond', () => {
    const watched = new Watched(mounting('obs')).strike({ kind: 'storage-slow', storage: 'obs', factor: 1.37 });
    expect(loading(watched.until(100))).toBe(Math.ceil(5 + WEIGHTS_GIB * 1.37));
  });
});

describe('pre-warmed models', () => {
  guideRule(3703, 'a service with a pre-warmed model goes to pre-warmed nodes only', () => {
    const groups = [nodes(3), nodes(1, { name: 'warm', warmModels: ['warm'] })];
    const watched = new Watched(mounting('pre-warmed', false, { instances: 9 }), { pools: [pool(groups)] }).until(60);
    const placed = watched.pods.filter(({ placement }) => placement !== undefined);
    expect(placed).toHaveLength(8);
    expect(new Set(placed.map(({ placement }) => placement!.node.name))).toEqual(new Set(['npus-node-3']));
    const waiting = watched.pods.find(({ placement }) => placement === undefined)!;
    expect(waiting.explanation.map(({ refused }) => refused)).toEqual([
      ...Array(3).fill('model is not pre-warmed'),
      'insufficient accelerators',
    ]);
  });

  for (const [line, rule] of [
    [3703, 'a model must be warmed up on the nodes before it is used'],
    [3790, 'assigned to nodes that are not pre-warmed, the deployment fails'],
  ] as const) {
    guideRule(line, rule, () => {
      const spec = mounting('pre-warmed', false, { deployTimeout: fromSeconds(180) });
      const watched = new Watched(spec).until(200);
      expect(watched.status).toBe('FAILED');
      expect(watched.messages('FailedScheduling')[0]).toMatch('2 model is not pre-warmed');
    });
  }

  guideRule(3785, 'a pre-warmed model is one that was warmed up in the pool', () => {
    const watched = new Watched(mounting('pre-warmed'), { pools: [pool([nodes(1, { warmModels: ['other'] })])] });
    expect(watched.until(20).pod(0).placement).toBeUndefined();
    watched.world.cluster.node('npus-node-0')!.warmModels.add('warm');
    expect(watched.until(60).pod(0).ready).toBe(true);
  });

  test('are mounted as files too, on the nodes that have them', () => {
    const files = [{ kind: 'pre-warmed', address: 'warm', mountPath: '/extra/', readOnly: true }] as const;
    const groups = [nodes(1), nodes(1, { name: 'warm', warmModels: ['warm'] })];
    const watched = new Watched(plain({ files }), { pools: [pool(groups)] }).until(60);
    expect(watched.pod(0).placement!.node.name).toBe('npus-node-1');
    expect(watched.pod(0).ready).toBe(true);
  });
});

describe('mounts', () => {
  guideRule(3707, 'mounted file storage is optional', () => {
    expect(new Watched(plain({ probes, files: [] })).until(40).pod(0).ready).toBe(true);
  });

  guideRule(3713, 'a unit mounts OBS buckets, parallel file systems, SFS Turbo and pre-warmed models', () => {
    const kinds = ['obs', 'obsfs', 'sfs-turbo', 'pre-warmed'] as const;
    const files = kinds.map((kind) => ({ kind, address: from(kind).address, mountPath: `/${kind}/`, readOnly: true }));
    const pools = [pool([nodes(1, { warmModels: ['warm'] })], TURBO)];
    expect(new Watched(plain({ files }), { pools }).until(40).of(0, 'Started')).toHaveLength(1);
    // Any of them out of reach keeps the pod from starting.
    for (const storage of kinds) {
      const watched = new Watched(plain({ files }), { pools }).strike({ kind: 'storage-down', storage }).until(40);
      expect(watched.of(0, 'FailedMount').length).toBeGreaterThan(3);
      expect(watched.of(0, 'Started')).toEqual([]);
    }
  });

  guideRule(3768, 'SFS Turbo needs a dedicated pool whose network is associated with it', () => {
    const spec = mounting('sfs-turbo');
    const associated = new Watched(spec, { pools: [pool([nodes(1)], TURBO)] }).until(60);
    expect(associated.pod(0).ready).toBe(true);
    const other = new Watched(spec, { pools: [pool([nodes(1)], { sfsTurbo: ['another'] })] }).until(60);
    expect(other.messages('FailedMount')[0]).toMatch('The SFS Turbo file system is not associated with the pool.');
  });

  guideRule(3781, 'SFS Turbo that is disassociated can no longer be mounted', () => {
    const sfsTurbo = ['turbo'];
    const watched = new Watched(mounting('sfs-turbo'), { pools: [pool([nodes(1)], { sfsTurbo })] }).until(60);
    sfsTurbo.pop();
    // Who has it keeps it, until it starts again.
    watched.until(120);
    expect(watched.pod(0).ready).toBe(true);
    watched.strike({ kind: 'crash-container', ...POD }).until(180);
    expect(watched.pod(0).phase).toBe('mounting');
    expect(watched.of(SERVICE, 'podMountFailed').length).toBeGreaterThan(3);
  });

  test('are tried again after 0.5 s, doubled, until they succeed', () => {
    const watched = new Watched(mounting('obs'));
    watched.strike({ kind: 'storage-down', storage: 'obs', lasting: fromSeconds(6) }).until(100);
    expect(watched.times(0, 'FailedMount')).toEqual([0, 0.5, 1.5, 3.5]);
    expect(watched.of(0, 'SuccessfulMountVolume')).toEqual(['8.5 SuccessfulMountVolume']);
    expect(watched.pod(0).ready).toBe(true);
  });
});

describe('access keys for object storage', () => {
  const keys = { storageSecret: 'obs-keys' };
  const started = (versions: object, overrides: Partial<DeploymentSpec> = {}, hostCache = false): Watched =>
    new Watched(mounting('obs', hostCache, overrides), { pools: [pool([nodes(1)], versions)] }).until(60);

  guideRule(433, 'Everest 2.4.204 and cluster 1.28 or later mount with temporary credentials', () => {
    for (const [everestVersion, clusterVersion] of [
      ['2.4.204', '1.28'],
      ['2.4.205', 'v1.29'],
      ['2.10.1', '1.31.4'],
      ['3.0', '2.0'],
    ]) {
      expect(started({ everestVersion, clusterVersion }).pod(0).ready).toBe(true);
    }
    expect(started({}).pod(0).ready).toBe(true);
  });

  guideRule(433, 'older pools mount with a DEW secret that has accessKeyId and secretAccessKey', () => {
    for (const versions of [
      { everestVersion: '2.4.203' },
      { clusterVersion: '1.27' },
      { everestVersion: '2.3.999', clusterVersion: '1.31' },
    ]) {
      const without = started(versions);
      expect(without.messages('FailedMount')[0]).toMatch('No access keys for obs: the pool needs a DEW secret.');
      expect(without.of(0, 'Started')).toEqual([]);
      expect(started(versions, keys).pod(0).ready).toBe(true);
      // Pulled to the node, it is the download that is refused (guide 4475).
      expect(started(versions, {}, true).messages('InferInitContainerFailed')[0]).toMatch('permission issues');
      expect(started(versions, keys, true).pod(0).started).toBe(true);
    }
  });

  test('are needed at each start', () => {
    const watched = started({ everestVersion: '2.4.0' }, keys);
    watched
      .strike({ kind: 'delete-secret', secret: 'obs-keys' })
      .strike({ kind: 'crash-container', ...POD })
      .until(90);
    expect(watched.of(0, 'FailedMount').length).toBeGreaterThan(3);
  });
});

describe('secrets', () => {
  const custom: SecretSpec = { kind: 'custom', name: 'infer-password', mountPath: '/secret/custom/' };
  const dew: SecretSpec = { kind: 'dew', name: 'db-keys', mountPath: '/secret/dew/' };
  const secretive = (secrets: readonly SecretSpec[]): DeploymentSpec => plain({ probes }, { secrets });

  guideRule(3825, 'secrets are mounted in dedicated and in public pools', () => {
    for (const type of ['dedicated', 'public'] as const) {
      const watched = new Watched(secretive([custom, dew]), { pools: [pool([nodes(1)], { type })] }).until(60);
      expect(watched.pod(0).ready).toBe(true);
    }
  });

  guideRule(3855, 'a deployment can have several secrets', () => {
    const third: SecretSpec = { ...dew, name: 'other-keys', mountPath: '/secret/other/' };
    expect(new Watched(secretive([custom, dew, third])).until(60).pod(0).ready).toBe(true);
    for (const { name: secret } of [dew, third]) {
      const watched = new Watched(secretive([custom, dew, third])).strike({ kind: 'delete-secret', secret }).until(60);
      expect(watched.messages('FailedMount')[0]).toMatch(`The DEW secret "${secret}" does not exist.`);
    }
  });

  guideRule(3828, 'deleting a DEW secret in use makes the next restart fail', () => {
    const watched = new Watched(secretive([custom, dew])).until(60);
    watched.strike({ kind: 'delete-secret', secret: 'db-keys', lasting: fromSeconds(120) }).until(90);
    expect(watched.pod(0).ready).toBe(true);
    watched.strike({ kind: 'crash-container', ...POD }).until(170);
    expect(watched.of(0, 'FailedMount').length).toBeGreaterThan(3);
    expect(watched.messages('FailedMount')[0]).toMatch('The DEW secret "db-keys" does not exist.');
    expect(watched.of(SERVICE, 'podMountFailed').length).toBeGreaterThan(3);
    expect(watched.call().state).toBe('refused');
    // Back again, the container starts.
    watched.until(300);
    expect(watched.pod(0).ready).toBe(true);
  });

  guideRule(3816, 'an instance sees only its own secrets', () => {
    const services = [
      service({ deployments: [secretive([dew])] }),
      service({ name: 'other', deployments: [secretive([])] }),
    ];
    const watched = new Watched(services).until(60);
    watched.strike({ kind: 'delete-secret', secret: 'db-keys' });
    for (const name of [SERVICE, 'other']) watched.strike({ kind: 'crash-container', ...POD, service: name });
    watched.until(90);
    expect(watched.of(0, 'FailedMount').length).toBeGreaterThan(0);
    expect(watched.of(1, 'FailedMount')).toEqual([]);
    expect(watched.pod(1).ready).toBe(true);
  });

  test('a custom secret does not depend on DEW', () => {
    const watched = new Watched(secretive([custom])).until(60);
    watched
      .strike({ kind: 'delete-secret', secret: custom.name })
      .strike({ kind: 'crash-container', ...POD })
      .until(90);
    expect(watched.pod(0).ready).toBe(true);
  });
});
