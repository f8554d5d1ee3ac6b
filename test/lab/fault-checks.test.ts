import { describe, expect, test } from 'vitest';
import { nodeFlavor } from '../../src/catalog/index.ts';
import { type FaultSpec, mistakeIn, mistakeInFault, World } from '../../src/lab/index.ts';
import { DEPLOYMENT, description, SERVICE } from '../support/world.ts';

const target = { service: SERVICE, deployment: DEPLOYMENT, instance: 0 };
const pools = [
  { name: 'npus', type: 'dedicated' as const, nodes: [{ flavor: nodeFlavor('snt9b-8'), count: 4, racks: 2 }] },
];

function world(): World {
  const made = new World(description({ traffic: [], pools }));
  made.runUntilSettled();
  return made;
}

const shared = world();
const mistake = (fault: unknown): string | undefined =>
  mistakeInFault(fault as FaultSpec, shared.platform, shared.cluster);

/** One of each kind as it should be. */
const GOOD: readonly FaultSpec[] = [
  { kind: 'kill-pod', ...target },
  { kind: 'crash-container', ...target },
  { kind: 'out-of-memory', ...target, unit: 'server', replica: 0, pod: 0 },
  { kind: 'hang-container', ...target, lasting: 1 as never },
  { kind: 'slow-engine', ...target, factor: 2 },
  { kind: 'chip-fault', node: 'npus-node-3', chip: 7 },
  { kind: 'chip-fault', ...target, chip: 0 },
  { kind: 'node-crash', node: 'npus-node-0' },
  { kind: 'node-reboot', ...target },
  { kind: 'cordon', node: 'npus-node-0' },
  { kind: 'drain', node: 'npus-node-0' },
  { kind: 'taint', node: 'npus-node-0', key: 'broken', effect: 'NoExecute' },
  { kind: 'disk-full', node: 'npus-node-0' },
  { kind: 'switch-fault', pool: 'npus', rack: 1 },
  { kind: 'network-fault', service: SERVICE },
  { kind: 'storage-down', storage: 'obsfs' },
  { kind: 'storage-slow', storage: 'pre-warmed', factor: 1_000_000 },
  { kind: 'image-missing', image: 'vllm-ascend:0.9' },
  { kind: 'registry-slow', factor: 0.001 },
  { kind: 'plugin', pool: 'npus', plugin: 'volcano', state: 'absent' },
  { kind: 'delete-secret', secret: 'keys' },
  { kind: 'control-plane-fault', service: SERVICE },
  { kind: 'refuse', service: SERVICE, status: 429, retryAfterSeconds: 3 },
];

