import { describe, expect, test } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { ScalingSpec } from '../../src/platform/index.ts';
import { Outcome } from '../../src/telemetry/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import {
  CROWDED,
  call,
  MINUTES,
  main,
  metric,
  operate,
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
import { DEPLOYMENT, deployment, hashOf, SERVICE, service } from '../support/world.ts';

describe('scaling by hand', () => {
  guideRule(3203, 'scaling changes the instances of one deployment only', () => {
    const deployments = [deployment(), deployment({ name: 'other', instances: 3 })];
    const world = running(undefined, { services: [service({ deployments })] });
    expect(operate(world, { kind: 'scale', ...TARGET, instances: 4 })).toBeUndefined();
    until(world, 600);
    expect(world.platform.deployments.map(({ staying }) => staying.length)).toEqual([4, 3]);
  });

  guideRule(3216, 'manual scaling that fails goes back to the previous count', () => {
    const world = running(undefined, CROWDED);
    expect(operate(world, { kind: 'scale', ...TARGET, instances: 10 })).toBeUndefined();
    until(world, 600);
    expect(ready(world)).toBe(8);
    until(world, 1_500);
    expect(ready(world)).toBe(2);
    expect(main(world)).toMatchObject({ target: 2, status: 'RUNNING', rollout: undefined });
    expect(world.events.all().map(({ reason }) => reason)).toContain('manualScalingFailed');
    expect(world.platform.scaling.history).toEqual([]);
  });

  guideRule(3231, 'manual scaling takes at least 1 instance', () => {
    const world = running();
    for (const instances of [0, -1, 1.5, Number.NaN, 129]) {
      expect(operate(world, { kind: 'scale', ...TARGET, instances })).toBe('a deployment has 1 to 128 instances');
    }
    expect(operate(world, { kind: 'scale', ...TARGET, instances: 1 })).toBeUndefined();
    until(world, 300);
    expect(ready(world)).toBe(1);
  });

  guideRule(3235, 'a given instance can be deleted and re-created', () => {
    const world = running();
    const [kept, given] = main(world).instances;
    operate(world, { kind: 'delete-instance', ...TARGET, instance: 1, recreate: true });
    until(world, 400);
    expect(ready(world)).toBe(2);
    expect(main(world).instances).toContain(kept);
    expect(main(world).instances).not.toContain(given);
  });

  guideRule(3239, 'deleting a replica lowers the count for good', () => {
    const world = running();
    const [given, kept] = main(world).instances;
    operate(world, { kind: 'delete-instance', ...TARGET, instance: 0, recreate: false });
    until(world, 3_600);
    expect(main(world)).toMatchObject({ instances: [kept], target: 1 });
    expect(given!.status).toBe('DELETED');
  });

  guideRule(3957, 'a scale-in takes idle instances first', () => {
    const world = running(undefined, { services: [service({ deployments: [deployment({ instances: 3 })] })] });
    for (const ordinal of [0, 2]) call(world, { slot: `${SERVICE}/${DEPLOYMENT}/${ordinal}` });
    until(world, 105);
    operate(world, { kind: 'scale', ...TARGET, instances: 2 });
    until(world, 106);
    expect(main(world).staying.map(({ ordinal }) => ordinal)).toEqual([0, 2]);
  });

  test('ends what it takes gracefully: requests in flight complete (guide 3957)', () => {
    const units = deployment().units.map((unit) => {
      return { ...unit, gracefulShutdown: { timeout: fromSeconds(60), commandTakes: fromSeconds(0) } };
    });
    const world = running(undefined, { services: [service({ deployments: [deployment({ units })] })] });
    for (const ordinal of [0, 1]) call(world, { slot: `${SERVICE}/${DEPLOYMENT}/${ordinal}` }, 1_000);
    until(world, 102);
    operate(world, { kind: 'scale', ...TARGET, instances: 1 });
    until(world, 103);
    expect(main(world).staying).toHaveLength(1);
    until(world, 900);
    expect([...world.requests.records()].map(({ outcome }) => outcome)).toEqual([Outcome.completed, Outcome.completed]);
    expect(main(world).instances).toHaveLength(1);
  });

  test('is not done before every instance is ready, whatever an upgrade may miss', () => {
    const deployments = [deployment({ maxUnavailable: 100 })];
    const world = running(undefined, { services: [service({ deployments })], ...CROWDED });
    operate(world, { kind: 'scale', ...TARGET, instances: 9 });
    until(world, 1_200);
    expect(main(world).rollout?.kind).toBe('scale');
    until(world, 1_400);
    expect(main(world)).toMatchObject({ target: 2, rollout: undefined });
  });
});

