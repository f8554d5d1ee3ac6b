import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type FaultSpec, type LabDescription, mistakeInFault, World } from '../../src/lab/index.ts';
import { TIMINGS } from '../../src/platform/index.ts';
import { describe as describeLab, jsonSchema, readScenario } from '../../src/scenario/index.ts';
import { guideRule } from '../support/guide-rule.ts';

/** A scenario of one deployment and one of prefill and decode; two nodes in two racks. */
function lab(timeline: readonly object[], overrides: object = {}): LabDescription {
  const model = { model: 'qwen3-8b', engine: { maxModelLen: 4096 } };
  const units = [{ ...model, resources: { accelerators: 2 } }];
  const apart = [
    { ...model, role: 'prefill' },
    { ...model, role: 'decode', replicas: 2 },
  ];
  const secrets = [{ kind: 'dew', name: 'key', mountPath: '/key/' }];
  const text = stringify({
    inferlab: 1,
    name: 'timeline',
    pools: [{ name: 'npu', nodes: [{ flavor: 'snt9b-8', count: 2, racks: 2 }] }],
    services: [
      {
        name: 'chat',
        deployments: [
          { name: 'main', pool: 'npu', instances: 2, secrets, units },
          { name: 'apart', pool: 'npu', instances: 1, units: apart },
        ],
      },
    ],
    timeline: timeline.map((entry) => ({ at: '10s', ...entry })),
    ...overrides,
  });
  return describeLab(readScenario(text, 'timeline.yaml'), new Map()).lab;
}

const MAIN = { service: 'chat', deployment: 'main' };
const POD = { ...MAIN, instance: 1 };
const PREFILL = { service: 'chat', deployment: 'apart', instance: 0, unit: 'prefill' };
const NODE = { node: 'npu-node-1' };

describe('a fault of the timeline', () => {
  test.each<[object, object]>([
    [
      { do: 'kill-pod', ...POD },
      { kind: 'kill-pod', ...POD },
    ],
    [
      { do: 'crash-container', ...POD, pod: 0 },
      { kind: 'crash-container', ...POD, pod: 0 },
    ],
    [
      { do: 'out-of-memory', ...POD },
      { kind: 'out-of-memory', ...POD },
    ],
    [
      { do: 'hang-container', ...POD, for: '5s' },
      { kind: 'hang-container', ...POD, lasting: 5e6 },
    ],
    [
      { do: 'slow-engine', ...POD, factor: 3 },
      { kind: 'slow-engine', ...POD, factor: 3 },
    ],
    [
      { do: 'slow-link', ...PREFILL, factor: 2 },
      { kind: 'slow-link', ...PREFILL, factor: 2 },
    ],
    [
      { do: 'break-link', ...PREFILL },
      { kind: 'break-link', ...PREFILL },
    ],
    [
      { do: 'chip-fault', ...NODE, chip: 7 },
      { kind: 'chip-fault', ...NODE, chip: 7 },
    ],
    [
      { do: 'chip-fault', ...POD, chip: 1 },
      { kind: 'chip-fault', ...POD, chip: 1 },
    ],
    [
      { do: 'node-crash', ...POD },
      { kind: 'node-crash', ...POD },
    ],
    [
      { do: 'node-reboot', ...NODE },
      { kind: 'node-reboot', ...NODE },
    ],
    [
      { do: 'cordon', ...NODE, for: '1m' },
      { kind: 'cordon', ...NODE, lasting: 60e6 },
    ],
    [
      { do: 'drain', ...NODE },
      { kind: 'drain', ...NODE },
    ],
    [
      { do: 'taint', ...NODE, key: 'a' },
      { kind: 'taint', ...NODE, key: 'a', effect: 'NoSchedule' },
    ],
    [
      { do: 'disk-full', ...NODE },
      { kind: 'disk-full', ...NODE },
    ],
    [
      { do: 'switch-fault', pool: 'npu', rack: 1 },
      { kind: 'switch-fault', pool: 'npu', rack: 1 },
    ],
    [
      { do: 'network-fault', service: 'chat' },
      { kind: 'network-fault', service: 'chat' },
    ],
    [
      { do: 'storage-down', storage: 'obs' },
      { kind: 'storage-down', storage: 'obs' },
    ],
    [
      { do: 'storage-slow', storage: 'sfs-turbo', factor: 2 },
      { kind: 'storage-slow', storage: 'sfs-turbo', factor: 2 },
    ],
    [
      { do: 'image-missing', image: 'vllm-ascend' },
      { kind: 'image-missing', image: 'vllm-ascend' },
    ],
    [
      { do: 'registry-slow', factor: 10 },
      { kind: 'registry-slow', factor: 10 },
    ],
    [
      { do: 'plugin', pool: 'npu', plugin: 'volcano' },
      { kind: 'plugin', pool: 'npu', plugin: 'volcano', state: 'abnormal' },
    ],
    [
      { do: 'delete-secret', secret: 'key' },
      { kind: 'delete-secret', secret: 'key' },
    ],
    [
      { do: 'control-plane-fault', service: 'chat' },
      { kind: 'control-plane-fault', service: 'chat' },
    ],
    [
      { do: 'refuse', service: 'chat' },
      { kind: 'refuse', service: 'chat', status: 503 },
    ],
  ])('%j', (entry, fault) => {
    expect(lab([entry]).timeline).toEqual([{ at: 10e6, from: 'ready', fault }]);
    const { platform, cluster } = started();
    expect(mistakeInFault(fault as FaultSpec, platform, cluster)).toBeUndefined();
  });
});

