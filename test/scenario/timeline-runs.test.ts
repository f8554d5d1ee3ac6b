import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { World } from '../../src/lab/index.ts';
import { describe as describeLab, jsonSchema, readScenario } from '../../src/scenario/index.ts';
import { guideRule } from '../support/guide-rule.ts';

/** Every kind of entry of the timeline, from text to the end of a run. */

const MAIN = { service: 'chat', deployment: 'main' };
const POD = { ...MAIN, instance: 0 };
const PREFILL = { service: 'chat', deployment: 'apart', instance: 0, unit: 'prefill' };
const NODE = { node: 'npu-node-0', for: '30s' };
const VPC = { vpc: 'office', subnet: 'floor-1', account: 'somebody-else' };
const SECRET = { kind: 'dew', name: 'key', mountPath: '/key/' };
const UNIT = { model: 'qwen3-8b', engine: { maxModelLen: 4096 } };

/** A deployment that stores its model in a bucket, one of prefill and decode; two nodes, and some traffic. */
function run(timeline: readonly object[]): World {
  const storage = { kind: 'obs', address: 'obs://models/qwen3-8b/' };
  const apart = ['prefill', 'decode'].map((role) => ({ ...UNIT, role }));
  const text = stringify({
    inferlab: 1,
    name: 'kinds',
    duration: '3m',
    pools: [{ name: 'npu', nodes: [{ flavor: 'snt9b-8', count: 2, racks: 2 }] }],
    vpcs: ['office', 'branch'].map((name) => ({ name, account: VPC.account, subnets: [VPC.subnet] })),
    services: [
      {
        name: 'chat',
        privateConnections: [{ name: 'old', ...VPC, vpc: 'branch' }],
        deployments: [
          { name: 'main', pool: 'npu', instances: 2, secrets: [SECRET], units: [{ ...UNIT, storage }] },
          { name: 'apart', pool: 'npu', instances: 1, units: apart },
        ],
      },
    ],
    traffic: [
      {
        name: 'users',
        service: 'chat',
        arrivals: { kind: 'poisson', rate: 2 },
        lengths: { prompt: { kind: 'fixed', tokens: 200 }, output: { kind: 'fixed', tokens: 40 } },
      },
    ],
    timeline,
  });
  const world = new World(describeLab(readScenario(text, 'kinds.yaml'), new Map()).lab);
  expect(world.run(2_000_000)).toBe(true);
  return world;
}

const UPGRADE = { do: 'upgrade', ...MAIN, set: { units: [{ image: { name: 'second' } }] } };
const RULES = [{ kind: 'metric', name: 'busy', metric: 'concurrency', target: 4 }];
const MORE = { name: 'more', pool: 'npu', instances: 1, units: [UNIT] };

const NEW = { service: 'chat', connection: 'new' };
const OLD = { service: 'chat', connection: 'old' };
const CREATED = { do: 'create-key', key: 'guest' };
const APPLIED = { do: 'create-connection', ...NEW, ...VPC };