describe('beside other changes', () => {
  const late = periodic({ name: 'later', schedule: '31 0 * * *', target: 3 });

  test('a rule that comes up during a change by hand has failed, and the change goes on', () => {
    const world = until(running(scaling([periodic()])), MINUTES(29.9));
    operate(world, { kind: 'scale', ...TARGET, instances: 3 });
    until(world, MINUTES(35));
    expect(scalings(world)).toMatchObject([{ status: 'FAILED', from: 3, final: 3, target: 4 }]);
    expect(scalings(world)).toMatchObject([{ message: 'another change is in progress' }]);
    expect(ready(world)).toBe(3);
  });

  test('a periodic rule takes over from one whose scaling is in progress', () => {
    const world = until(running(scaling([periodic({ target: 10 }), late], { max: 10 }), CROWDED), MINUTES(35));
    expect(scalings(world)).toMatchObject([
      { target: 10, status: 'FAILED', message: 'rule "later" takes over' },
      { target: 3, final: 3, status: 'SUCCESS', message: '' },
    ]);
    expect(statuses(world)).toEqual(['morning FAILED', 'later EXECUTE_SUCCESS']);
    expect(ready(world)).toBe(3);
  });

  test('two rules of one minute: the later one has its way', () => {
    const both = [periodic({ schedule: '30 0 1 * *' }), periodic({ name: 'also', target: 3 })];
    const world = until(running(scaling(both)), MINUTES(35));
    expect(scalings(world)).toMatchObject([
      { rule: 'morning', status: 'FAILED' },
      { rule: 'also', status: 'SUCCESS' },
    ]);
    expect(ready(world)).toBe(3);
  });

  test('automatic scaling gives way to scaling by hand; where that fails, the number is what was reached', () => {
    const world = until(running(scaling([periodic()]), CROWDED), MINUTES(30.1));
    expect(operate(world, { kind: 'scale', ...TARGET, instances: 12 })).toBeUndefined();
    expect(scalings(world)).toMatchObject([{ status: 'FAILED', final: 2, message: 'another change takes over' }]);
    until(world, MINUTES(55));
    expect(main(world)).toMatchObject({ target: 2, rollout: undefined });
    expect(ready(world)).toBe(2);
  });

  test('automatic scaling gives way to an upgrade', () => {
    const rules = scaling([periodic()]);
    const world = until(running(rules), MINUTES(30.1));
    const spec = deployment({ priority: 2, instances: 3, scaling: rules });
    expect(operate(world, { kind: 'upgrade', ...TARGET, spec })).toBeUndefined();
    expect(scalings(world)).toMatchObject([{ status: 'FAILED', message: 'another change takes over' }]);
    until(world, MINUTES(40));
    expect(main(world)).toMatchObject({ status: 'RUNNING', target: 3, version: { number: '1.0.1' } });
    expect(ready(world)).toBe(3);
  });

  test('a deployment that is stopped meanwhile keeps what was reached, and the rule has failed', () => {
    const world = until(running(scaling([periodic()])), MINUTES(30.2));
    operate(world, { kind: 'stop', ...TARGET });
    until(world, MINUTES(36));
    expect(main(world)).toMatchObject({ status: 'STOPPED', rollout: undefined });
    expect(scalings(world)).toMatchObject([{ status: 'FAILED', message: 'the deployment is STOPPING' }]);
    until(world, MINUTES(25 * 60));
    expect(scalings(world)).toMatchObject([{}, { status: 'FAILED', message: 'the deployment is STOPPED' }]);
    operate(world, { kind: 'start', ...TARGET });
    until(world, MINUTES(25 * 60 + 5));
    expect(ready(world)).toBe(main(world).target);
  });

  test('rules of a stopped deployment act again once it runs', () => {
    const world = running(scaling([periodic()]));
    operate(world, { kind: 'stop', ...TARGET });
    until(world, MINUTES(10));
    expect(main(world).status).toBe('STOPPED');
    expect(set(world, scaling([periodic({ target: 5 })]))).toBeUndefined();
    operate(world, { kind: 'start', ...TARGET });
    until(world, MINUTES(35));
    expect(ready(world)).toBe(5);
  });

  test('an upgrade brings its own rules, whether or not it makes instances anew; without any they are deleted', () => {
    for (const priority of [1, 2]) {
      const world = running(scaling([periodic()]));
      const upgrade = (rules: ScalingSpec | undefined): string | undefined =>
        operate(world, {
          kind: 'upgrade',
          ...TARGET,
          spec: deployment({ priority, ...(rules && { scaling: rules }) }),
        });
      expect(upgrade(scaling([late]))).toBeUndefined();
      expect(statuses(world)).toEqual(['later CREATING', 'morning DELETED']);
      until(world, MINUTES(40));
      expect(scalings(world)).toMatchObject([{ rule: 'later', status: 'SUCCESS' }]);
      expect(upgrade(undefined)).toBeUndefined();
      expect(world.platform.scaling.policyOf(main(world))?.status).toBe('DELETED');
    }
  });

  test('rules that are deleted while they are executed leave scaling to go on', () => {
    const world = until(running(scaling([periodic()])), MINUTES(30.1));
    expect(set(world, undefined)).toBeUndefined();
    until(world, MINUTES(35));
    expect(scalings(world)).toMatchObject([{ status: 'SUCCESS', final: 4 }]);
    expect(statuses(world)).toEqual(['morning DELETED']);
  });

  test('an upgrade or a new deployment with a wrong rule is refused, and changes nothing', () => {
    const world = running(scaling([periodic()]));
    const wrong = { scaling: scaling([periodic({ schedule: 'noon' })]) };
    for (const priority of [1, 2]) {
      const spec = deployment({ priority, ...wrong });
      expect(operate(world, { kind: 'upgrade', ...TARGET, spec })).toContain('is no schedule');
    }
    const spec = deployment({ name: 'other', ...wrong });
    expect(operate(world, { kind: 'add-deployment', service: SERVICE, spec })).toContain('is no schedule');
    expect(world.platform.deployments).toHaveLength(1);
    expect(statuses(world)).toEqual(['morning CONFIG_SUCCESS']);
  });

  test('rules outlive a switch of versions', () => {
    const world = running(scaling([periodic()]));
    operate(world, { kind: 'upgrade', ...TARGET, spec: deployment({ priority: 2, scaling: scaling([late]) }) });
    until(world, MINUTES(20));
    expect(operate(world, { kind: 'switch-version', ...TARGET, version: '1.0.0' })).toBeUndefined();
    until(world, MINUTES(40));
    expect(main(world).version.number).toBe('1.0.0');
    expect(scalings(world)).toMatchObject([{ rule: 'later', status: 'SUCCESS' }]);
  });

  test('rules of a deleted deployment are deleted', () => {
    const world = running(scaling([periodic(), metric()]));
    const deleted = main(world);
    operate(world, { kind: 'delete', ...TARGET });
    until(world, MINUTES(20));
    expect(deleted.status).toBe('DELETED');
    expect(statuses(world, deleted)).toEqual(['morning DELETED', 'busy DELETED']);
    expect(world.kernel.pending().filter(({ name }) => name.includes('scaling'))).toEqual([]);
  });

  test('deployments of the same name in two services have records of their own', () => {
    const deployments = [deployment({ scaling: scaling([periodic()]) })];
    const services = [service({ deployments }), service({ name: 'other', id: 'other', deployments })];
    const world = until(running(undefined, { services }), MINUTES(35));
    const ends = world.platform.scaling.history.map(({ service, status }) => [service, status]);
    expect(ends).toEqual([
      [SERVICE, 'SUCCESS'],
      ['other', 'SUCCESS'],
    ]);
  });

  test('a world with rules is the same world twice', () => {
    const [one, other] = [1, 2].map(() => {
      const world = running(scaling([periodic(), metric()]));
      for (let count = 0; count < 20; count++) call(world);
      return hashOf(until(world, MINUTES(45)));
    });
    expect(one).toBe(other);
  });
});
