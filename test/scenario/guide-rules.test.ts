import { describe, expect, test } from 'vitest';
import { guideRule } from '../support/guide-rule.ts';
import { deployed, MODEL, mounts, type Parts, PD, refused, taken } from './ruled.ts';

/** Rules of the guide that a scenario is held to; those of modes and units are in guide-modes.test.ts. */

describe('services and deployments', () => {
  guideRule(325, 'a user has at most 20 real-time services', () => {
    const deployments = [{ name: 'main', pool: 'npu', instances: 1, units: [MODEL] }];
    const services = (count: number): Parts => ({
      scenario: { services: mounts(count, (index) => ({ name: `service-${index}`, deployments })) },
    });
    expect(taken(services(20)).services).toHaveLength(20);
    refused(services(21), 'got 21 services, expected at most 20');
  });
  guideRule(3330, 'a service name takes letters, digits, - and _, 1 to 128', () => {
    const named = (name: string): Parts => ({ service: { name } });
    expect(taken(named(`Chat_${'a'.repeat(123)}`)).services[0]!.name).toHaveLength(128);
    refused(named('a'.repeat(129)), '1 to 128 letters');
    refused(named('chat!'), '1 to 128 letters');
  });
  guideRule(372, 'a deployment name takes letters, digits, - and _, at most 128', () => {
    expect(deployed({ deployment: { name: 'Main_2-a' } }).name).toBe('Main_2-a');
    refused({ deployment: { name: 'main 2' } }, '1 to 128 letters');
  });
  guideRule(381, 'a pool with logical subpools is refused', () => {
    const pool = { subpools: [{ name: 'left', nodes: 1 }] };
    refused({ pool }, 'is divided into subpools and takes no deployments');
    expect(deployed({ pool, deployment: { pool: 'left' } }).pool).toBe('left');
  });
  guideRule(381, 'in a heterogeneous pool a specification must match one of its node pools', () => {
    const nodes = [
      { flavor: 'cpu-64', count: 1 },
      { flavor: 'snt9b-8', count: 1 },
    ];
    refused({ nodes, deployment: { nodePool: 'cpu-64' }, unit: { resources: { accelerators: 1 } } }, 'has at most 0');
    expect(deployed({ nodes, deployment: { nodePool: 'snt9b-8' } }).units[0]!.resources.accelerators).toBe(1);
  });
  guideRule(382, 'a deployment has 1 to 128 replicas', () => {
    expect(deployed({ deployment: { instances: 128 } }).instances).toBe(128);
    for (const instances of [0, 129]) refused({ deployment: { instances } }, 'an integer from 1 to 128');
  });
  guideRule(386, 'scheduling priority is 1 to 3', () => {
    expect(deployed({}).priority).toBe(1);
    for (const priority of [0, 4]) refused({ deployment: { priority } }, 'an integer from 1 to 3');
  });
  guideRule(386, 'scheduling priority is for dedicated pools only', () => {
    refused({ pool: { type: 'public' }, deployment: { priority: 2 } }, 'in dedicated pools only');
  });
  guideRule(3521, 'the three scheduling policies are for dedicated pools only', () => {
    const pool = { type: 'public' };
    const affinity = { kind: 'affinity', strength: 'weak', nodes: ['npu-node-0'] };
    refused({ pool, deployment: { schedulingPolicy: 'compact' } }, 'scheduling policies are in dedicated pools only');
    refused({ pool, unit: { affinity } }, 'affinity is in dedicated pools only');
  });
  guideRule(3540, 'a deployment has HA or compact scheduling, not both', () => {
    for (const schedulingPolicy of ['high-availability', 'compact']) {
      expect(deployed({ deployment: { schedulingPolicy } }).schedulingPolicy).toBe(schedulingPolicy);
    }
    refused({ deployment: { schedulingPolicy: ['high-availability', 'compact'] } }, 'got a list, expected one of');
  });
  guideRule(3540, 'HA scheduling is the default', () => {
    expect(deployed({}).schedulingPolicy).toBe('high-availability');
  });
  guideRule(3208, 'automatic scaling is for dedicated pools only', () => {
    refused({ pool: { type: 'public' }, deployment: { scaling: {} } }, 'automatic scaling is in dedicated pools only');
  });
  const rules = (count: number): object[] =>
    mounts(count, (hour) => ({ kind: 'periodic', name: `rule-${hour}`, schedule: `0 ${hour} * * *`, target: 2 }));
  guideRule(3221, 'a service has at most 10 periodic scaling rules', () => {
    expect(deployed({ deployment: { scaling: { rules: rules(10) } } }).scaling!.rules).toHaveLength(10);
    refused({ deployment: { scaling: { rules: rules(11) } } }, 'at most 10 periodic rules');
  });
  guideRule(3221, 'a metric has at most one scaling rule', () => {
    const rule = { kind: 'metric', metric: 'waiting', target: 4 };
    const two = [
      { ...rule, name: 'rule-a' },
      { ...rule, name: 'rule-b', target: 8 },
    ];
    refused({ deployment: { scaling: { rules: two } } }, 'are both of waiting');
  });
  guideRule(3252, 'a periodic scaling rule cannot be added twice', () => {
    const twice = [...rules(1), { ...rules(1)[0], name: 'again' }];
    refused({ deployment: { scaling: { rules: twice } } }, 'come up at the same times');
  });
});