/** What comes before each kind, one second after the other, if anything has to. */
const ENTRIES: readonly (readonly [kind: string, entry: object, ...before: object[]])[] = [
  ['kill-pod', POD],
  ['crash-container', POD],
  ['out-of-memory', POD],
  ['hang-container', { ...POD, for: '30s' }],
  ['slow-engine', { ...POD, factor: 4, for: '30s' }],
  ['slow-link', { ...PREFILL, factor: 4, for: '30s' }],
  ['break-link', { ...PREFILL, for: '30s' }],
  ['chip-fault', { ...POD, for: '30s' }],
  ['node-crash', NODE],
  ['node-reboot', { node: 'npu-node-1' }],
  ['cordon', NODE],
  ['drain', { ...POD, for: '30s' }],
  ['taint', { ...NODE, key: 'maintenance', effect: 'NoExecute' }],
  ['disk-full', NODE],
  ['switch-fault', { pool: 'npu', rack: 1, for: '30s' }],
  ['network-fault', { service: 'chat', for: '30s' }],
  ['storage-down', { storage: 'obs', for: '30s' }, { do: 'kill-pod', ...POD }],
  ['storage-slow', { storage: 'obs', factor: 2, for: '30s' }, { do: 'kill-pod', ...POD }],
  ['image-missing', { image: 'vllm-ascend', for: '30s' }],
  ['registry-slow', { factor: 4, for: '30s' }],
  ['plugin', { pool: 'npu', plugin: 'volcano', for: '30s' }],
  ['delete-secret', { secret: 'key', for: '30s' }, { do: 'kill-pod', ...POD }],
  ['control-plane-fault', { service: 'chat', for: '30s' }],
  ['refuse', { service: 'chat', status: 429, retryAfterSeconds: 1, for: '30s' }],
  ['start', MAIN, { do: 'stop', ...MAIN }],
  ['stop', { service: 'chat' }],
  ['delete', { service: 'chat' }],
  ['interrupt', MAIN, UPGRADE],
  ['add-deployment', { service: 'chat', spec: MORE }],
  ['upgrade', UPGRADE],
  ['switch-version', { ...MAIN, version: '1.0.0' }, UPGRADE],
  ['delete-version', { ...MAIN, version: '1.0.0' }, UPGRADE],
  ['scale', { ...MAIN, instances: 3 }],
  ['set-scaling', { ...MAIN, scaling: { max: 4, rules: RULES } }],
  ['set-auto-stop', { service: 'chat', limit: '1m' }],
  ['set-weight', { ...MAIN, weight: 10 }],
  ['delete-instance', { ...POD, recreate: false }],
  ['delete-pod', { ...POD, force: true }],
  ['set-mirror', { service: 'chat', deployment: 'apart', mirror: true }],
  ['modify-service', { service: 'chat', set: { requestTimeout: '30s', rateLimits: null } }],
  ['create-connection', { ...NEW, ...VPC }],
  ['approve-connection', NEW, APPLIED],
  ['reject-connection', { ...NEW, reason: 'unknown' }, APPLIED],
  ['revoke-connection', OLD],
  [
    'retry-connection',
    NEW,
    { do: 'control-plane-fault', service: 'chat', for: '30s' },
    APPLIED,
    { do: 'approve-connection', ...NEW },
  ],
  ['delete-connection', OLD],
  ['set-connection-urls', { ...OLD, customUrls: ['http://llm.example.com/chat'] }],
  ['create-key', { key: 'guest', scope: 'user', description: 'for guests', for: '1m' }],
  ['bind-key', { key: 'guest', service: 'chat' }, CREATED],
  ['unbind-key', { key: 'guest', service: 'chat' }, CREATED, { do: 'bind-key', key: 'guest', service: 'chat' }],
  ['delete-key', { key: 'guest' }, CREATED],
];

describe('an entry of the timeline is read, and strikes or is done', () => {
  test.each(ENTRIES.map(([kind, entry, ...before]) => ({ kind, entry, before })))(
    '$kind',
    ({ kind, entry, before }) => {
      const first = before.map((each, index) => ({ at: `${5 + index}s`, ...each }));
      const world = run([...first, { at: '20s', ...entry, do: kind }]);
      const record = world.faults.history.find(({ fault }) => fault.kind === kind);
      const item = world.description.timeline.at(-1)!;
      if (!('fault' in item)) {
        expect(world.operations.at(-1)).toMatchObject({ at: world.settledAt + 20e6, operation: item.operation });
        return;
      }
      expect(record).toMatchObject({ at: world.settledAt + 20e6, fault: item.fault });
    },
  );

  test('the table has every kind', () => {
    const { timeline } = (jsonSchema() as { properties: Record<string, { items: { oneOf: unknown[] } }> }).properties;
    const kinds = timeline!.items.oneOf.map(
      (kind) => (kind as { properties: { do: { const: string } } }).properties.do,
    );
    expect(ENTRIES.map(([kind]) => kind).sort()).toEqual(kinds.map((each) => each.const).sort());
  });
});

guideRule(3865, 'a DEW secret that does not exist is refused', () => {
  const add = { at: '20s', do: 'add-deployment', service: 'chat', spec: { ...MORE, secrets: [SECRET] } };
  const world = run([{ at: '5s', do: 'delete-secret', secret: 'key' }, add]);
  expect(world.events.all().filter(({ reason }) => reason === 'secretVerificationFailed')).toHaveLength(1);
  expect(world.platform.service('chat')!.deployment('more')).toBeUndefined();
});