const BAD: readonly (readonly [unknown, string])[] = [
  [null, 'unknown fault "undefined"; expected one of kill-pod, '],
  [undefined, 'unknown fault "undefined"'],
  [[], 'unknown fault "undefined"'],
  ['kill-pod', 'unknown fault "undefined"'],
  [{}, 'unknown fault "undefined"'],
  [{ kind: 'meteor' }, 'unknown fault "meteor"'],
  [{ kind: 'toString' }, 'unknown fault "toString"'],
  [{ kind: 7 }, 'unknown fault "7"'],
  [{ kind: 'kill-pod' }, 'kill-pod: no service "undefined"'],
  [{ kind: 'kill-pod', ...target, service: 'chta' }, 'kill-pod: no service "chta"; did you mean "chat"?'],
  [{ kind: 'kill-pod', ...target, service: { name: 'chat' } }, 'kill-pod: no service "[object Object]"'],
  [{ kind: 'kill-pod', ...target, deployment: 'other' }, 'kill-pod: no such pod; there are chat/main/0, chat/main/1'],
  [{ kind: 'kill-pod', ...target, instance: 2 }, 'kill-pod: no such pod'],
  [{ kind: 'kill-pod', ...target, instance: -1 }, 'kill-pod: no such pod'],
  [{ kind: 'kill-pod', ...target, instance: '0' }, 'kill-pod: no such pod'],
  [{ kind: 'kill-pod', ...target, instance: 'length' }, 'kill-pod: no such pod'],
  [{ kind: 'kill-pod', ...target, replica: 'length' }, 'kill-pod: no such pod'],
  [{ kind: 'kill-pod', ...target, pod: 'length' }, 'kill-pod: no such pod'],
  [{ kind: 'kill-pod', ...target, replica: 1 }, 'kill-pod: no such pod'],
  [{ kind: 'kill-pod', ...target, pod: 1 }, 'kill-pod: no such pod'],
  [{ kind: 'kill-pod', ...target, unit: 'decode' }, 'kill-pod: no such pod'],
  [{ kind: 'hang-container', ...target, lasting: 0 }, 'hang-container: it lasts no time'],
  [{ kind: 'hang-container', ...target, lasting: -5 }, 'hang-container: it lasts no time'],
  [{ kind: 'hang-container', ...target, lasting: 1.5 }, 'hang-container: it lasts no time'],
  [{ kind: 'hang-container', ...target, lasting: 'PT5S' }, 'hang-container: it lasts no time'],
  [{ kind: 'slow-engine', ...target }, 'slow-engine: got factor undefined, expected a number from 0.001 to 1000000'],
  [{ kind: 'slow-engine', ...target, factor: 0 }, 'slow-engine: got factor 0'],
  [{ kind: 'slow-engine', ...target, factor: -2 }, 'slow-engine: got factor -2'],
  [{ kind: 'slow-engine', ...target, factor: Number.NaN }, 'slow-engine: got factor NaN'],
  [{ kind: 'slow-engine', ...target, factor: Number.POSITIVE_INFINITY }, 'slow-engine: got factor Infinity'],
  [{ kind: 'slow-engine', ...target, factor: '2' }, 'slow-engine: got factor 2'],
  [{ kind: 'slow-link', ...target, factor: 2 }, 'slow-link: keys and values leave prefill pods only'],
  [{ kind: 'break-link', ...target }, 'break-link: keys and values leave prefill pods only'],
  [{ kind: 'chip-fault', node: 'npus-node-0' }, 'chip-fault: got chip undefined, expected one of the 8 from 0'],
  [{ kind: 'chip-fault', node: 'npus-node-0', chip: 8 }, 'chip-fault: got chip 8, expected one of the 8 from 0'],
  [{ kind: 'chip-fault', ...target, chip: 1 }, 'chip-fault: got chip 1, expected one of the 1 from 0'],
  [{ kind: 'chip-fault', node: 'npus-node-0', chip: 0.5 }, 'chip-fault: got chip 0.5'],
  [{ kind: 'node-crash' }, 'node-crash: no service "undefined"'],
  [{ kind: 'node-crash', node: 'npus-node-4' }, 'node-crash: no node "npus-node-4"; did you mean "npus-node-'],
  [{ kind: 'node-crash', node: null }, 'node-crash: no node "null"'],
  [{ kind: 'taint', node: 'npus-node-0', effect: 'NoExecute' }, 'taint: no key is named'],
  [{ kind: 'taint', node: 'npus-node-0', key: '', effect: 'NoExecute' }, 'taint: no key is named'],
  [
    { kind: 'taint', node: 'npus-node-0', key: 'a', effect: 'PreferNoSchedule' },
    'taint: got effect "PreferNoSchedule"',
  ],
  [{ kind: 'switch-fault', pool: 'gpus', rack: 0 }, 'switch-fault: no pool "gpus"'],
  [{ kind: 'switch-fault', pool: 'npus' }, 'switch-fault: got rack undefined, expected one of the 2 from 0'],
  [{ kind: 'switch-fault', pool: 'npus', rack: 2 }, 'switch-fault: got rack 2, expected one of the 2 from 0'],
  [{ kind: 'network-fault' }, 'network-fault: no service "undefined"'],
  [{ kind: 'storage-down', storage: 'nfs' }, 'storage-down: got storage "nfs", expected one of obs, obsfs, sfs-turbo'],
  [{ kind: 'storage-slow', storage: 'obs' }, 'storage-slow: got factor undefined'],
  [{ kind: 'image-missing' }, 'image-missing: no image is named'],
  [{ kind: 'image-missing', image: '' }, 'image-missing: no image is named'],
  [{ kind: 'registry-slow' }, 'registry-slow: got factor undefined'],
  [{ kind: 'plugin', pool: 'npus', state: 'absent' }, 'plugin: got plugin "undefined"'],
  [{ kind: 'plugin', pool: 'npus', plugin: 'hra', state: 'gone' }, 'plugin: got state "gone"'],
  [{ kind: 'plugin', pool: 'npus', plugin: '__proto__', state: 'absent' }, 'plugin: got plugin "__proto__"'],
  [{ kind: 'delete-secret' }, 'delete-secret: no secret is named'],
  [{ kind: 'control-plane-fault', service: 'x' }, 'control-plane-fault: no service "x"'],
  [{ kind: 'refuse', service: SERVICE }, 'refuse: got status undefined, expected 429 or 503'],
  [{ kind: 'refuse', service: SERVICE, status: 500 }, 'refuse: got status 500'],
  [
    { kind: 'refuse', service: SERVICE, status: 429, retryAfterSeconds: -1 },
    'refuse: got retryAfterSeconds -1, expected a whole number',
  ],
];

