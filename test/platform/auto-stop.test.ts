import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import { World } from '../../src/lab/index.ts';
import type { DeploymentSpec, OperationSpec, Service, ServiceSpec } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { DEPLOYMENT, deployment, description, hashOf, SERVICE, service } from '../support/world.ts';

const HOUR = fromSeconds(3_600);
const MINUTE = fromSeconds(60);
/** Stops at once: without health checks nothing holds it back. */
const plain = (): DeploymentSpec => deployment({ units: deployment().units.map((unit) => ({ ...unit, probes: {} })) });

/** A quiet world whose service runs. */
function running(overrides: Partial<ServiceSpec> = {}): World {
  const world = new World(description({ services: [service({ deployments: [plain()], ...overrides })], traffic: [] }));
  world.runUntilSettled();
  return world;
}

function on(world: World, duration: number): World {
  world.runUntil((world.now + duration) as Micros);
  return world;
}

function operate(world: World, operation: OperationSpec): string | undefined {
  return world.platform.operate(operation);
}

function setAutoStop(world: World, limit: number | undefined): string | undefined {
  return operate(world, { kind: 'set-auto-stop', service: SERVICE, limit: limit as Micros | undefined });
}

function chat(world: World): Service {
  return world.platform.services[0]!;
}

/** When it is stopped, counted from when it came to run. */
function dueAfter(world: World): number | undefined {
  const dueAt = world.platform.autoStop.of(chat(world))?.dueAt;
  return dueAt === undefined ? undefined : dueAt - world.settledAt;
}

function told(world: World): string[] {
  const events = world.events.all().filter(({ reason }) => reason === 'autoStopScheduled');
  return events.map((event) => JSON.stringify(event));
}

