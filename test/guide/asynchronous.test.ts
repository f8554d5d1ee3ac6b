import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { TASK_STATE_NAMES, TASK_STATES, type TaskAnswer } from '../../src/gateway/index.ts';
import { Lab } from '../../src/index.ts';
import type { TaskCommand } from '../../src/lab/index.ts';
import type { DeploymentSpec, ServiceSpec } from '../../src/platform/index.ts';
import { deployed, refused, taken } from '../scenario/ruled.ts';
import { called } from '../support/calls.ts';
import { guideRule } from '../support/guide-rule.ts';
import { type Quick, quick } from '../support/quick.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { SERVICE } from '../support/world.ts';
import { type LiveAnswer, LivePlatform } from './live.ts';

/** Asynchronous calls (guide 231-232, 3345-3497). */

const ASYNCHRONOUS = { mode: 'asynchronous', maxTasks: 100 } as const;
const HELLO = { model: 'qwen3-8b', messages: [{ role: 'user', content: 'Hello there' }] };

/** A service of tasks, up; each of them runs for some 20 steps of 10 ms. */
function tasks(settings: Partial<ServiceSpec> = {}, deployment: Partial<DeploymentSpec> = {}): Quick {
  return called({ ...ASYNCHRONOUS, ...settings }, [quick({ instances: 1, maxConcurrentTasks: 2, ...deployment })]);
}

function take({ world }: Quick, command: TaskCommand): TaskAnswer {
  world.apply(world.now, command);
  return world.taskAnswer!;
}

const create = (lab: Quick, start = true): TaskAnswer =>
  take(lab, { kind: 'create-task', start, call: { to: { service: SERVICE }, key: null, promptTokens: 10 } });
const order = (lab: Quick, kind: 'start-task' | 'stop-task' | 'delete-task', task: number): TaskAnswer =>
  take(lab, { kind, service: SERVICE, task, by: { key: null } });
const states = ({ world }: Quick): string[] => world.tasks.all.map(({ state }) => state);
const running = (lab: Quick): number => states(lab).filter((state) => state === 'running').length;

describe('the settings of an asynchronous service', () => {
  guideRule(231, 'the call mode of a service is fixed when it is made', () => {
    for (const mode of ['synchronous', 'asynchronous'] as const) {
      const lab = mode === 'asynchronous' ? tasks() : called({});
      const set = { mode: mode === 'asynchronous' ? 'synchronous' : 'asynchronous' } as object;
      expect(lab.operate({ kind: 'modify-service', service: SERVICE, set })).toMatch(
        /"mode" of a service cannot be changed/,
      );
      expect(lab.service.spec.mode ?? 'synchronous').toBe(mode);
    }
  });

  guideRule(232, 'a service has 0 to 10,000 tasks at a time', () => {
    const deployment = { maxConcurrentTasks: 1 };
    const most = (maxTasks: number) => ({ service: { mode: 'asynchronous', maxTasks }, deployment });
    for (const maxTasks of [0, 10_000]) expect(taken(most(maxTasks)).services[0]!.maxTasks).toBe(maxTasks);
    for (const maxTasks of [-1, 10_001, 0.5]) refused(most(maxTasks), 'an integer from 0 to 10000');
    for (const maxTasks of [0, 1, 3]) {
      const lab = tasks({ maxTasks });
      for (let task = 0; task < maxTasks; task++) expect(create(lab, false).problem).toBeUndefined();
      expect(create(lab, false).problem).toBe('quota');
    }
  });

  guideRule(232, 'tasks in seven states take no quota', () => {
    const free = ['succeeded', 'failed', 'created_failed', 'start_failed', 'upgrade_failed', 'timeout', 'deleted'];
    expect(TASK_STATE_NAMES.filter((state) => !TASK_STATES[state].takesQuota).toSorted()).toEqual(free.toSorted());
    const lab = tasks({ maxTasks: 1 });
    expect(create(lab).problem).toBeUndefined();
    expect(create(lab).problem).toBe('quota');
    lab.until(() => states(lab)[0] === 'succeeded');
    expect(create(lab, false).problem).toBeUndefined();
    expect(create(lab).problem).toBe('quota');
    order(lab, 'delete-task', 1);
    expect(create(lab).problem).toBeUndefined();
  });

  guideRule(3392, 'a deployment of an asynchronous service says how many tasks a replica has, 1 to 100', () => {
    const set = (maxConcurrentTasks: number) => ({ service: ASYNCHRONOUS, deployment: { maxConcurrentTasks } });
    for (const most of [1, 100]) expect(deployed(set(most)).maxConcurrentTasks).toBe(most);
    for (const most of [0, 101]) refused(set(most), 'an integer from 1 to 100');
    refused({ service: ASYNCHRONOUS }, 'maxConcurrentTasks');
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 15 }),
        (most, instances, count) => {
          const lab = tasks({}, { instances, maxConcurrentTasks: most });
          for (let task = 0; task < count; task++) create(lab);
          let peak = 0;
          lab.until(
            () => running(lab) === 0 && lab.world.now > lab.world.settledAt,
            () => {
              peak = Math.max(peak, running(lab));
            },
          );
          expect(peak).toBe(Math.min(count, most * instances));
        },
      ),
      { numRuns: 15 },
    );
  });

  guideRule(3392, 'a task occupies its replica until it is deleted', () => {
    const lab = tasks({}, { maxConcurrentTasks: 2 });
    for (let task = 0; task < 4; task++) create(lab);
    lab.pass(60);
    expect(states(lab)).toEqual(['succeeded', 'succeeded', 'starting', 'starting']);
    order(lab, 'delete-task', 1);
    lab.pass(60);
    expect(states(lab)).toEqual(['succeeded', 'deleted', 'succeeded', 'starting']);
  });

  guideRule(3437, 'the state of a service decides which task calls it takes', () => {
    const lab = tasks();
    create(lab, false);
    lab.also({ kind: 'stop', service: SERVICE });
    lab.until(() => lab.service.status === 'STOPPED');
    expect(create(lab).refusal).toMatchObject({ by: 'gateway', status: 503 });
    expect(order(lab, 'start-task', 0).refusal).toMatchObject({ by: 'gateway', status: 503 });
    // What there is can be seen and cleared away.
    expect(order(lab, 'delete-task', 0)).toMatchObject({ task: { state: 'deleted' } });
    lab.also({ kind: 'start', service: SERVICE });
    lab.until(() => lab.service.status === 'RUNNING');
    expect(create(lab).problem).toBeUndefined();
  });
});