const obs = (mountPath: string, address = 'obs://data/'): object => ({ kind: 'obs', address, mountPath });

describe('storage and secrets', () => {
  guideRule(417, 'a unit mounts at most 15 storage paths', () => {
    const files = (count: number): Parts => ({ unit: { files: mounts(count, (index) => obs(`/f${index}/`)) } });
    expect(deployed(files(15)).units[0]!.files).toHaveLength(15);
    refused(files(16), 'got 16 file mounts, expected at most 15');
  });
  guideRule(417, 'a unit has at most 10 paths for artifact dump', () => {
    const dumps = (count: number): Parts => ({
      unit: { dumps: mounts(count, (index) => ({ address: 'obs://out/', mountPath: `/d${index}/` })) },
    });
    expect(deployed(dumps(10)).units[0]!.dumps).toHaveLength(10);
    refused(dumps(11), 'got 11 dumps, expected at most 10');
  });
  guideRule(417, 'artifact dump shares no bucket or file system with mounts of files or models', () => {
    const dumps = [{ address: 'obs://data/out/', mountPath: '/out/' }];
    refused({ unit: { dumps, files: [obs('/data/')] } }, 'bucket "data" is mounted for files too');
    refused({ unit: { dumps, storage: obs('/data/') } }, 'bucket "data" is mounted for the model too');
  });
  guideRule(3692, 'a model source is an OBS bucket, a parallel file system, SFS Turbo or a pre-warmed model', () => {
    const pool = { sfsTurbo: ['models'] };
    const addresses = { obs: 'obs://a/', obsfs: 'obs://a/', 'sfs-turbo': 'models', 'pre-warmed': 'qwen3-8b' };
    for (const [kind, address] of Object.entries(addresses)) {
      expect(deployed({ pool, unit: { storage: { kind, address } } }).units[0]!.storage).toEqual({
        kind,
        address,
        mountPath: '/model/',
        hostCache: false,
      });
    }
    refused(
      { unit: { storage: { kind: 'disk' } } },
      'expected one of "image", "obs", "obsfs", "sfs-turbo", "pre-warmed"',
    );
  });
  guideRule(3703, 'pre-warmed models are for dedicated pools only', () => {
    const unit = { storage: { kind: 'pre-warmed', address: 'qwen3-8b' } };
    refused({ pool: { type: 'public' }, unit }, 'pre-warmed models are in dedicated pools only');
  });
  guideRule(3715, 'artifacts are dumped to parallel file systems only', () => {
    const dump = { address: 'obs://out/', mountPath: '/out/' };
    for (const kind of ['obs', 'sfs-turbo', 'pre-warmed']) {
      refused({ unit: { dumps: [{ ...dump, kind }] } }, 'expected "obsfs"');
    }
    for (const dumps of [[dump], [{ ...dump, kind: 'obsfs' }]]) {
      expect(deployed({ unit: { dumps } }).units[0]!.dumps).toEqual([{ kind: 'obsfs', ...dump }]);
    }
  });
  guideRule(3724, 'an OBS path starts with obs:// and ends with /', () => {
    for (const address of ['s3://a/', 'obs://a', 'obs://a/b', 'obs:///'])
      refused({ unit: { files: [obs('/a/', address)] } }, 'expected an address such as "obs://bucket/path/"');
  });
  guideRule(3738, 'local acceleration needs a data disk of more than 1,024 GiB', () => {
    const unit = { storage: { kind: 'obs', address: 'obs://a/', hostCache: true } };
    const nodes = (diskGiB: number): object[] => [{ flavor: 'snt9b-8', count: 1, diskGiB }];
    refused({ nodes: nodes(1024), unit }, 'expected more than 1024 GiB');
    expect(deployed({ nodes: nodes(1025), unit }).units[0]!.storage.hostCache).toBe(true);
  });
  guideRule(3761, 'a file system mount path starts with / and takes letters, digits, _ and -, at most 1,024', () => {
    const at = (mountPath: string): Parts => ({ unit: { files: [{ ...obs(mountPath), kind: 'obsfs' }] } });
    expect(deployed(at(`/${'a'.repeat(1022)}/`)).units[0]!.files[0]!.mountPath).toHaveLength(1024);
    for (const path of ['a/', '/a b/', '/', `/${'a'.repeat(1023)}/`]) refused(at(path), 'at most 1024 characters');
  });
  guideRule(3768, 'SFS Turbo needs a dedicated pool whose network is associated with it', () => {
    const unit = { storage: { kind: 'sfs-turbo', address: 'models' } };
    refused({ unit }, 'no file system "models" is associated with pool "npu"; it has none');
    refused({ pool: { type: 'public', sfsTurbo: ['models'] }, unit }, 'SFS Turbo is in dedicated pools only');
  });
  const sfs = (address: string, mountPath = `/${address}/`): object => ({ kind: 'sfs-turbo', address, mountPath });
  test('SFS Turbo is mounted for reading and writing, or for reading only', () => {
    const files = [sfs('a'), { ...sfs('b'), readOnly: true }];
    const [unit] = deployed({ pool: { sfsTurbo: ['a', 'b'] }, unit: { files } }).units;
    expect(unit!.files.map(({ readOnly }) => readOnly)).toEqual([false, true]);
  });
  guideRule(3779, 'a file system is mounted once, at one path', () => {
    const unit = { files: [sfs('a', '/one/'), sfs('a', '/two/')] };
    refused({ pool: { sfsTurbo: ['a'] }, unit }, '"a" is mounted already');
  });
  guideRule(3779, 'each mount path is unique', () => {
    refused({ unit: { files: [obs('/a/'), obs('/a/')] } }, 'paths may not be the same or within each other');
  });
  guideRule(3779, 'at most eight disks are mounted', () => {
    const sfsTurbo = [...'abcdefghi'];
    const files = (count: number): Parts => ({
      pool: { sfsTurbo },
      unit: { files: sfsTurbo.slice(0, count).map((a) => sfs(a)) },
    });
    expect(deployed(files(8)).units[0]!.files).toHaveLength(8);
    refused(files(9), 'got 9 file systems, expected at most 8');
  });
  guideRule(3780, 'mount paths may not lie within each other', () => {
    refused({ unit: { files: [obs('/obs-mount/'), obs('/obs-mount/tmp/')] } }, 'within each other');
    expect(deployed({ unit: { files: [obs('/obs/'), obs('/obs-mount/')] } }).units[0]!.files).toHaveLength(2);
  });
  guideRule(3786, 'the mount path of a pre-warmed model starts and ends with /, at most 255', () => {
    const at = (mountPath: string): Parts => ({ unit: { storage: { kind: 'pre-warmed', address: 'a', mountPath } } });
    for (const path of ['a/', '/a', `/${'a'.repeat(254)}/`]) refused(at(path), 'at most 255 characters');
  });
  guideRule(3786, 'a pre-warmed model has the mount path of the other model sources', () => {
    const units = [
      { ...PD[0], storage: { kind: 'pre-warmed', address: 'a' } },
      { ...PD[1], storage: obs('/other/') },
    ];
    refused({ units }, 'all models are at one path');
  });
  const secret = (mountPath: string): object => ({ kind: 'dew', name: 'key', mountPath });
  guideRule(3826, 'a secret is custom or from DEW, nothing else', () => {
    refused({ deployment: { secrets: [{ ...secret('/a/'), kind: 'plain' }] } }, 'expected one of "custom", "dew"');
  });
  guideRule(3827, 'a secret may not be mounted over a system or service directory', () => {
    refused({ deployment: { secrets: [secret('/etc/')] } }, 'is a directory of the system');
    refused({ deployment: { secrets: [secret('/data/a/')] }, unit: { files: [obs('/data/')] } }, 'within each other');
  });
  guideRule(3827, 'the paths of secrets neither overlap nor lie within each other', () => {
    refused({ deployment: { secrets: [secret('/secret/'), secret('/secret/custom/')] } }, 'within each other');
  });
  guideRule(3827, 'the path of a secret starts with /, at most 255', () => {
    for (const path of ['a/', `/${'a'.repeat(254)}/`])
      refused({ deployment: { secrets: [secret(path)] } }, 'at most 255 characters');
  });
  guideRule(3855, 'a deployment can have several secrets', () => {
    expect(deployed({ deployment: { secrets: [secret('/a/'), secret('/b/')] } }).secrets).toHaveLength(2);
  });
});

