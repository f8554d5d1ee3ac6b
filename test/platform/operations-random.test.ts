import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import { type FaultSpec, World } from '../../src/lab/index.ts';
import type { OperationSpec } from '../../src/platform/index.ts';
import { quick, quickLab, quickUnit, revised } from '../support/quick.ts';
import { SERVICE, traffic } from '../support/world.ts';

const CASES = 500;
/** Events after each step that are watched one by one. */
const WATCHED = 15;
/** Longer than any timeout, back-off and retry takes. */
const REST = fromSeconds(4 * 3_600);
/** Where a deployment stays until somebody asks for something. */
const AT_REST = ['RUNNING', 'CONCERNING', 'ERROR', 'STOPPED', 'FAILED', 'DELETED'];

const base = quick({ instances: 2, deployTimeout: fromSeconds(240), maxUnavailable: 34 });
const bad = quickUnit({ image: { name: 'bad:1', sizeGiB: 1, failsToStart: true } });
const missing = quickUnit({ image: { name: 'none:1', sizeGiB: 1, unavailable: 'missing' } });
const { gracefulShutdown: _, ...plain } = quickUnit({ probes: {} });
const units = fc.constantFrom(...[bad, missing, plain, revised(base).units[0]!, quickUnit()].map((unit) => [unit]));
const deployment = fc.constantFrom('main', 'other');
const instance = fc.integer({ min: 0, max: 3 });
const version = fc.constantFrom('1.0.0', '1.0.1', '1.0.2');

const common = [
  fc.record({
    kind: fc.constantFrom('start', 'stop', 'interrupt'),
    service: fc.constant(SERVICE),
    deployment,
  }),
  fc.record({ kind: fc.constantFrom('start', 'stop', 'interrupt'), service: fc.constant(SERVICE) }),
  fc.record({ kind: fc.constant('delete'), service: fc.constant(SERVICE), deployment: fc.constant('other') }),
  fc
    .record({
      deployment,
      units,
      instances: fc.integer({ min: 1, max: 4 }),
      maxUnavailable: fc.constantFrom(1, 50, 100),
    })
    .map(({ deployment: name, ...rest }) => ({
      kind: 'upgrade',
      service: SERVICE,
      deployment: name,
      spec: { ...base, ...rest, name },
    })),
  fc.record({ kind: fc.constant('switch-version'), service: fc.constant(SERVICE), deployment, version }),
  fc.record({ kind: fc.constant('delete-version'), service: fc.constant(SERVICE), deployment, version }),
  fc.record({
    kind: fc.constant('scale'),
    service: fc.constant(SERVICE),
    deployment,
    instances: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({
    kind: fc.constant('delete-instance'),
    service: fc.constant(SERVICE),
    deployment,
    instance,
    recreate: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('delete-pod'),
    service: fc.constant(SERVICE),
    deployment,
    instance,
    force: fc.boolean(),
  }),
];

const operation = fc.oneof(
  ...common.map((arbitrary) => ({ weight: 6, arbitrary: arbitrary as fc.Arbitrary<object> })),
  // Seldom: it is the end of everything.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete'), service: fc.constant(SERVICE) }) },
) as fc.Arbitrary<OperationSpec>;

const node = fc.constantFrom('npus-node-0', 'npus-node-1');
const lasting = fc.constantFrom(fromSeconds(30), fromSeconds(300), fromSeconds(2_000));
const fault: fc.Arbitrary<FaultSpec> = fc.oneof(
  fc.record({ kind: fc.constant('kill-pod'), service: fc.constant(SERVICE), deployment, instance }),
  fc.record({ kind: fc.constant('crash-container'), service: fc.constant(SERVICE), deployment, instance }),
  fc.record({ kind: fc.constantFrom('node-crash', 'cordon', 'drain'), node, lasting }),
  fc.record({ kind: fc.constant('control-plane-fault'), service: fc.constant(SERVICE), lasting }),
) as fc.Arbitrary<FaultSpec>;

const step = fc.record({
  what: fc.oneof({ weight: 4, arbitrary: operation }, { weight: 1, arbitrary: fault }),
  seconds: fc.constantFrom(0, 1, 2, 5, 30, 200, 1_000),
});

function expectSound(world: World): void {
  world.check();
  for (const { status, instances, pods, name } of world.platform.deployments) {
    if (status === 'STOPPED' || status === 'DELETED') expect(instances, `${name} is ${status}`).toEqual([]);
    expect(new Set(pods.map((pod) => pod.name)).size).toBe(pods.length);
  }
}

test(`operations and faults in any order come to rest, and lose nothing: ${CASES} drawn sequences`, () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 15 }), (steps) => {
      const stream = traffic({
        output: { kind: 'fixed', tokens: 200 },
        arrivals: { kind: 'poisson', rate: 0.5 },
        count: 60,
      });
      const world = new World(quickLab([base, { ...base, name: 'other' }], 2, { traffic: [stream] }));
      world.runUntilSettled();
      for (const { what, seconds } of steps) {
        const command = 'lasting' in what || what.kind === 'kill-pod' || what.kind === 'crash-container';
        if (command) world.apply(world.now, { kind: 'fault', fault: what as FaultSpec });
        else world.apply(world.now, { kind: 'operate', operation: what as OperationSpec });
        const until = world.now + fromSeconds(seconds);
        for (let count = 0; count < WATCHED && world.now < until && world.kernel.step(); count++) expectSound(world);
        world.runUntil(Math.max(world.now, until) as typeof world.now);
        expectSound(world);
      }
      expect(world.runUntil((world.now + REST) as typeof world.now, 300_000)).toBe(true);
      expectSound(world);
      for (const { status, rollout, instances, target } of world.platform.deployments) {
        expect(AT_REST).toContain(status);
        expect(rollout).toBeUndefined();
        expect(instances.filter(({ leaving }) => leaving)).toEqual([]);
        if (status === 'RUNNING') expect(instances.length).toBe(target);
      }
      expect(world.requests.inFlight).toBe(0);
    }),
    { numRuns: CASES, seed: 7 },
  );
}, 120_000);