/** The world of the scenario with its pods made: one for all, as nothing is done to it. */
let settled: World | undefined;
function started(): World {
  settled ??= new World(lab([]));
  settled.runUntilSettled();
  return settled;
}

describe('an operation of the timeline', () => {
  test.each<[object, object]>([
    [
      { do: 'start', service: 'chat' },
      { kind: 'start', service: 'chat' },
    ],
    [
      { do: 'stop', ...MAIN },
      { kind: 'stop', ...MAIN },
    ],
    [
      { do: 'delete', ...MAIN },
      { kind: 'delete', ...MAIN },
    ],
    [
      { do: 'interrupt', ...MAIN },
      { kind: 'interrupt', ...MAIN },
    ],
    [
      { do: 'switch-version', ...MAIN, version: '1.0.1' },
      { kind: 'switch-version', ...MAIN, version: '1.0.1' },
    ],
    [
      { do: 'delete-version', ...MAIN, version: '1.0.0' },
      { kind: 'delete-version', ...MAIN, version: '1.0.0' },
    ],
    [
      { do: 'scale', ...MAIN, instances: 4 },
      { kind: 'scale', ...MAIN, instances: 4 },
    ],
    [
      { do: 'set-weight', ...MAIN, weight: 10 },
      { kind: 'set-weight', ...MAIN, weight: 10 },
    ],
    [
      { do: 'set-auto-stop', service: 'chat', limit: '1h' },
      { kind: 'set-auto-stop', service: 'chat', limit: 3600e6 },
    ],
    [
      { do: 'set-scaling', ...MAIN },
      { kind: 'set-scaling', ...MAIN },
    ],
    [
      { do: 'delete-instance', ...POD },
      { kind: 'delete-instance', ...POD, recreate: true },
    ],
    [
      { do: 'delete-pod', ...POD, force: true },
      { kind: 'delete-pod', ...POD, force: true },
    ],
  ])('%j', (entry, operation) => {
    expect(lab([entry]).timeline).toEqual([{ at: 10e6, from: 'ready', operation }]);
  });

  test('set-scaling has its rules as the platform takes them', () => {
    const scaling = {
      max: 4,
      utcOffset: '-03:30',
      rules: [{ kind: 'metric', name: 'busy', metric: 'waiting', target: 8 }],
    };
    expect(lab([{ do: 'set-scaling', ...MAIN, scaling }]).timeline).toMatchObject([
      {
        operation: {
          scaling: {
            min: 1,
            max: 4,
            rules: [{ kind: 'metric', name: 'busy', enabled: true, metric: 'waiting', target: 8 }],
            downscaleWindow: 300e6,
            upscaleWindow: 0,
            utcOffsetMinutes: -210,
          },
        },
      },
    ]);
  });

  test('an added deployment is known from then on', () => {
    const spec = { name: 'more', pool: 'npu', instances: 1, units: [{ model: 'qwen3-8b' }] };
    const add = { at: '5s', do: 'add-deployment', service: 'chat', spec };
    const upgrade = { do: 'upgrade', service: 'chat', deployment: 'more', set: { instances: 3 } };
    expect(lab([upgrade, add]).timeline).toMatchObject([
      { operation: { kind: 'upgrade', deployment: 'more', spec: { name: 'more', instances: 3 } } },
      { operation: { kind: 'add-deployment', spec: { name: 'more', instances: 1, mode: 'basic' } } },
    ]);
    expect(() => lab([{ ...upgrade, at: '1s' }, add])).toThrowError('unknown deployment "more"');
  });

  test('one that was deleted may be added again, and is another one then', () => {
    const spec = { name: 'main', pool: 'npu', instances: 4, units: [{ model: 'qwen3-8b' }] };
    const add = { at: '5s', do: 'add-deployment', service: 'chat', spec };
    const upgrade = { do: 'upgrade', ...MAIN, set: { weight: 50 } };
    expect(() => lab([add])).toThrowError('there is already a deployment "main"');
    for (const target of [MAIN, { service: 'chat' }]) {
      const [, , after] = lab([{ at: '1s', do: 'delete', ...target }, add, upgrade]).timeline;
      expect(after).toMatchObject({ operation: { spec: { instances: 4, weight: 50, secrets: [] } } });
    }
  });
});

