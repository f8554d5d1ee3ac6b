import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadScenarioText } from '../../src/files/index.ts';
import { Lab } from '../../src/index.ts';
import { readJournal } from '../../src/kernel/index.ts';
import { type Command, mistakeIn, World } from '../../src/lab/index.ts';
import { DOORS, type OpenDoor } from '../support/doors.ts';
import { guideRule } from '../support/guide-rule.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { post } from '../support/wire.ts';

const MODEL = 'qwen3-8b';
const SERVICE = 'films';
const HELLO = { model: MODEL, messages: [{ role: 'user', content: 'Hello there' }], max_tokens: 5 };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/;
/** Simulated milliseconds between two questions whether a task is done, and the most of them. */
const POLL_MS = 50;
const POLLS = 2_000;
/** Milliseconds of a step: a long task runs for minutes, and on a slow machine it is still there to be stopped. */
const STEP = { a: 200, b: 0, c: 0 };

/** One asynchronous service, with room for two tasks at a time and six in all; and one that is synchronous. */
function tasks(): object {
  const [deployment] = (chatService(SERVICE, 1) as { deployments: object[] }).deployments;
  const engine = { maxModelLen: 4_096, stepTime: { kind: 'affine', prefill: STEP, decode: STEP } };
  const films = {
    ...chatService(SERVICE, 1),
    mode: 'asynchronous',
    maxTasks: 6,
    deployments: [{ ...deployment, maxConcurrentTasks: 2, units: [{ model: MODEL, engine }] }],
  };
  return scenario({ services: [films, chatService('chat', 1)] });
}

interface Shown {
  readonly task_id: string;
  readonly status: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever is answered is looked at.
  readonly [field: string]: any;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Shown;
}

/** A client of the tasks of a service. */
class Client {
  readonly #fetch: typeof globalThis.fetch;
  readonly #url: string;
  readonly #key: string;

  constructor(door: Pick<OpenDoor, 'url' | 'apiKey'>, fetch: typeof globalThis.fetch, key = door.apiKey(SERVICE)) {
    this.#fetch = fetch;
    this.#url = door.url(SERVICE);
    this.#key = key;
  }

  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const headers = { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' };
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    const response = await this.#fetch(this.#url + path, init);
    return { status: response.status, headers: response.headers, json: (await response.json()) as Shown };
  }

  async create(query = '', body: unknown = HELLO): Promise<Shown> {
    const { status, json } = await this.ask('POST', `/tasks${query}`, body);
    expect(status, JSON.stringify(json)).toBe(201);
    return json;
  }

  async show(id: string): Promise<Shown> {
    const { status, json } = await this.ask('GET', `/tasks/${id}`);
    expect(status, JSON.stringify(json)).toBe(200);
    return json;
  }

