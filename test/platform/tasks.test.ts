import { describe, expect, test } from 'vitest';
import { TASK_STATE_NAMES, TASK_STATES, TASK_TAKES, type TaskAnswer, type TaskState } from '../../src/gateway/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import { mistakeIn, type TaskCommand } from '../../src/lab/index.ts';
import type { DeploymentSpec, ServiceSpec, UnitSpec } from '../../src/platform/index.ts';
import { concurrentTasksProblem, maxTasksProblem } from '../../src/platform/index.ts';
import { called } from '../support/calls.ts';
import { guideRule } from '../support/guide-rule.ts';
import { on, type Quick, quick, quickUnit, revised } from '../support/quick.ts';
import { DEPLOYMENT, SERVICE } from '../support/world.ts';

const BY = { key: null };
const [LOW, HIGH] = [0, 10_000];
/** Answers of so many tokens take so many steps of 10 ms. */
const LONG = { minTokens: 600, maxTokens: 600 };

/** A service of tasks, up: each runs for about 20 steps unless its call says otherwise. */
function asynchronous(settings: Partial<ServiceSpec> = {}, deployments: Partial<DeploymentSpec>[] = [{}]): Quick {
  const specs = deployments.map((each) => quick({ instances: 1, maxConcurrentTasks: 2, ...each }));
  return called({ mode: 'asynchronous', maxTasks: 100, ...settings }, specs);
}

function take({ world }: Quick, command: TaskCommand): TaskAnswer {
  expect(mistakeIn(command, world.platform, world.cluster)).toBeUndefined();
  world.apply(world.now, command);
  return world.taskAnswer!;
}

function create(quick: Quick, call: object = {}, start = true): TaskAnswer {
  return take(quick, {
    kind: 'create-task',
    call: { to: { service: SERVICE }, ...BY, promptTokens: 10, ...call },
    start,
  });
}

function ask(quick: Quick, kind: 'start' | 'stop' | 'delete', task: number): TaskAnswer {
  return take(quick, { kind: `${kind}-task`, service: SERVICE, task, by: BY });
}

function states({ world }: Quick): TaskState[] {
  return world.tasks.all.map(({ state }) => state);
}

/** Creates so many, and lets so many seconds pass. */
function after(seconds: number, lab: Quick, tasks = 1, call: object = {}): TaskState[] {
  for (let task = 0; task < tasks; task++) create(lab, call);
  lab.pass(seconds);
  lab.world.check();
  return states(lab);
}

describe('the states of a task', () => {
  test('lead to one another, and from a new task to every one of them', () => {
    const reached = new Set<string>(['created', 'starting', 'created_failed']);
    for (const state of reached) {
      for (const next of TASK_STATES[state as TaskState].next) {
        expect(TASK_STATE_NAMES).toContain(next);
        reached.add(next);
      }
    }
    expect([...reached].sort()).toEqual([...TASK_STATE_NAMES].sort());
    expect(TASK_STATES.deleted.next).toEqual([]);
  });

  test('all end: from each of them a task can be deleted, at once or when its container has let go of it', () => {
    for (const state of TASK_STATE_NAMES.filter((each) => each !== 'deleted')) {
      const next: readonly string[] = TASK_STATES[state].next;
      expect(next.includes('deleted') || next.includes('deleting'), state).toBe(true);
      expect(TASK_TAKES.delete.includes(state), state).toBe(state !== 'deleting');
    }
  });

  guideRule(3382, 'tasks in seven states take no quota', () => {
    const free = TASK_STATE_NAMES.filter((state) => !TASK_STATES[state].takesQuota);
    expect(free.sort()).toEqual(
      ['succeeded', 'failed', 'created_failed', 'start_failed', 'upgrade_failed', 'timeout', 'deleted'].sort(),
    );
  });
});