describe('auto stop', () => {
  guideRule(233, 'a service with auto stop is stopped once it has run for so long', () => {
    const world = running({ autoStop: HOUR });
    expect(dueAfter(world)).toBe(HOUR);
    on(world, HOUR - 1);
    expect(chat(world).status).toBe('RUNNING');
    on(world, 1);
    expect(chat(world).status).toBe('STOPPING');
    on(world, MINUTE);
    expect(chat(world).status).toBe('STOPPED');
    expect(world.platform.autoStop.of(chat(world))).toEqual({ limit: HOUR, dueAt: undefined, processed: true });
  });

  guideRule(4382, 'event: the service will stop by itself', () => {
    expect(told(running({ autoStop: HOUR }))).toMatchObject([expect.stringContaining('auto-stop in 1 hour(s).')]);
    expect(told(running({ autoStop: (90 * MINUTE) as Micros }))[0]).toContain('auto-stop in 1.5 hour(s).');
    expect(told(running({ autoStop: MINUTE }))[0]).toContain('auto-stop in 0.02 hour(s).');
  });

  test('is off unless it is set', () => {
    const world = on(running(), 25 * HOUR);
    expect(chat(world).status).toBe('RUNNING');
    expect(world.platform.autoStop.of(chat(world))).toBeUndefined();
  });

  guideRule(233, 'auto stop can be changed while the service runs', () => {
    const world = on(running({ autoStop: HOUR }), 30 * MINUTE);
    expect(setAutoStop(world, 2 * HOUR)).toBeUndefined();
    expect(dueAfter(world)).toBe(2 * HOUR);
    expect(told(world).at(-1)).toContain('auto-stop in 1.5 hour(s).');
    on(world, 80 * MINUTE);
    expect(chat(world).status).toBe('RUNNING');
    on(world, 11 * MINUTE);
    expect(chat(world).status).toBe('STOPPED');
  });

  test('can be set while it runs, and taken off', () => {
    const world = on(running(), 10 * MINUTE);
    expect(setAutoStop(world, HOUR)).toBeUndefined();
    expect(dueAfter(world)).toBe(HOUR);
    expect(setAutoStop(world, undefined)).toBeUndefined();
    expect(chat(on(world, 25 * HOUR)).status).toBe('RUNNING');
  });

  test('stops at once what has run for longer already', () => {
    const world = on(running(), 3 * HOUR);
    expect(setAutoStop(world, HOUR)).toBeUndefined();
    expect(chat(on(world, MINUTE)).status).toBe('STOPPED');
    expect(told(world)).toEqual([]);
  });

  guideRule(233, 'auto stop is after 24 hours at most', () => {
    const world = running();
    for (const limit of [0, MINUTE - 1, 24 * HOUR + 1, Number.NaN, -HOUR]) {
      expect(setAutoStop(world, limit)).toContain('1 minute to 24 hours');
    }
    for (const limit of [MINUTE, 24 * HOUR]) expect(setAutoStop(world, limit)).toBeUndefined();
  });

  test('is not set while the service is changing', () => {
    const world = running();
    for (const status of ['DEPLOYING', 'UPGRADING', 'STOPPING', 'DELETING'] as const) {
      chat(world).status = status;
      expect(setAutoStop(world, HOUR)).toBe(`the service is ${status}`);
    }
    expect(operate(world, { kind: 'set-auto-stop', service: 'nobody', limit: HOUR })).toContain('there is no service');
  });

  test('goes on counting through alarms and failures', () => {
    const world = on(running({ autoStop: HOUR, deployments: [deployment()] }), 10 * MINUTE);
    const seen = new Set<string>();
    for (const pods of [[0], [0, 1]]) {
      for (const instance of pods) {
        const pod = world.platform.podOf({ service: SERVICE, deployment: DEPLOYMENT, instance })!;
        world.platform.killPod(pod, 'test');
      }
      on(world, 1);
      seen.add(chat(world).status);
      on(world, 10 * MINUTE);
      expect(chat(world).status).toBe('RUNNING');
      expect(dueAfter(world)).toBe(HOUR);
    }
    expect([...seen]).toEqual(['CONCERNING', 'ERROR']);
    expect(told(world)).toHaveLength(1);
    expect(chat(on(world, 40 * MINUTE)).status).toBe('STOPPED');
  });

  test('is cancelled when somebody stops the service, and begins anew when it is started', () => {
    const world = on(running({ autoStop: HOUR }), 30 * MINUTE);
    operate(world, { kind: 'stop', service: SERVICE });
    expect(dueAfter(world)).toBeUndefined();
    on(world, 10 * HOUR);
    expect(chat(world).status).toBe('STOPPED');
    expect(world.platform.autoStop.of(chat(world))?.processed).toBe(false);
    operate(world, { kind: 'start', service: SERVICE });
    while (chat(world).status !== 'RUNNING') world.kernel.step();
    const since = world.now;
    expect(world.platform.autoStop.of(chat(world))?.dueAt).toBe(since + HOUR);
    expect(chat(on(world, HOUR - 1)).status).toBe('RUNNING');
    expect(chat(on(world, 1)).status).toBe('STOPPING');
  });

  test('that falls into a stop held back by health checks asks for nothing more', () => {
    const world = on(running({ autoStop: HOUR, deployments: [deployment()] }), 59 * MINUTE);
    operate(world, { kind: 'stop', service: SERVICE });
    on(world, 10 * MINUTE);
    expect(chat(world).status).toBe('STOPPED');
    expect(world.events.all().filter(({ reason }) => reason.endsWith('StopFailed'))).toEqual([]);
  });

  test('that falls into an upgrade stops the service once that is over', () => {
    const world = on(running({ autoStop: HOUR, deployments: [deployment()] }), HOUR - fromSeconds(10));
    operate(world, { kind: 'upgrade', service: SERVICE, deployment: DEPLOYMENT, spec: deployment({ priority: 2 }) });
    on(world, fromSeconds(20));
    expect(chat(world).status).toBe('UPGRADING');
    on(world, 20 * MINUTE);
    expect(chat(world).status).toBe('STOPPED');
    expect(world.platform.deployments[0]!.version.number).toBe('1.0.1');
  });

  test('counts from when every deployment runs, or some do and others have failed', () => {
    const broken = deployment({ name: 'broken', deployTimeout: fromSeconds(600) });
    const units = broken.units.map((unit) => ({ ...unit, image: { ...unit.image, failsToStart: true } }));
    const world = on(running({ autoStop: HOUR, deployments: [deployment(), { ...broken, units }] }), 30 * MINUTE);
    expect(chat(world).status).toBe('CONCERNING');
    expect(told(world)).toHaveLength(1);
    on(world, HOUR);
    expect(chat(world).status).toBe('STOPPED');
  });

  test('a service runs for exactly as long as it was last told, or till it is told less', () => {
    const change = fc.record({ after: fc.integer({ min: 1, max: 40 }), minutes: fc.integer({ min: 1, max: 120 }) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), fc.array(change, { maxLength: 4 }), (first, changes) => {
        const live = (): [World, number] => {
          const world = running({ autoStop: (first * MINUTE) as Micros });
          let due = first * MINUTE;
          let clock = 0;
          for (const { after, minutes } of changes) {
            clock += after * MINUTE;
            world.runUntil((world.settledAt + clock) as Micros);
            if (chat(world).status !== 'RUNNING') break;
            expect(setAutoStop(world, minutes * MINUTE)).toBeUndefined();
            due = Math.max(clock, minutes * MINUTE);
          }
          if (due > clock) {
            world.runUntil((world.settledAt + due - 1) as Micros);
            expect(chat(world).status).toBe('RUNNING');
          }
          world.runUntil((world.settledAt + Math.max(due, clock) + 10 * MINUTE) as Micros);
          expect(chat(world).status).toBe('STOPPED');
          return [world, due];
        };
        expect(hashOf(live()[0])).toBe(hashOf(live()[0]));
      }),
      { numRuns: 20 },
    );
  });
});
