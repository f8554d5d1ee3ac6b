import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { after, fromSeconds } from '../../src/kernel/index.ts';
import { World } from '../../src/lab/index.ts';
import type { ScalingMetric, ScalingSpec } from '../../src/platform/index.ts';
import type { ArrivalSpec } from '../../src/workload/index.ts';
import { deployment, description, hashOf, killPod, service, traffic } from '../support/world.ts';

const MINUTE = 60;
const FEW = { numRuns: 12 };

/** One rule that holds a metric at its target. */
function holding(metric: ScalingMetric, target: number, overrides: Partial<ScalingSpec> = {}): ScalingSpec {
  return {
    min: 1,
    max: 12,
    rules: [{ kind: 'metric', name: 'busy', enabled: true, metric, target }],
    downscaleWindow: fromSeconds(300),
    upscaleWindow: fromSeconds(0),
    utcOffsetMinutes: 0,
    ...overrides,
  };
}

/** Requests of about four seconds each, without an end. */
function load(arrivals: ArrivalSpec, from = 0, count = Number.MAX_SAFE_INTEGER): ReturnType<typeof traffic> {
  return traffic({
    name: `load-${from}`,
    start: fromSeconds(from),
    arrivals,
    count,
    prompt: { kind: 'fixed', tokens: 200 },
    output: { kind: 'fixed', tokens: 200 },
  });
}

function world(scaling: ScalingSpec, streams: ReturnType<typeof load>[], instances = 2, kills: number[] = []): World {
  const lab = description({
    services: [service({ deployments: [deployment({ scaling, instances })] })],
    traffic: streams,
    timeline: kills.map((at) => killPod(at)),
  });
  const world = new World(lab);
  world.runUntilSettled();
  return world;
}

/** The number of instances wanted, minute by minute from when the service runs. */
function targets(world: World, minutes: number): number[] {
  const start = world.now;
  return Array.from({ length: minutes }, (_, minute) => {
    world.runUntil(after(start, fromSeconds(MINUTE * (minute + 1))));
    return world.platform.deployments[0]!.target;
  });
}

const wanted = (world: World): number => world.platform.deployments[0]!.target;

describe('a metric rule', () => {
  test.each<[ScalingMetric, number]>([
    ['concurrency', 8],
    ['waiting', 4],
    ['kv-utilization', 0.02],
  ])('scales out on %s when a crowd comes, and in when it has gone', (metric, target) => {
    // For ten minutes more than one instance can compute.
    const crowd = load({ kind: 'constant', rate: 20 }, 60, 12_000);
    const busy = world(holding(metric, target), [crowd], 1);
    const course = targets(busy, 40);
    expect(course[0]).toBe(1);
    expect(Math.max(...course)).toBeGreaterThan(1);
    expect(course.at(-1)).toBe(1);
    for (const { rule, status } of busy.platform.scaling.history) expect([rule, status]).toEqual(['busy', 'SUCCESS']);
  });

  test('waits while a change is in progress, and leaves no record of waiting', () => {
    const busy = world(holding('concurrency', 4), [load({ kind: 'constant', rate: 12 })], 1);
    busy.runUntil(after(busy.now, fromSeconds(20)));
    expect(busy.platform.scaling.history).toMatchObject([{ status: 'EXECUTING' }]);
    busy.runUntil(after(busy.now, fromSeconds(35)));
    expect(busy.platform.scaling.history).toHaveLength(1);
  });

  test('brings a number outside its bounds into them', () => {
    for (const [instances, expected] of [
      [1, 3],
      [8, 5],
    ] as const) {
      const quiet = world(
        holding('concurrency', 4, { min: 3, max: 5, downscaleWindow: fromSeconds(0) }),
        [],
        instances,
      );
      quiet.runUntil(after(quiet.now, fromSeconds(20)));
      const [first] = quiet.platform.scaling.history;
      expect(first).toMatchObject({ from: instances });
      if (instances < 3) expect(wanted(quiet)).toBe(expected);
      else expect(wanted(quiet)).toBeLessThanOrEqual(expected);
    }
  });

  test('of several the one that wants most leads', () => {
    const rules = holding('concurrency', 8).rules.concat(holding('kv-utilization', 0.9).rules);
    const named = rules.map((rule, index) => ({ ...rule, name: ['concurrent', 'cached'][index]! }));
    const busy = world(holding('concurrency', 8, { rules: named }), [load({ kind: 'constant', rate: 10 })], 1);
    targets(busy, 10);
    expect(wanted(busy)).toBeGreaterThan(1);
    expect(new Set(busy.platform.scaling.history.map(({ rule }) => rule))).toEqual(new Set(['concurrent']));
  });

  test('under a constant load comes to a number where the metric is near its target or below, and does not flap', () => {
    const rate = fc.double({ min: 0.5, max: 25, noNaN: true });
    fc.assert(
      fc.property(rate, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 6, max: 24 }), (rate, instances, target) => {
        const busy = world(holding('concurrency', target), [load({ kind: 'constant', rate })], instances);
        const course = targets(busy, 30);
        const rest = course.slice(15);
        // What queued up at first may be let go of late; out again would be to flap.
        expect(rest, `${course}`).toEqual(rest.toSorted((one, other) => other - one));
        const last = rest.at(-1)!;
        const held = busy.engines.all
          .filter(({ alive }) => alive)
          .map((engine) => engine.figures())
          .reduce((sum, { running, waiting }) => sum + running + waiting, 0);
        if (last < 12) expect(held / last).toBeLessThanOrEqual(target * 1.1 + 1);
      }),
      FEW,
    );
  });

  test('never leaves its bounds, whatever the load and whatever fails', () => {
    const bounds = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat(6)).map(([min, more]) => ({ min, max: min + more }));
    const seconds = fc.integer({ min: 0, max: 300 });
    const story = fc.record({
      bounds,
      rates: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 3 }),
      target: fc.integer({ min: 1, max: 20 }),
      windows: fc.tuple(seconds, seconds),
      kills: fc.array(fc.integer({ min: 1, max: 1_200 }), { maxLength: 4 }),
      periodic: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(story, ({ bounds, rates, target, windows: [down, up], kills, periodic }) => {
        const { min, max } = bounds;
        const scaling = holding('concurrency', target, {
          ...bounds,
          downscaleWindow: fromSeconds(down),
          upscaleWindow: fromSeconds(up),
        });
        const rules = periodic.map((target, index) => {
          const schedule = `${5 + 7 * index} 0 * * *`;
          return { kind: 'periodic', name: `rule-${index}`, enabled: true, schedule, target } as const;
        });
        const streams = rates.map((rate, index) => load({ kind: 'poisson', rate }, 400 * index, 200 * rate));
        const live = (): World => {
          const all = { ...scaling, rules: [...scaling.rules, ...rules] };
          const busy = world(all, streams, min, kills);
          for (let looks = 0; looks < 120; looks++) {
            busy.runUntil(after(busy.now, fromSeconds(15)));
            const { target, staying } = busy.platform.deployments[0]!;
            expect(target).toBeGreaterThanOrEqual(min);
            expect(target).toBeLessThanOrEqual(max);
            expect(staying.length).toBeLessThanOrEqual(max);
          }
          busy.check();
          return busy;
        };
        const one = live();
        for (const { target, final, status } of one.platform.scaling.history) {
          expect(Math.min(target, final)).toBeGreaterThanOrEqual(min);
          expect(Math.max(target, final)).toBeLessThanOrEqual(max);
          if (status === 'SUCCESS') expect(final).toBe(target);
        }
        expect(hashOf(live())).toBe(hashOf(one));
      }),
      FEW,
    );
  });
});