describe('quotas', () => {
  guideRule(3382, 'a service has 0 to 10,000 tasks at a time', () => {
    for (const tasks of [LOW, 1, HIGH]) expect(maxTasksProblem(tasks, 'asynchronous')).toBeUndefined();
    for (const tasks of [LOW - 1, HIGH + 1, 1.5]) expect(maxTasksProblem(tasks, 'asynchronous')).toMatch(/0 to 10000/);
    const lab = asynchronous({ maxTasks: 2 });
    expect(after(10, lab, 2, LONG)).toEqual(['succeeded', 'succeeded']);
    expect(after(1, lab, 2, LONG)).toHaveLength(4);
    expect(create(lab)).toEqual({ problem: 'quota' });
    ask(lab, 'delete', 3);
    expect(create(lab).task).toBeDefined();
    const none = asynchronous({ maxTasks: 0 });
    expect(create(none)).toEqual({ problem: 'quota' });
    expect(none.world.requests.record(0)).toMatchObject({ outcome: 2, status: 400 });
  });

  guideRule(3392, 'a deployment of an asynchronous service says how many tasks a replica has, 1 to 100', () => {
    expect(concurrentTasksProblem(undefined, 'asynchronous')).toMatch(/needs "maxConcurrentTasks"/);
    for (const tasks of [1, 100]) expect(concurrentTasksProblem(tasks, 'asynchronous')).toBeUndefined();
    for (const tasks of [0, 101, 2.5]) expect(concurrentTasksProblem(tasks, 'asynchronous')).toMatch(/1 to 100/);
    const { maxConcurrentTasks: _, ...without } = quick({ name: 'other' });
    const refusal = asynchronous().operate({ kind: 'add-deployment', service: SERVICE, spec: without });
    expect(refusal).toMatch(/needs "maxConcurrentTasks"/);
  });

  guideRule(3392, 'a task occupies its replica until it is deleted', () => {
    const lab = asynchronous();
    expect(after(10, lab, 4)).toEqual(['succeeded', 'succeeded', 'starting', 'starting']);
    ask(lab, 'delete', 0);
    expect(after(10, lab, 0)).toEqual(['deleted', 'succeeded', 'succeeded', 'starting']);
  });

  test('a stopped task keeps its place, and goes on there when it is started again', () => {
    const lab = asynchronous();
    after(1, lab, 3, LONG);
    ask(lab, 'stop', 0);
    expect(after(10, lab, 0)).toEqual(['stopped', 'succeeded', 'starting']);
    ask(lab, 'start', 0);
    expect(after(1, lab, 0)).toEqual(['running', 'succeeded', 'starting']);
  });
});

describe('tasks that wait', () => {
  test('start in order of creation, whenever they were asked to', () => {
    const lab = asynchronous({}, [{ maxConcurrentTasks: 1 }]);
    after(10, lab, 3);
    ask(lab, 'stop', 1);
    ask(lab, 'delete', 0);
    expect(after(10, lab, 0)).toEqual(['deleted', 'stopped', 'succeeded']);
    create(lab);
    ask(lab, 'start', 1);
    ask(lab, 'delete', 2);
    expect(after(10, lab, 0)).toEqual(['deleted', 'succeeded', 'deleted', 'starting']);
  });

  test('are spread over instances in turn, and over deployments by weight', () => {
    const lab = asynchronous({}, [
      { instances: 2, maxConcurrentTasks: 50, weight: 75 },
      { name: 'other', maxConcurrentTasks: 50, weight: 25 },
    ]);
    after(0.5, lab, 40, LONG);
    const held = (name: string): number[] =>
      lab.service.deployment(name)!.instances.map((instance) => lab.world.tasks.heldBy(instance));
    expect(held(DEPLOYMENT)).toEqual([15, 15]);
    expect(held('other')).toEqual([10]);
  });

  test('go to another deployment when theirs is full', () => {
    const lab = asynchronous({}, [{ weight: 100 }, { name: 'other', weight: 1, maxConcurrentTasks: 5 }]);
    expect(after(0.5, lab, 7, LONG)).toEqual(Array(7).fill('running'));
  });

  test('wait for an instance that is scaled in anew', () => {
    const lab = asynchronous();
    after(1, lab, 4);
    lab.also(on('scale', { instances: 2 }));
    expect(after(60, lab, 0)).toEqual(Array(4).fill('succeeded'));
  });
});