  /** Asks until a task is in one of these states. */
  async until(id: string, ...states: string[]): Promise<Shown> {
    for (let poll = 0; poll < POLLS; poll++) {
      const task = await this.show(id);
      if (states.includes(task.status)) return task;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error(`Task ${id} does not come to ${states.join(' or ')}`);
  }

  async clear(): Promise<void> {
    const { json } = await this.ask('GET', '/tasks?limit=500');
    for (const { task_id: id, status } of json.tasks as Shown[]) {
      if (status !== 'deleting') await this.ask('DELETE', `/tasks/${id}`);
      await this.until(id, 'deleted');
    }
  }
}

describe.each(DOORS)('through $name', ({ open }) => {
  let door: OpenDoor;
  beforeAll(async () => {
    door = await open(tasks());
  });
  afterAll(() => door.close());

  const within = (body: (client: Client, fetch: typeof globalThis.fetch) => Promise<void>): Promise<void> =>
    door.within(async (fetch) => {
      const client = new Client(door, fetch);
      await body(client, fetch);
      await client.clear();
    });

  guideRule(3411, 'tasks are created, listed, shown, updated, started, stopped and deleted by their URLs', () =>
    within(async (client) => {
      const made = await client.create();
      expect(made.task_id).toMatch(UUID);
      expect(made).toMatchObject({ status: 'starting', path: '/v1/chat/completions', start_at: null, end_at: null });
      const done = await client.until(made.task_id, 'succeeded');
      expect(done.create_at).toBeLessThanOrEqual(done.start_at);
      expect(done.start_at).toBeLessThan(done.end_at);
      expect(done.result).toMatchObject({
        object: 'chat.completion',
        model: MODEL,
        choices: [{ finish_reason: 'length', message: { role: 'assistant', content: expect.stringMatching(/./) } }],
        usage: { completion_tokens: 5 },
      });
      expect((await client.show(made.task_id)).result).toEqual(done.result);
      const { status, json } = await client.ask('DELETE', `/tasks/${made.task_id}`);
      expect([status, json.status]).toEqual([202, 'deleted']);
      expect(await client.show(made.task_id)).toMatchObject({ status: 'deleted' });
    }),
  );

  test('URLs without /tasks mean the same', () =>
    within(async (client) => {
      const { status, json } = await client.ask('POST', '?auto_start=false', HELLO);
      expect(status).toBe(201);
      expect((await client.ask('GET', '')).json.tasks).toMatchObject([{ task_id: json.task_id }]);
      expect((await client.ask('GET', `/${json.task_id}`)).json.task_id).toBe(json.task_id);
      expect((await client.ask('POST', `/${json.task_id}/start`)).status).toBe(202);
      await client.until(json.task_id, 'succeeded');
    }));

  test('a task waits until it is started, may be changed till then, and is started again when it was stopped', () =>
    within(async (client) => {
      const { task_id: id, status } = await client.create('?auto_start=false');
      expect(status).toBe('created');
      const changed = await client.ask('PUT', `/tasks/${id}`, { ...HELLO, max_tokens: 3 });
      expect([changed.status, changed.json.status]).toEqual([200, 'created']);
      const started = await client.ask('POST', `/tasks/${id}/start`);
      expect([started.status, started.json.status]).toEqual([202, 'starting']);
      const { result } = await client.until(id, 'succeeded');
      expect(result.usage.completion_tokens).toBe(3);
      const long = await client.create('', { ...HELLO, max_tokens: 3_900, min_tokens: 3_900 });
      await client.until(long.task_id, 'running');
      expect((await client.ask('POST', `/tasks/${long.task_id}/stop`)).json.status).toMatch(/^stop(ping|ped)$/);
      await client.until(long.task_id, 'stopped');
      expect((await client.ask('POST', `/tasks/${long.task_id}/start`)).status).toBe(202);
      await client.until(long.task_id, 'running');
    }));

  test('finished tasks keep their places until they are deleted', () =>
    within(async (client) => {
      const ids: string[] = [];
      for (let task = 0; task < 3; task++) ids.push((await client.create()).task_id);
      await client.until(ids[0]!, 'succeeded');
      await client.until(ids[1]!, 'succeeded');
      expect((await client.show(ids[2]!)).status).toBe('starting');
      await client.ask('DELETE', `/tasks/${ids[0]}`);
      await client.until(ids[2]!, 'succeeded');
    }));

  guideRule(3425, 'lists of tasks take a limit, an offset and a status', () =>
    within(async (client) => {
      const ids: string[] = [];
      for (let task = 0; task < 4; task++) ids.push((await client.create('?auto_start=false')).task_id);
      await client.ask('DELETE', `/tasks/${ids[1]}`);
      const listed = async (query: string) => {
        const { json } = await client.ask('GET', `/tasks${query}`);
        return [json.total_count, (json.tasks as Shown[]).map(({ task_id: id }) => ids.indexOf(id))];
      };
      expect(await listed('')).toEqual([3, [0, 2, 3]]);
      expect(await listed('?limit=1&offset=1')).toEqual([3, [2]]);
      expect(await listed('?offset=9')).toEqual([3, []]);
      expect(await listed('?status=created')).toEqual([3, [0, 2, 3]]);
      expect((await listed('?status=deleted'))[1]).toContain(1);
      expect(await listed('?status=running')).toEqual([0, []]);
    }),
  );

  test('tasks beyond the quota are refused, and those that have ended take none', () =>
    within(async (client) => {
      const ids: string[] = [];
      for (let task = 0; task < 6; task++) ids.push((await client.create('?auto_start=false')).task_id);
      const { status, json } = await client.ask('POST', '/tasks', HELLO);
      expect([status, json.error_code]).toEqual([400, 'ModelArts.0118']);
      await client.ask('POST', `/tasks/${ids[0]}/start`);
      await client.until(ids[0]!, 'succeeded');
      expect((await client.ask('POST', '/tasks?auto_start=false', HELLO)).status).toBe(201);
    }));

  test('what a container does not take is a failed task with its words', () =>
    within(async (client) => {
      const broken = await client.create('', { model: MODEL, messages: [] });
      expect(broken).toMatchObject({ status: 'created_failed', error_code: 'ModelArts.4502' });
      expect(broken.error.error.message).toMatch(/./);
      const nowhere = await client.create('?path=/v1/nothing');
      expect(nowhere).toMatchObject({ status: 'created_failed', error: { detail: 'Not Found' } });
      const { task_id: id } = await client.create('', { ...HELLO, model: 'gpt-9' });
      const failed = await client.until(id, 'start_failed');
      expect(failed.error.error).toMatchObject({ code: 404, message: 'The model `gpt-9` does not exist.' });
      const embedded = await client.create('?path=/v1/embeddings', { model: MODEL, input: 'one two', dimensions: 4 });
      const { result } = await client.until(embedded.task_id, 'succeeded');
      expect(result.data[0].embedding).toHaveLength(4);
    }));

  test.each([
    ['GET', '/tasks?limit=0', 400, 'ModelArts.0101'],
    ['GET', '/tasks?limit=501', 400, 'ModelArts.0101'],
    ['GET', '/tasks?offset=-1', 400, 'ModelArts.0101'],
    ['GET', '/tasks?status=runing', 400, 'ModelArts.0101'],
    ['POST', '/tasks?auto_start=maybe', 400, 'ModelArts.0101'],
    ['GET', '/tasks/00000000-0000-8000-a000-000000000000', 404, 'ModelArts.81108'],
    ['GET', '/tasks/tasks', 404, 'ModelArts.81108'],
    ['GET', '/tasks?status=cooked', 400, 'ModelArts.0101'],
    ['PUT', '/tasks/nothing', 404, 'ModelArts.81108'],
    ['DELETE', '/tasks/nothing', 404, 'ModelArts.81108'],
    ['POST', '/tasks/nothing/start', 404, 'ModelArts.81108'],
    ['POST', '/tasks/nothing/pause', 404, 'APIG.0101'],
    ['PATCH', '/tasks/nothing', 404, 'APIG.0101'],
    ['DELETE', '/tasks', 404, 'APIG.0101'],
  ])('%s %s is refused with %i and %s', (method, path, status, code) =>
    within(async (client) => {
      const answer = await client.ask(method, path, method === 'GET' ? undefined : HELLO);
      expect([answer.status, answer.json.error_code]).toEqual([status, code]);
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
      if (path.includes('runing')) expect(answer.json.error_msg).toContain('did you mean "running"?');
      if (path.includes('cooked')) expect(answer.json.error_msg).toMatch(/is cooked; expected one of created, [^;]*$/);
    }),
  );

  test('a task in the wrong state says so', () =>
    within(async (client) => {
      const { task_id: id } = await client.create();
      await client.until(id, 'succeeded');
      for (const [method, path, expected] of [
        ['POST', '/start', 'created or stopped'],
        ['POST', '/stop', 'starting or running or upgrading'],
        ['PUT', '', 'created or starting or stopped or upgrading'],
      ] as const) {
        const { status, json } = await client.ask(method, `/tasks/${id}${path}`, HELLO);
        expect([status, json.error_code]).toEqual([400, 'ModelArts.0101']);
        expect(json.error_msg).toBe(`Invalid Argument. Task ${id} is succeeded; expected ${expected}`);
      }
    }));

  test('who may not call the service may not ask for its tasks', () =>
    within(async (client, fetch) => {
      const { task_id: id } = await client.create('?auto_start=false');
      const stranger = new Client(door, fetch, 'sk-wrong');
      for (const [method, path] of [
        ['POST', '/tasks'],
        ['GET', '/tasks'],
        ['GET', `/tasks/${id}`],
        ['GET', '/tasks/nothing'],
        ['PUT', `/tasks/${id}`],
        ['DELETE', `/tasks/${id}`],
        ['DELETE', '/tasks/nothing'],
        ['POST', `/tasks/${id}/start`],
      ] as const) {
        const { status, json } = await stranger.ask(method, path, method === 'GET' ? undefined : HELLO);
        expect([status, json.error_code], path).toEqual([401, 'APIG.0305']);
      }
      expect((await client.show(id)).status).toBe('created');
    }));

  test('each mode of service has URLs of its own', () =>
    within(async (_, fetch) => {
      for (const [url, service] of [
        [`${door.url(SERVICE).replace('/v2/async-infer/', '/v2/infer/')}/v1/chat/completions`, SERVICE],
        [`${door.url('chat').replace('/v2/infer/', '/v2/async-infer/')}/tasks`, 'chat'],
      ] as const) {
        const response = await fetch(url, post(HELLO, door.apiKey(service)));
        expect(response.status).toBe(404);
        expect(await response.json()).toMatchObject({ error_code: 'APIG.0101' });
      }
    }));
});

describe('a session of tasks', () => {
  test('replays from its journal, which holds no text', async () => {
    const content = JSON.stringify(tasks());
    const lab = Lab.fromText(content);
    const door = {
      url: (name: string) => lab.url(name),
      apiKey: (name: string) => lab.apiKey(name),
    };
    await lab.run(async () => {
      const client = new Client(door, lab.fetch);
      const ids: string[] = [];
      for (let task = 0; task < 5; task++) ids.push((await client.create()).task_id);
      await client.until(ids[0]!, 'succeeded');
      await client.ask('POST', `/tasks/${ids[1]}/stop`);
      await client.ask('PUT', `/tasks/${ids[4]}`, { ...HELLO, max_tokens: 2 });
      for (const id of ids.slice(0, 3)) await client.ask('DELETE', `/tasks/${id}`);
      await client.until(ids[4]!, 'succeeded');
    });
    const journal = lab.journal();
    expect(journal).not.toContain('Hello there');
    const { commands, end } = readJournal<Command>(journal, 'journal');
    expect(commands.length).toBeGreaterThan(8);
    const world = new World(loadScenarioText(content, 'scenario', {}, String).description);
    for (const { at, command } of commands) {
      expect(mistakeIn(command, world.platform, world.cluster)).toBeUndefined();
      world.apply(at, command);
    }
    world.runUntil(end!.end);
    expect(world.kernel.trace.digest()).toBe(end!.traceHash);
  });

  test('of an application has as its result what the application answers', async () => {
    const routes = [
      {
        path: '/films',
        latency: '40s',
        reply: { kind: 'json', value: { film: '{{bytes}} bytes' } },
      },
      {
        path: '/broken',
        status: 500,
        latency: '1s',
        reply: { kind: 'text', body: 'no film' },
      },
      { path: '/told', headers: { 'content-type': 'application/xml' }, reply: { kind: 'text', body: '<a>ü</a>' } },
      { path: '/seen', headers: { 'content-type': 'image/png' }, reply: { kind: 'text', body: '<a>ü</a>' } },
    ];
    const unit = { resources: { accelerators: 1 }, application: { routes } };
    const deployment = { name: 'main', pool: 'npu', instances: 1, maxConcurrentTasks: 2, units: [unit] };
    const films = { name: SERVICE, mode: 'asynchronous', maxTasks: 6, deployments: [deployment] };
    const lab = Lab.fromObject(scenario({ services: [films] }));
    const door = {
      url: (name: string) => lab.url(name),
      apiKey: (name: string) => lab.apiKey(name),
    };
    await lab.run(async () => {
      const client = new Client(door, lab.fetch);
      const made = await client.create('', { length: 3 });
      expect(made.path).toBe('/films');
      const done = await client.until(made.task_id, 'succeeded');
      expect(done.result).toEqual({ film: '12 bytes' });
      expect(done.end_at - done.start_at).toBeGreaterThanOrEqual(40_000);
      const broken = await client.create('?path=/broken', {});
      expect(await client.until(broken.task_id, 'failed')).toMatchObject({ error_code: 'ModelArts.4502' });
      const nowhere = await client.create('?path=/nowhere', {});
      await client.ask('DELETE', `/tasks/${made.task_id}`);
      expect(await client.until(nowhere.task_id, 'failed')).toMatchObject({ error: { detail: 'Not Found' } });
      // A text is a text, whatever it is of; what is none comes in base64.
      for (const [path, result] of [
        ['/told', '<a>ü</a>'],
        ['/seen', Buffer.from('<a>ü</a>').toString('base64')],
      ]) {
        await client.ask('DELETE', `/tasks/${broken.task_id}`);
        const { task_id: id } = await client.create(`?path=${path}`, {});
        expect((await client.until(id, 'succeeded')).result).toBe(result);
        await client.ask('DELETE', `/tasks/${id}`);
      }
    });
  });
});