describe('an upgrade', () => {
  const upgrade = (set: object, at = '10s', deployment = 'main') => ({
    at,
    do: 'upgrade',
    service: 'chat',
    deployment,
    set,
  });
  const specs = (...timeline: object[]) =>
    lab(timeline).timeline.map(
      (entry) => ('operation' in entry && 'spec' in entry.operation ? entry.operation.spec : undefined)!,
    );

  test('leaves alone what it does not name, down to the settings of a unit', () => {
    const [spec] = specs(upgrade({ maxSurge: 25, units: [{ engine: { maxNumSeqs: 8 } }] }));
    const [before] = lab([]).services[0]!.deployments;
    const [unit] = before!.units;
    const engine = { ...unit!.engine, maxNumSeqs: 8 };
    expect(spec).toEqual({ ...before, maxSurge: 25, units: [{ ...unit, engine }] });
  });

  test('comes upon those before it in time', () => {
    const later = upgrade({ instances: 3 }, '20s');
    const [second, first] = specs(later, upgrade({ weight: 50, instances: 4 }));
    expect(first).toMatchObject({ weight: 50, instances: 4 });
    expect(second).toMatchObject({ weight: 50, instances: 3 });
  });

  test('keeps what was set since, but leaves the number of instances to the platform', () => {
    const scaling = { max: 8, rules: [{ kind: 'metric', name: 'busy', metric: 'waiting', target: 8 }] };
    const [first, second] = specs(
      { at: '1s', do: 'scale', ...MAIN, instances: 5 },
      { at: '2s', do: 'set-weight', ...MAIN, weight: 10 },
      { at: '3s', do: 'set-scaling', ...MAIN, scaling },
      upgrade({ maxSurge: 25 }),
      { at: '20s', do: 'set-scaling', ...MAIN },
      upgrade({ maxSurge: 50 }, '30s'),
    ).filter((spec) => spec !== undefined);
    expect(first).toMatchObject({ instances: 2, weight: 10, scaling: { max: 8, rules: scaling.rules } });
    expect(second).toMatchObject({ instances: 2, weight: 10, maxSurge: 50 });
    expect(second).not.toHaveProperty('scaling');
  });

  test('names units, and a null takes a field away', () => {
    const decode = { role: 'decode', replicas: 3, engine: null };
    const [spec] = specs(upgrade({ units: [decode] }, '10s', 'apart'));
    expect(spec!.units.map(({ name, replicas }) => [name, replicas])).toEqual([
      ['prefill', 1],
      ['decode', 3],
    ]);
    expect(spec!.units.map(({ engine }) => engine?.maxModelLen)).toEqual([4096, 40_960]);
  });

  guideRule(602, 'a role is added by adding a unit', () => {
    const [spec] = specs(upgrade({ units: [{ name: 'second', role: 'decode', model: 'qwen3-8b' }] }, '10s', 'apart'));
    expect(spec!.units.map(({ name }) => name)).toEqual(['prefill', 'decode', 'second']);
  });

  test('puts storage of another kind in place of what there was', () => {
    const obs = { kind: 'obs', address: 'obs://models/', hostCache: true };
    const [first, second, third] = specs(
      upgrade({ units: [{ storage: obs }] }),
      upgrade({ units: [{ storage: { address: 'obs://models/v2/' } }] }, '20s'),
      upgrade({ units: [{ storage: { kind: 'image' } }] }, '30s'),
    );
    expect(first!.units[0]!.storage).toMatchObject(obs);
    expect(second!.units[0]!.storage).toMatchObject({ ...obs, address: 'obs://models/v2/' });
    expect(third!.units[0]!.storage.kind).toBe('image');
  });

  test('an editor is told its fields', () => {
    const schema = JSON.stringify(jsonSchema());
    expect(schema).not.toContain('partOfDeployment');
    expect(schema).toContain('"maxSurge"');
  });
});

describe('timings', () => {
  test('are those of the platform but for what is said', () => {
    const timings = {
      imagePullGigabytesPerSecond: 1,
      storageGigabytesPerSecond: { obs: 0.5 },
      engineBoot: '10s',
      detection: { node: '1m' },
    };
    expect(lab([]).timings).toEqual(TIMINGS);
    expect(lab([], { timings }).timings).toEqual({
      ...TIMINGS,
      imagePullBandwidth: 1e9,
      storageBandwidth: { ...TIMINGS.storageBandwidth, obs: 0.5e9 },
      engineBoot: 10e6,
      detection: { ...TIMINGS.detection, node: 60e6 },
    });
  });
});