describe('a task whose instance is lost', () => {
  const killed = { kind: 'kill-pod', service: SERVICE, deployment: DEPLOYMENT, instance: 0 } as const;

  test('has failed, and its place is gone with the container', () => {
    const lab = asynchronous();
    after(1, lab, 2, LONG);
    lab.strike(killed);
    expect(after(1, lab, 0)).toEqual(['failed', 'failed']);
    expect(lab.world.tasks.all[0]!.error).toMatchObject({ error: 'backendUnavailable' });
    expect(after(60, lab, 2)).toEqual(['failed', 'failed', 'succeeded', 'succeeded']);
  });

  test('begins anew as often as calls are retried', () => {
    const lab = asynchronous({ retry: { count: 1, interval: fromSeconds(0.1) } });
    after(1, lab, 1, LONG);
    lab.strike(killed);
    expect(after(0.5, lab, 0)).toEqual(['starting']);
    lab.until(() => states(lab)[0] === 'running');
    lab.strike(killed);
    expect(after(1, lab, 0)).toEqual(['failed']);
    expect(lab.world.requests.size).toBe(2);
  });

  test('keeps its results when it had ended', () => {
    const lab = asynchronous();
    after(10, lab, 2);
    lab.strike(killed);
    expect(after(60, lab, 1)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(lab.world.tasks.all[0]!.reply).toMatchObject({ state: 'finished' });
  });
});

describe('an upgrade', () => {
  const impatient = quickUnit({ gracefulShutdown: { timeout: fromSeconds(1), commandTakes: fromSeconds(0) } });
  const spec = quick({ instances: 1, maxConcurrentTasks: 2, units: [impatient] });

  test('moves tasks to instances of the new version, where they begin anew', () => {
    const lab = asynchronous({}, [spec]);
    after(1, lab, 2, { minTokens: 900, maxTokens: 900 });
    expect(lab.upgrade(revised(spec, { maxUnavailable: 100 }))).toBeUndefined();
    const seen = new Set<string>();
    lab.until(
      () => states(lab).every((state) => state === 'succeeded'),
      () => seen.add(states(lab)[0]!),
    );
    expect([...seen]).toEqual(['running', 'upgrading', 'succeeded']);
    expect(lab.world.tasks.all[0]!.retries).toBe(0);
  });

  test('fails tasks that the new version does not take', () => {
    const lab = asynchronous({}, [spec]);
    after(1, lab, 1, { minTokens: 900, maxTokens: 900, model: impatient.servedModelName });
    const renamed: UnitSpec = { ...impatient, servedModelName: 'another' };
    lab.upgrade({ ...spec, units: [renamed], maxUnavailable: 100 });
    expect(after(120, lab, 0)).toEqual(['upgrade_failed']);
    expect(lab.world.tasks.all[0]!.error).toMatchObject({ error: 'unknown-model' });
  });
});

describe('the service', () => {
  guideRule(3437, 'the status of an asynchronous service decides which task calls it takes', () => {
    const lab = asynchronous();
    after(1, lab, 3);
    create(lab, {}, false);
    lab.also({ kind: 'stop', service: SERVICE });
    lab.untilStatus('STOPPED');
    expect(create(lab).refusal).toMatchObject({ status: 503 });
    expect(ask(lab, 'start', 3).refusal).toMatchObject({ status: 503 });
    expect(states(lab)).toEqual(['succeeded', 'succeeded', 'stopped', 'created']);
    expect(ask(lab, 'delete', 0).task).toMatchObject({ state: 'deleted' });
    expect(lab.world.tasks.refusalOf(lab.service, 'list', BY)).toBeUndefined();
    lab.also({ kind: 'start', service: SERVICE });
    lab.untilStatus('RUNNING');
    expect(ask(lab, 'start', 2).task).toMatchObject({ state: 'starting' });
    expect(after(10, lab, 0)).toEqual(['deleted', 'succeeded', 'succeeded', 'created']);
  });

  test('stops with its tasks: what has not ended when its containers are killed is stopped', () => {
    const lab = asynchronous();
    after(1, lab, 3, LONG);
    lab.strike({ kind: 'hang-container', service: SERVICE, deployment: DEPLOYMENT, instance: 0 });
    lab.also({ kind: 'stop', service: SERVICE });
    lab.untilStatus('STOPPED');
    expect(states(lab)).toEqual(['stopped', 'stopped', 'stopped']);
    lab.world.check();
  });

  test('ends a task that takes longer than a request may, counted from its start', () => {
    const lab = asynchronous({ requestTimeout: fromSeconds(4) }, [{ maxConcurrentTasks: 1 }]);
    after(2, lab, 1, { minTokens: 300, maxTokens: 300 });
    expect(after(1, lab, 1, { minTokens: 300, maxTokens: 300 })[1]).toBe('starting');
    lab.pass(20);
    ask(lab, 'delete', 0);
    expect(after(10, lab, 1, { minTokens: 500, maxTokens: 500 })).toEqual(['deleted', 'succeeded', 'starting']);
    ask(lab, 'delete', 1);
    expect(after(10, lab, 0)[2]).toBe('timeout');
    expect(lab.world.tasks.all[2]!.error).toMatchObject({ error: 'backendTimeout' });
  });

  guideRule(4400, 'event: the cancellation of an asynchronous task fails', () => {
    const lab = asynchronous();
    after(1, lab, 2, LONG);
    const lasting = fromSeconds(20);
    lab.strike({ kind: 'hang-container', service: SERVICE, deployment: DEPLOYMENT, instance: 0, lasting });
    lab.pass(1);
    expect(ask(lab, 'stop', 0).task).toMatchObject({ state: 'stopping' });
    expect(ask(lab, 'delete', 1).task).toMatchObject({ state: 'deleting' });
    const [first, second] = lab.events('asyncTaskCancellationFailed');
    expect(first).toMatch(
      /^Service asynchronous task cancellation failed, .* does not answer, and goes on with task 0\.$/,
    );
    expect(second).toContain('task 1');
    expect(after(25, lab, 0)).toEqual(['stopped', 'deleted']);
  });

  guideRule(765, 'disaggregated deployments take asynchronous calls', () => {
    const [unit] = quick().units as [UnitSpec];
    const roles = (['prefill', 'decode'] as const).map((role): UnitSpec => ({ ...unit, name: role, role }));
    const lab = asynchronous({}, [
      {
        mode: 'disaggregated',
        units: roles,
        kvTransfer: {
          setupMicros: 400,
          bytesPerSecond: 25e9,
          uploads: 'parallel',
          mode: 'pull',
          firstToken: 'decode',
          retries: 1,
        },
      },
    ]);
    expect(after(10, lab, 3)).toEqual(['succeeded', 'succeeded', 'starting']);
    expect(lab.world.tasks.heldBy(lab.deployment.instances[0]!)).toBe(2);
  });
});

describe('commands read back', () => {
  const call = { to: { service: SERVICE }, ...BY, promptTokens: 10 };
  test.each([
    [{ kind: 'create-task', call: { ...call, to: { service: 'other' } }, start: true }, /does not have/],
    [{ kind: 'create-task', call }, /its start is missing/],
    [{ kind: 'create-task', call: { ...call, to: { slot: 'chat/main/0' } }, start: true }, /no asynchronous service/],
    [{ kind: 'update-task', call, task: -1 }, /no task -1/],
    [{ kind: 'delete-task', service: 'other', task: 0, by: BY }, /no asynchronous service/],
    [{ kind: 'stop-task', service: SERVICE, task: 0, by: { key: null, clientIp: 'x' } }, /no IP address/],
    [{ kind: 'call', call }, /takes tasks alone/],
  ])('%j is a mistake', (command, message) => {
    const { world } = asynchronous();
    expect(mistakeIn(command as unknown as TaskCommand, world.platform, world.cluster)).toMatch(message);
  });

  test('of a task that there is not, nothing happens', () => {
    expect(ask(asynchronous(), 'start', 7)).toEqual({ problem: 'unknown' });
  });
});