describe('an asynchronous call', () => {
  guideRule(231, 'an asynchronous call is acknowledged at once, and its result is asked for later', async () => {
    const { deployments, ...service } = chatService(SERVICE, 1) as { deployments: object[] };
    const deployment = { ...deployments[0], maxConcurrentTasks: 1 };
    const lab = Lab.fromObject(scenario({ services: [{ ...service, ...ASYNCHRONOUS, deployments: [deployment] }] }));
    await lab.run(async () => {
      const url = lab.url(SERVICE).replace('/v2/infer/', '/v2/async-infer/').replace(/\/v1$/, '');
      const headers = { authorization: `Bearer ${lab.apiKey(SERVICE)}`, 'content-type': 'application/json' };
      const began = lab.nowMs;
      const response = await lab.fetch(`${url}/tasks`, { method: 'POST', headers, body: JSON.stringify(HELLO) });
      const { task_id: id } = (await response.json()) as { task_id: string };
      expect([response.status, lab.nowMs - began]).toEqual([201, 0]);
      const seen: string[] = [];
      let task: { status: string; result?: { choices: unknown[] } } = { status: '' };
      while (task.status !== 'succeeded') {
        task = (await (await lab.fetch(`${url}/tasks/${id}`, { headers })).json()) as typeof task;
        if (seen.at(-1) !== task.status) seen.push(task.status);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expect(seen).toEqual(['running', 'succeeded']);
      expect(task.result!.choices).toHaveLength(1);
    });
  });
});

describe('the calls of tasks', () => {
  let platform: LivePlatform;
  beforeAll(async () => {
    const { deployments, ...service } = chatService(SERVICE, 1) as { deployments: object[] };
    const deployment = { ...deployments[0], maxConcurrentTasks: 10 };
    platform = await LivePlatform.open(
      scenario({ services: [{ ...service, ...ASYNCHRONOUS, deployments: [deployment] }] }),
    );
  });
  afterAll(() => platform.close());

  const call = (method: string, rest: string, body?: object): Promise<LiveAnswer> => {
    const { id, apiKey } = platform.service(SERVICE);
    return platform.call({
      secure: true,
      method,
      path: `/v2/async-infer/${id}${rest}`,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  };
  const json = ({ body }: LiveAnswer) => JSON.parse(body.toString());
  const made = async (query = '?auto_start=false'): Promise<string> =>
    json(await call('POST', `/tasks${query}`, HELLO)).task_id;
  const stateOf = async (id: string): Promise<string> => json(await call('GET', `/tasks/${id}`)).status;
  const untilState = async (id: string, state: string): Promise<void> => {
    while ((await stateOf(id)) !== state) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  // The guide writes this one and the next without `/tasks`, and their examples with it.
  for (const [line, rest] of [
    [3411, '/tasks'],
    [3411, ''],
  ] as const) {
    guideRule(line, 'POST creates a task', async () => {
      const answer = await call('POST', `${rest}?auto_start=false`, HELLO);
      expect(answer.status).toBe(201);
      expect(json(answer)).toMatchObject({ task_id: expect.stringMatching(/^[0-9a-f-]{36}$/), status: 'created' });
    });
  }

  guideRule(3412, 'DELETE deletes a task', async () => {
    for (const below of ['/tasks', '']) {
      const id = await made();
      expect((await call('DELETE', `${below}/${id}`)).status).toBeLessThan(300);
      await untilState(id, 'deleted');
      expect(
        json(await call('GET', '/tasks?limit=500')).tasks.map((task: { task_id: string }) => task.task_id),
      ).not.toContain(id);
    }
    expect((await call('DELETE', '/tasks/00000000-0000-4000-8000-000000000000')).status).toBe(404);
  });

  guideRule(3415, 'GET lists the tasks of a service', async () => {
    const ids = [await made(), await made()];
    const list = json(await call('GET', '/tasks?limit=500'));
    expect(list.tasks.map((task: { task_id: string }) => task.task_id)).toEqual(expect.arrayContaining(ids));
    expect(list.total_count).toBe(list.tasks.length);
  });

  guideRule(3416, 'PUT changes a task', async () => {
    const id = await made();
    const changed = { ...HELLO, max_tokens: 3 };
    expect((await call('PUT', `/tasks/${id}`, changed)).status).toBe(200);
    await call('POST', `/tasks/${id}/start`);
    await untilState(id, 'succeeded');
    expect(json(await call('GET', `/tasks/${id}`)).result.usage.completion_tokens).toBe(3);
    expect((await call('PUT', `/tasks/${id}`, changed)).status).toBe(400);
  });

  guideRule(3417, 'GET shows a task', async () => {
    const id = await made();
    expect(json(await call('GET', `/tasks/${id}`))).toMatchObject({ task_id: id, status: 'created' });
    expect((await call('GET', '/tasks/nothing')).status).toBe(404);
  });

  guideRule(3418, 'POST starts a task that was created or stopped', async () => {
    const id = await made();
    expect((await call('POST', `/tasks/${id}/start`)).status).toBeLessThan(300);
    await untilState(id, 'succeeded');
    expect((await call('POST', `/tasks/${id}/start`)).status).toBe(400);
  });

  guideRule(3419, 'POST stops a task', async () => {
    const long = json(await call('POST', '/tasks', { ...HELLO, max_tokens: 3_000, ignore_eos: true })).task_id;
    expect((await call('POST', `/tasks/${long}/stop`)).status).toBeLessThan(300);
    await untilState(long, 'stopped');
    expect((await call('POST', `/tasks/${long}/stop`)).status).toBe(400);
    expect((await call('POST', `/tasks/${long}/start`)).status).toBeLessThan(300);
    await call('DELETE', `/tasks/${long}`);
  });

  guideRule(3425, 'the list of tasks takes limit, offset and status', async () => {
    for (let task = 0; task < 4; task++) await made();
    const idsOf = async (query: string): Promise<string[]> =>
      json(await call('GET', `/tasks?${query}`)).tasks.map((task: { task_id: string }) => task.task_id);
    const all = await idsOf('status=created&limit=500');
    expect(all.length).toBeGreaterThanOrEqual(4);
    expect(await idsOf('status=created&limit=2')).toEqual(all.slice(0, 2));
    expect(await idsOf('status=created&limit=2&offset=1')).toEqual(all.slice(1, 3));
    for (const query of ['limit=0', 'offset=-1', 'status=lost']) {
      expect((await call('GET', `/tasks?${query}`)).status, query).toBe(400);
    }
  });
});