describe('probes', () => {
  const probed = (probes: object): Parts => ({ unit: { probes } });
  guideRule(4070, 'the default path of a health check is /health', () => {
    const { probes } = deployed(probed({ readiness: {} })).units[0]!;
    expect(probes.readiness!.check).toEqual({ kind: 'http', path: '/health', protocol: 'HTTP' });
  });
  guideRule(4089, 'a check path is / and letters, digits, -, _ and /, at most 1,024', () => {
    for (const path of ['health', '/a?b', `/${'a'.repeat(1025)}`])
      refused(probed({ liveness: { path } }), 'expected a path');
  });
  for (const [line, figure] of [
    [4093, 'interval'],
    [4094, 'delay'],
    [4095, 'timeout'],
  ] as const) {
    guideRule(line, `a probe ${figure} is 1 to 2147483647 s`, () => {
      for (const each of ['0s', '2147483648s'])
        refused(probed({ readiness: { [figure]: each } }), 'a duration from 1s to 2147483647s');
      expect(deployed(probed({ readiness: { [figure]: '1s' } })).units[0]!.probes.readiness![figure]).toBe(1e6);
    });
  }
  guideRule(4096, 'a failure threshold is 1 to 2147483647', () => {
    for (const failureThreshold of [0, 2_147_483_648])
      refused(probed({ readiness: { failureThreshold } }), 'an integer from 1 to 2147483647');
  });
});
