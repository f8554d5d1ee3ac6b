import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DOORS, type OpenDoor } from '../support/doors.ts';
import { scenario } from '../support/scenario.ts';
import { post } from '../support/wire.ts';

const MODEL = 'qwen3-8b';
const SLOT = 'chat/main/0';
const HELLO = [{ role: 'user', content: 'Hello there' }];
const TOOL = {
  type: 'function',
  function: {
    name: 'look_up',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
const SCHEMA = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
};

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** What every door into a lab serves, at the gateway and at a pod. */
describe.each(DOORS)('through $name', ({ open }) => {
  let door: OpenDoor;
  beforeAll(async () => {
    door = await open(scenario());
  });
  afterAll(() => door.close());

  describe.each(['the gateway', 'a pod'] as const)('%s', (where) => {
    const base = (): string => (where === 'a pod' ? door.pod(SLOT) : door.url('chat'));
    const key = (): string | undefined => (where === 'a pod' ? undefined : door.apiKey('chat'));
    const asked = async (path: string, init: RequestInit): Promise<Answer> => {
      let answer: Answer | undefined;
      await door.within(async (fetch) => {
        const response = await fetch(base() + path, init);
        answer = { status: response.status, headers: response.headers, text: await response.text() };
      });
      return answer!;
    };
    const ask = (path: string, body: object): Promise<Answer> => asked(path, post({ model: MODEL, ...body }, key()));
    const get = (path: string): Promise<Answer> =>
      asked(path, key() === undefined ? {} : { headers: { authorization: `Bearer ${key()}` } });
    const json = async (path: string, body: object) => {
      const { status, text } = await ask(path, body);
      expect(status, text).toBe(200);
      return JSON.parse(text);
    };
    const data = async (path: string, body: object) => {
      const { headers, text } = await ask(path, { ...body, stream: true });
      expect(headers.get('content-type')).toMatch(/^text\/event-stream/);
      const lines = text.split('\n').filter((line) => line.startsWith('data: '));
      return lines.map((line) => line.slice('data: '.length));
    };
    const chunks = async (path: string, body: object) =>
      (await data(path, body)).filter((each) => each !== '[DONE]').map((each) => JSON.parse(each));

    test('answers with several choices, each as long as it is, and counts the prompt once', async () => {
      const whole = await json('/v1/chat/completions', { messages: HELLO, n: 3, max_tokens: 8 });
      expect(whole.choices.map(({ index }: { index: number }) => index)).toEqual([0, 1, 2]);
      const texts = whole.choices.map(({ message }: { message: { content: string } }) => message.content);
      expect(new Set(texts).size).toBe(3);
      expect(whole.usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 24, total_tokens: 33 });
      const usage = { include_usage: true };
      const stream = await chunks('/v1/chat/completions', {
        messages: HELLO,
        n: 2,
        max_tokens: 4,
        stream_options: usage,
      });
      const ends = stream.flatMap(({ choices }) => choices).filter(({ finish_reason }) => finish_reason !== null);
      expect(ends.map(({ index }) => index).sort()).toEqual([0, 1]);
      expect(stream.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 8 } });
    });

    test('completes several prompts, echoes them and tells how likely each token was', async () => {
      const body = { prompt: ['one two', 'three'], n: 2, max_tokens: 3, echo: true, logprobs: 1 };
      const { choices, usage } = await json('/v1/completions', body);
      expect(choices).toHaveLength(4);
      expect(choices[1].text).toMatch(/^one two/);
      expect(choices[2].text).toMatch(/^three/);
      expect(choices[2].logprobs.tokens).toHaveLength(1 + 3);
      expect(usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 12 });
      const only = await json('/v1/completions', { prompt: 'one two', max_tokens: 0, echo: true });
      expect(only.choices[0].text).toBe('one two');
    });

    test('stops where it is told to, and says where', async () => {
      const { choices } = await json('/v1/chat/completions', { messages: HELLO, stop: ['e'] });
      expect(choices[0]).toMatchObject({ finish_reason: 'stop', stop_reason: 'e' });
      expect(choices[0].message.content).not.toContain('e');
    });

    test('gives JSON that is whole and obeys its schema, however short the answer was drawn', async () => {
      const schema = { type: 'json_schema', json_schema: { name: 'person', schema: SCHEMA } };
      for (const response_format of [{ type: 'json_object' }, schema]) {
        const { choices } = await json('/v1/chat/completions', { messages: HELLO, response_format });
        expect(choices[0].finish_reason).toBe('stop');
        expect(JSON.parse(choices[0].message.content)).toBeTypeOf('object');
        if (response_format !== schema) continue;
        const person = { name: expect.any(String), age: expect.any(Number) };
        expect(JSON.parse(choices[0].message.content)).toMatchObject(person);
      }
    });

    test('calls tools, whole and streamed', async () => {
      const body = { messages: HELLO, tools: [TOOL], tool_choice: 'required' };
      const { choices } = await json('/v1/chat/completions', body);
      const [call] = choices[0].message.tool_calls;
      expect(choices[0].finish_reason).toBe('tool_calls');
      expect(call.function.name).toBe('look_up');
      expect(JSON.parse(call.function.arguments)).toMatchObject({ city: expect.any(String) });
      const stream = await chunks('/v1/chat/completions', body);
      const deltas = stream.flatMap(({ choices }) => choices[0]?.delta?.tool_calls ?? []);
      expect(deltas[0].function.name).toBe('look_up');
      const text = deltas.map((delta) => delta.function.arguments).join('');
      expect(JSON.parse(text)).toMatchObject({ city: expect.any(String) });
      expect(stream.at(-1).choices[0].finish_reason).toBe('tool_calls');
    });

    test('repeats what a hand-off is told, and says where to fetch when asked to hold', async () => {
      const told = { remote_engine_id: 'other', remote_block_ids: [1] };
      const body = { messages: HELLO, max_tokens: 1 };
      const echoed = await json('/v1/chat/completions', { ...body, kv_transfer_params: told });
      expect(echoed.kv_transfer_params).toEqual(told);
      const held = await json('/v1/chat/completions', { ...body, kv_transfer_params: { do_remote_decode: true } });
      expect(held.kv_transfer_params).toMatchObject({ do_remote_prefill: true, do_remote_decode: false });
    });

    test('takes a priority, a seed and a salt', async () => {
      const body = { messages: HELLO, max_tokens: 6, seed: 11, priority: -1, cache_salt: 'mine' };
      const one = await json('/v1/chat/completions', body);
      const other = await json('/v1/chat/completions', body);
      expect(other.choices[0].message.content).toBe(one.choices[0].message.content);
      expect(other.id).not.toBe(one.id);
    });

    test("serves Anthropic's messages", async () => {
      const body = { max_tokens: 5, messages: HELLO };
      expect(await json('/v1/messages', body)).toMatchObject({
        type: 'message',
        role: 'assistant',
        stop_reason: 'max_tokens',
        content: [{ type: 'text', text: expect.stringMatching(/./) }],
        usage: { input_tokens: 9, output_tokens: 5 },
      });
      const events = await chunks('/v1/messages', body);
      expect(events.map(({ type }) => type)).toEqual([
        'message_start',
        'content_block_start',
        'ping',
        ...Array(5).fill('content_block_delta'),
        'content_block_stop',
        'message_delta',
        'message_stop',
      ]);
      expect(await json('/v1/messages/count_tokens', { messages: HELLO })).toEqual({ input_tokens: 9 });
      const { status, text } = await ask('/v1/messages', { messages: HELLO });
      expect(status).toBe(400);
      expect(JSON.parse(text)).toMatchObject({
        type: 'error',
        error: { message: expect.stringContaining('max_tokens') },
      });
    });

    test("serves OpenAI's responses", async () => {
      const body = { input: 'Hello there', max_output_tokens: 5 };
      const whole = await json('/v1/responses', body);
      expect(whole).toMatchObject({
        object: 'response',
        status: 'incomplete',
        usage: { input_tokens: 9, output_tokens: 5 },
      });
      const events = await chunks('/v1/responses', body);
      expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, at) => at));
      expect(events.filter(({ type }) => type === 'response.output_text.delta')).toHaveLength(5);
      expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response: { status: 'incomplete' } });
    });

    test('embeds, pools, scores and reranks, and generates nothing', async () => {
      const embedded = await json('/v1/embeddings', { input: ['one two', 'three'], dimensions: 8 });
      expect(embedded.data).toHaveLength(2);
      expect(embedded.data[0].embedding).toHaveLength(8);
      expect(embedded.usage).toMatchObject({ prompt_tokens: 3, total_tokens: 3, completion_tokens: 0 });
      const pooled = await json('/pooling', { input: 'one two' });
      expect(pooled.data[0].data).toHaveLength(4_096);
      for (const path of ['/score', '/v1/score']) {
        const { data: scores } = await json(path, { text_1: 'a dog', text_2: ['a dog', 'tax law'] });
        expect(scores[0].score).toBeGreaterThan(scores[1].score);
      }
      for (const path of ['/rerank', '/v1/rerank', '/v2/rerank']) {
        const { results } = await json(path, { query: 'a dog', documents: ['tax law', 'a dog'], top_n: 1 });
        expect(results).toMatchObject([{ index: 1, document: { text: 'a dog' } }]);
      }
    });

    test('tokenizes and detokenizes', async () => {
      const tokens = await json('/tokenize', { prompt: 'one two', return_token_strs: true });
      expect(tokens).toMatchObject({ count: 2, max_model_len: 4_096, token_strs: ['one', ' two'] });
      const { prompt } = await json('/detokenize', { tokens: tokens.tokens });
      expect((await json('/tokenize', { prompt })).count).toBe(2);
    });

    test('tells of itself', async () => {
      for (const path of ['/health', '/ping']) expect(await get(path)).toMatchObject({ status: 200, text: '' });
      expect(JSON.parse((await get('/version')).text)).toEqual({ version: expect.stringMatching(/^\d/) });
      expect(JSON.parse((await get('/load')).text)).toEqual({ server_load: 0 });
      expect(JSON.parse((await get('/server_info')).text).vllm_config).toContain('max_seq_len=4096');
      expect(JSON.parse((await get('/v1/models')).text)).toMatchObject({ data: [{ id: MODEL }] });
      expect((await get('/metrics')).text).toContain('vllm:num_requests_running');
      expect((await get('/metrics?compat=0.9')).text).toContain('vllm:gpu_cache_usage_perc');
    });

    test('lets pages of any origin ask and read, and says nothing of that to others', async () => {
      const origin = 'https://page.example';
      const preflight = { origin, 'access-control-request-method': 'POST' };
      for (const path of ['/v1/chat/completions', '/v1/models', '/nothing']) {
        const headers = { ...preflight, 'access-control-request-headers': 'authorization,content-type' };
        const asking = await asked(path, { method: 'OPTIONS', headers });
        expect([asking.status, asking.text]).toEqual([200, 'OK']);
        expect(Object.fromEntries(asking.headers)).toMatchObject({
          'access-control-allow-origin': '*',
          'access-control-allow-methods': expect.stringContaining('POST'),
          'access-control-allow-headers': 'authorization,content-type',
          'access-control-max-age': '600',
        });
      }
      const strange = { origin, 'access-control-request-method': 'BREW' };
      expect((await asked('/v1/models', { method: 'OPTIONS', headers: strange })).status).toBe(400);
      const readable = async (path: string, body: object, status: number): Promise<void> => {
        const { headers, ...init } = post({ model: MODEL, ...body }, key());
        const page = await asked(path, { ...init, headers: { ...headers, origin } as Record<string, string> });
        expect([page.status, page.headers.get('access-control-allow-origin')]).toEqual([status, '*']);
        expect((await ask(path, body)).headers.has('access-control-allow-origin')).toBe(false);
      };
      for (const stream of [true, false]) {
        await readable('/v1/chat/completions', { messages: HELLO, max_tokens: 2, stream }, 200);
      }
      await readable('/tokenize', { prompt: 'a' }, 200);
      await readable('/v1/chat/completions', { messages: [] }, 400);
      await readable('/health', {}, 405);
      await readable('/nothing', {}, 404);
    });

    test('names the method that a path takes', async () => {
      const wrong = async (path: string, init: RequestInit) => (await asked(path, init)).headers.get('allow');
      expect((await get('/v1/completions')).status).toBe(405);
      expect((await get('/v1/completions')).headers.get('allow')).toBe('POST');
      expect(await wrong('/v1/models', post({}, key()))).toBe('GET');
      expect(await wrong('/nothing', post({}, key()))).toBeNull();
    });

    test.each([
      ['/v1/chat/completions', { messages: [] }, 400],
      ['/v1/completions', { prompt: 'a', model: 'gpt-9' }, 404],
      ['/v1/completions', { prompt: ['a', Array(5_000).fill('word').join(' ')] }, 400],
      ['/v1/completions', { prompt: Array(100).fill('a'), n: 50 }, 400],
      ['/v1/embeddings', { input: 'a', dimensions: 5_000 }, 400],
      ['/v1/embeddings', {}, 400],
      ['/rerank', { query: 'a', documents: [] }, 400],
      ['/tokenize', { prompt: 'a', model: 'gpt-9' }, 404],
      ['/v1/messages/count_tokens', {}, 400],
      ['/v1/responses', { input: 'a', previous_response_id: 'resp_1' }, 404],
    ])('refuses %s with %j in words, with an id', async (path, body, expected) => {
      const { status, headers, text } = await ask(path, body);
      expect(status, text).toBe(expected);
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
      expect(headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
      expect(JSON.parse(text).error.message).toMatch(/./);
    });
  });

  test('a page may read why the gateway refuses it', async () => {
    await door.within(async (fetch) => {
      const { headers, ...init } = post({ messages: HELLO }, 'sk-wrong');
      const origin = 'https://page.example';
      const url = `${door.url('chat')}/v1/chat/completions`;
      const refused = await fetch(url, { ...init, headers: { ...headers, origin } as Record<string, string> });
      expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, '*']);
      await refused.text();
    });
  });

  test("the gateway's own refusals carry one id, in the header and in the body", async () => {
    await door.within(async (fetch) => {
      const url = `${door.url('chat')}/v1`;
      for (const [path, init, status] of [
        [`${url}/chat/completions`, post({ messages: HELLO }, 'sk-wrong'), 401],
        [`${url}/models`, {}, 401],
        [`${door.url('chat')}/tokenize`, post({ prompt: 'a' }), 401],
        [`${door.gateway}/v2/infer/nobody/v1/models`, post({}, door.apiKey('chat')), 404],
      ] as const) {
        const response = await fetch(path, init);
        expect(response.status).toBe(status);
        const { request_id } = (await response.json()) as { request_id: string };
        expect(response.headers.get('x-request-id')).toBe(request_id);
      }
    });
  });
});

/** vLLM has put its errors into an `error` since 0.10. */
test.each(DOORS)('through $name, a unit of an old vLLM words its errors as that did', async ({ open }) => {
  const units = [{ model: MODEL, engine: { maxModelLen: 4_096, version: '0.9.1' } }];
  const services = [{ name: 'chat', deployments: [{ name: 'main', pool: 'npu', instances: 1, units }] }];
  const door = await open(scenario({ services }));
  try {
    await door.within(async (fetch) => {
      for (const [path, status] of [
        ['/v1/chat/completions', 404],
        ['/tokenize', 404],
      ] as const) {
        const body = { model: 'gpt-9', messages: HELLO, prompt: 'a' };
        const response = await fetch(`${door.url('chat')}${path}`, post(body, door.apiKey('chat')));
        expect(response.status).toBe(status);
        expect(await response.json()).toMatchObject({ object: 'error', code: status, message: expect.any(String) });
      }
      const version = await fetch(`${door.pod(SLOT)}/version`);
      expect(await version.json()).toEqual({ version: '0.9.1' });
    });
  } finally {
    door.close();
  }
});