describe('a fault from outside', () => {
  test.each(BAD.map(([fault, message]) => [JSON.stringify(fault) ?? 'undefined', fault, message] as const))(
    'that is malformed is refused: %s',
    (_, fault, message) => {
      expect(mistake(fault)).toContain(message);
      expect(mistakeIn({ kind: 'fault', fault: fault as FaultSpec }, shared.platform, shared.cluster)).toBe(
        mistake(fault),
      );
    },
  );

  test.each(GOOD.map((fault) => [fault.kind, fault] as const))('%s is taken, and strikes', (_, fault) => {
    expect(mistake(fault)).toBeUndefined();
    const { kind } = fault;
    const strikes = world();
    strikes.apply(strikes.now, { kind: 'fault', fault });
    strikes.check();
    expect(strikes.faults.history).toHaveLength(1);
    const aimless = ['storage-down', 'storage-slow', 'image-missing', 'registry-slow', 'delete-secret'].includes(kind);
    expect(strikes.faults.history[0]!.struck === undefined).toBe(aimless);
  });

  test('with fields that its kind does not have is the same fault without them', () => {
    const stray = { deployment: 'nowhere', instance: 99, node: undefined, pool: 'none', factor: -1, constructor: 1 };
    for (const fault of GOOD) {
      const more = { ...stray, ...fault } as FaultSpec;
      expect(mistake(more)).toBeUndefined();
      const [plain, strange] = [world(), world()];
      plain.apply(plain.now, { kind: 'fault', fault });
      strange.apply(strange.now, { kind: 'fault', fault: more });
      expect(strange.faults.history.map(({ struck, until }) => [struck, until])).toEqual(
        plain.faults.history.map(({ struck, until }) => [struck, until]),
      );
      expect(strange.platform.pods.map(({ phase }) => phase)).toEqual(plain.platform.pods.map(({ phase }) => phase));
    }
  });
});

describe('the history of faults', () => {
  test('has each with what it struck, from when until when', () => {
    const made = world();
    const at = made.now;
    made.apply(at, { kind: 'fault', fault: { kind: 'kill-pod', ...target } });
    made.apply(at, { kind: 'fault', fault: { kind: 'cordon', node: 'npus-node-2', lasting: 5e6 as never } });
    made.apply(at, { kind: 'fault', fault: { kind: 'node-crash', node: 'npus-node-3' } });
    made.runUntil((at + 10e6) as never);
    expect(made.faults.history.map(({ fault, ...rest }) => [fault.kind, rest])).toEqual([
      ['kill-pod', { at, struck: made.platform.pods[0]!.name, until: at }],
      ['cordon', { at, struck: 'npus-node-2', until: at + 5e6 }],
      ['node-crash', { at, struck: 'npus-node-3', until: undefined }],
    ]);
  });

  test('tells of one that found nobody', () => {
    const made = world();
    made.apply(made.now, { kind: 'operate', operation: { kind: 'stop', service: SERVICE } });
    made.runUntil((made.now + 600e6) as never);
    made.apply(made.now, { kind: 'fault', fault: { kind: 'kill-pod', ...target } });
    expect(made.faults.history[0]).toMatchObject({ struck: undefined, until: made.now });
  });
});

describe('an operation from outside', () => {
  const on = { service: SERVICE, deployment: DEPLOYMENT };
  test.each([
    [null, 'unknown operation "undefined"; expected one of start, stop'],
    [{ kind: 'explode', ...on }, 'unknown operation "explode"'],
    [{ kind: 'stop', service: 'chta' }, 'stop: no service "chta"; did you mean "chat"?'],
    [{ kind: 'scale', ...on }, 'scale: its instances is missing or malformed'],
    [{ kind: 'scale', ...on, instances: 1.5 }, 'scale: its instances is missing or malformed'],
    [{ kind: 'set-weight', ...on, weight: '50' }, 'set-weight: its weight is missing or malformed'],
    [{ kind: 'upgrade', ...on }, 'upgrade: its spec is missing or malformed'],
    [{ kind: 'add-deployment', service: SERVICE, spec: null }, 'add-deployment: its spec is missing or malformed'],
    [{ kind: 'switch-version', ...on, version: 1 }, 'switch-version: its version is missing or malformed'],
    [{ kind: 'delete-instance', ...on, instance: 0 }, 'delete-instance: its recreate is missing or malformed'],
    [{ kind: 'delete-pod', ...on, instance: -1, force: true }, 'delete-pod: its instance is missing or malformed'],
    [{ kind: 'stop', ...on }, undefined],
    [{ kind: 'scale', ...on, instances: 3 }, undefined],
  ])('is checked: %j', (operation, message) => {
    const wrong = mistakeIn({ kind: 'operate', operation: operation as never }, shared.platform, shared.cluster);
    if (message === undefined) expect(wrong).toBeUndefined();
    else expect(wrong).toContain(message);
  });
});
