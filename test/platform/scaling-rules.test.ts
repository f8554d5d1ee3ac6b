import { describe, expect, test } from 'vitest';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import type { ScalingRule, ScalingSpec } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import {
  CROWDED,
  call,
  MINUTES,
  main,
  metric,
  periodic,
  ready,
  running,
  scaling,
  scalings,
  set,
  statuses,
  TARGET,
  until,
} from '../support/scaling-world.ts';
import { SERVICE } from '../support/world.ts';

describe('rules', () => {
  guideRule(3208, 'automatic scaling is for dedicated pools only', () => {
    const world = running(undefined, { pools: [{ ...CROWDED.pools![0]!, type: 'public' }] });
    expect(set(world, scaling([periodic()]))).toContain('public pool');
    expect(world.platform.scaling.policyOf(main(world))).toBeUndefined();
  });

  guideRule(3215, 'automatic scaling is triggered by a schedule or by a metric', () => {
    const world = running(scaling([periodic(), metric()]));
    for (let count = 0; count < 16; count++) call(world);
    until(world, 150);
    expect(scalings(world)).toMatchObject([{ rule: 'busy', from: 2, target: 4 }]);
    until(world, MINUTES(29));
    expect(scalings(world)).toMatchObject([{}, { rule: 'busy', from: 4, target: 1, status: 'SUCCESS' }]);
    until(world, MINUTES(31.5));
    expect(scalings(world)).toMatchObject([{}, {}, { at: 30, rule: 'morning', from: 1, target: 4, status: 'SUCCESS' }]);
  });

  guideRule(3216, 'automatic scaling that fails stays at the count that was reached', () => {
    const world = running(scaling([periodic({ target: 10 })], { max: 10 }), CROWDED);
    until(world, MINUTES(45));
    expect(ready(world)).toBe(8);
    expect(scalings(world)).toMatchObject([{ status: 'EXECUTING' }]);
    until(world, MINUTES(55));
    expect(ready(world)).toBe(8);
    expect(main(world)).toMatchObject({ target: 8, status: 'RUNNING', rollout: undefined });
    expect(main(world).instances).toHaveLength(8);
    expect(scalings(world)).toEqual([
      {
        at: 30,
        rule: 'morning',
        from: 2,
        target: 10,
        final: 8,
        status: 'FAILED',
        message: '8 of 10 instances came up within 20 minutes',
      },
    ]);
    expect(statuses(world)).toEqual(['morning FAILED']);
  });

  guideRule(3220, 'scaling rules are set while Stopped, Running or Alarm', () => {
    const world = running();
    const states = ['STOPPED', 'RUNNING', 'CONCERNING', 'DEPLOYING', 'UPGRADING', 'INTERRUPTING', 'STOPPING'] as const;
    for (const status of [...states, 'FAILED', 'ERROR', 'DELETING'] as const) {
      main(world).status = status;
      const allowed = status === 'STOPPED' || status === 'RUNNING' || status === 'CONCERNING';
      expect(set(world, scaling([periodic()]))).toBe(allowed ? undefined : `it is ${status}`);
    }
  });

  guideRule(3221, 'a service has at most 10 periodic scaling rules', () => {
    const world = running();
    const many = (count: number): ScalingRule[] =>
      Array.from({ length: count }, (_, hour) => periodic({ name: `rule-${hour}`, schedule: `0 ${hour} * * *` }));
    expect(set(world, scaling([...many(11)]))).toBe('there are at most 10 periodic rules');
    expect(set(world, scaling([...many(10), metric()]))).toBeUndefined();
  });

  guideRule(3221, 'a metric has at most one scaling rule', () => {
    const world = running();
    const other = metric({ name: 'other', target: 9 });
    expect(set(world, scaling([metric(), other]))).toBe('rules "busy" and "other" are both of concurrency');
    expect(set(world, scaling([metric(), metric({ name: 'other', metric: 'waiting' })]))).toBeUndefined();
  });

  guideRule(3252, 'a periodic scaling rule cannot be added twice', () => {
    const world = running();
    const again = periodic({ name: 'again', target: 2, schedule: '30-30 0 * jan-dec *' });
    expect(set(world, scaling([periodic(), again]))).toBe('rules "morning" and "again" come up at the same times');
    expect(set(world, scaling([periodic(), periodic({ schedule: '31 0 * * *' })]))).toBe(
      'there are two rules "morning"',
    );
  });

  guideRule(3257, 'a periodic rule sets the target count at its time, in the local time of the pool', () => {
    const world = running(scaling([periodic({ schedule: '30 9 * * *' })], { utcOffsetMinutes: 8 * 60 }));
    until(world, MINUTES(89.9));
    expect(main(world).target).toBe(2);
    until(world, MINUTES(90));
    expect(main(world).target).toBe(4);
    until(world, MINUTES(92));
    expect(ready(world)).toBe(4);
    until(world, MINUTES(90 + 24 * 60));
    expect(scalings(world)).toMatchObject([{ at: 90 }, { at: 90 + 24 * 60, from: 4, target: 4 }]);
  });

  guideRule(3261, 'a scaling rule acts only when it is enabled', () => {
    const world = running(scaling([periodic({ enabled: false }), metric({ enabled: false })]));
    for (let count = 0; count < 16; count++) call(world);
    until(world, MINUTES(40));
    expect(world.platform.scaling.history).toEqual([]);
    expect(world.platform.scaling.policyOf(main(world))?.status).toBe('INACTIVE');
    expect(set(world, scaling([periodic({ schedule: '50 0 * * *' }), metric()]))).toBeUndefined();
    expect(world.platform.scaling.policyOf(main(world))?.status).toBe('ACTIVE');
    until(world, MINUTES(60));
    expect(scalings(world)).toMatchObject([{ rule: 'busy', target: 1 }, { at: 50, rule: 'morning', target: 4 }, {}]);
  });

  guideRule(3261, 'a scaling history is kept', () => {
    const world = running(scaling([periodic(), periodic({ name: 'later', schedule: '40 0 * * *', target: 3 })]));
    until(world, MINUTES(45));
    expect(world.platform.scaling.history).toEqual([
      {
        at: MINUTES(30) * 1e6,
        ...TARGET,
        rule: 'morning',
        from: 2,
        target: 4,
        final: 4,
        status: 'SUCCESS',
        message: '',
      },
      { at: MINUTES(40) * 1e6, ...TARGET, rule: 'later', from: 4, target: 3, final: 3, status: 'SUCCESS', message: '' },
    ]);
  });

  guideRule(3263, 'a scaling rule can be deleted', () => {
    const late = periodic({ name: 'later', schedule: '40 0 * * *', target: 3 });
    const world = running(scaling([periodic(), late]));
    expect(set(world, scaling([late]))).toBeUndefined();
    expect(statuses(world)).toEqual(['later CONFIG_SUCCESS', 'morning DELETED']);
    until(world, MINUTES(45));
    expect(scalings(world)).toMatchObject([{ rule: 'later' }]);
    expect(set(world, undefined)).toBeUndefined();
    expect(world.platform.scaling.policyOf(main(world))?.status).toBe('DELETED');
    until(world, MINUTES(25 * 60));
    expect(scalings(world)).toHaveLength(1);
    expect(statuses(world)).toEqual(['later DELETED', 'morning DELETED']);
  });

  test.each<[string, Partial<ScalingSpec>]>([
    ['the least instances must be 1 to 128, not 0', { min: 0 }],
    ['the most instances must be 3 to 128, not 2', { min: 3, max: 2 }],
    ['the most instances must be 1 to 128, not 129', { max: 129 }],
    ['a window is 0 to 3600 s', { downscaleWindow: -1 as Micros }],
    ['a window is 0 to 3600 s', { upscaleWindow: fromSeconds(3_601) }],
    ["the pool's time is -720 to 840 minutes ahead of UTC, not 900", { utcOffsetMinutes: 900 }],
    [
      '"Morning" is no rule name: 4 to 64 lowercase letters, digits and -, a letter first and no - last',
      { rules: [periodic({ name: 'Morning' })] },
    ],
    [
      'rule "morning": "8:30" is no schedule: minute, hour, day of month, month and day of week, as in "30 8 * * 1-5"',
      { rules: [periodic({ schedule: '8:30' })] },
    ],
    ['rule "morning": "0 0 31 4 *" never comes up', { rules: [periodic({ schedule: '0 0 31 4 *' })] }],
    ['rule "morning": its target must be 1 to 8 instances, not 9', { rules: [periodic({ target: 9 })] }],
    ['rule "busy": its target must be above 0, not 0', { rules: [metric({ target: 0 })] }],
    [
      'rule "busy": its target must be a share, 0 to 1, not 70',
      { rules: [metric({ metric: 'kv-utilization', target: 70 })] },
    ],
  ])('are refused: %s', (refusal, overrides) => {
    const world = running(scaling([periodic({ name: 'first' })]));
    expect(set(world, scaling([], overrides))).toBe(refusal);
    expect(statuses(world)).toEqual(['first CONFIG_SUCCESS']);
    const told = world.events.all().at(-1);
    expect(told).toMatchObject({ object: SERVICE, reason: 'serviceConfigurationDeliveryFailed' });
  });

  test('are created, then configured, then executed', () => {
    const world = running();
    set(world, scaling([periodic(), periodic({ name: 'never', enabled: false, schedule: '0 1 * * *' })]));
    expect(statuses(world)).toEqual(['morning CREATING', 'never CREATING']);
    until(world, 103);
    expect(statuses(world)).toEqual(['morning CONFIG_SUCCESS', 'never CONFIG_SUCCESS']);
    until(world, MINUTES(32));
    expect(statuses(world)).toEqual(['morning EXECUTE_SUCCESS', 'never CONFIG_SUCCESS']);
  });

  test('that are set again as they were go on undisturbed; a changed one is new', () => {
    const late = periodic({ name: 'later', schedule: '35 0 * * *' });
    const world = until(running(scaling([periodic(), late])), MINUTES(32));
    const number = (): number[] => world.platform.scaling.policyOf(main(world))!.rules.map(({ number }) => number);
    expect(number()).toEqual([0, 1]);
    set(world, scaling([{ ...late, target: 5 }, periodic()]));
    expect(number()).toEqual([2, 0]);
    expect(statuses(world)).toEqual(['later CREATING', 'morning EXECUTE_SUCCESS']);
    until(world, MINUTES(36.5));
    expect(scalings(world)).toMatchObject([{ rule: 'morning' }, { rule: 'later', target: 5, status: 'SUCCESS' }]);
  });
});
