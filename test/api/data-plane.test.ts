import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DOORS, type OpenDoor } from '../support/doors.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { type Chunk, events, post } from '../support/wire.ts';

const HELLO = { model: 'qwen3-8b', messages: [{ role: 'user', content: 'Hello there' }] };
/** Two words, a message's frame of 4, and 3 to prime the reply. */
const HELLO_TOKENS = 9;
const PROMPT = { model: 'qwen3-8b', prompt: [1, 2, 3, 4, 5] };
const CHAT = '/v1/chat/completions';

describe.each(DOORS)('the data plane through $name', ({ open }) => {
  let door: OpenDoor;
  beforeAll(async () => {
    door = await open(scenario());
  });
  afterAll(() => door.close());

  /** Sends a body to an operation of the service and hands the answer on. */
  const ask = async (path: string, body: unknown): Promise<{ status: number; headers: Headers; text: string }> => {
    let answer = { status: 0, headers: new Headers(), text: '' };
    await door.within(async (fetch) => {
      const response = await fetch(door.url('chat') + path, post(body, door.apiKey('chat')));
      answer = { status: response.status, headers: response.headers, text: await response.text() };
    });
    return answer;
  };
  const stream = async (path: string, body: object): Promise<Chunk[]> => {
    let data: string[] = [];
    await door.within(async (fetch) => {
      const response = await fetch(door.url('chat') + path, post({ ...body, stream: true }, door.apiKey('chat')));
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
      data = await events(response);
    });
    expect(data.pop()).toBe('[DONE]');
    return data.map((each) => JSON.parse(each));
  };

  test('a chat completion comes whole', async () => {
    const { status, headers, text } = await ask(CHAT, HELLO);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    const body = JSON.parse(text);
    expect(body).toMatchObject({
      object: 'chat.completion',
      model: 'qwen3-8b',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant' } }],
      usage: { prompt_tokens: HELLO_TOKENS, completion_tokens: 20, total_tokens: HELLO_TOKENS + 20 },
    });
    expect(body.choices[0].message.content).not.toBe('');
  });

  test('a chat completion streams one chunk a token, the role before and the finish reason on the last', async () => {
    const chunks = await stream(CHAT, HELLO);
    const deltas = chunks.map(({ choices }) => choices[0]?.delta);
    expect(deltas[0]?.role).toBe('assistant');
    expect(chunks).toHaveLength(1 + 20);
    expect(deltas.slice(1).every((delta) => typeof delta?.content === 'string' && delta.content !== '')).toBe(true);
    const reasons = chunks.map(({ choices }) => choices[0]?.finish_reason ?? null);
    expect(reasons).toEqual([...Array(20).fill(null), 'stop']);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(chunks.some(({ usage }) => usage)).toBe(false);
  });

  test('a text completion comes whole', async () => {
    const { status, text } = await ask('/v1/completions', PROMPT);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, finish_reason: 'length' }],
      usage: { prompt_tokens: 5, completion_tokens: 16, total_tokens: 21 },
    });
  });

  test('a text completion streams one chunk a token', async () => {
    const chunks = await stream('/v1/completions', { ...PROMPT, max_tokens: 3 });
    expect(chunks.map(({ object }) => object)).toEqual(Array(3).fill('text_completion'));
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, 'length']);
  });

  test('the usage comes in a last chunk without choices', async () => {
    const chunks = await stream(CHAT, { ...HELLO, stream_options: { include_usage: true } });
    const last = chunks.pop()!;
    expect(last.choices).toEqual([]);
    expect(last.usage).toMatchObject({ prompt_tokens: HELLO_TOKENS, completion_tokens: 20 });
    expect(chunks.some(({ usage }) => usage)).toBe(false);
  });

  test('the usage so far comes on every chunk when asked for', async () => {
    const options = { include_usage: true, continuous_usage_stats: true };
    for (const [path, body, opening] of [
      [CHAT, HELLO, 1],
      ['/v1/completions', PROMPT, 0],
    ] as const) {
      const chunks = await stream(path, { ...body, max_tokens: 4, stream_options: options });
      const counts = chunks.map(({ usage }) => usage?.completion_tokens);
      expect(counts).toEqual([...(opening === 1 ? [0] : []), 1, 2, 3, 4, 4]);
    }
  });

  test('the finish reason is length when the limit cut the answer, else stop', async () => {
    const reason = async (limits: object) =>
      JSON.parse((await ask(CHAT, { ...HELLO, ...limits })).text).choices[0].finish_reason;
    expect(await reason({ max_tokens: 7 })).toBe('length');
    expect(await reason({ max_completion_tokens: 7 })).toBe('length');
    expect(await reason({ max_tokens: 20 })).toBe('stop');
    expect(await reason({ max_tokens: 30, ignore_eos: true })).toBe('length');
  });

  test('the models of the service are listed', async () => {
    await door.within(async (fetch) => {
      const headers = { authorization: `Bearer ${door.apiKey('chat')}` };
      const response = await fetch(`${door.url('chat')}/v1/models`, { headers });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({
        object: 'list',
        data: [{ id: 'qwen3-8b', object: 'model', max_model_len: 4096 }],
      });
    });
  });

  test('without a valid key the gateway refuses with 401 in its own words', async () => {
    await door.within(async (fetch) => {
      for (const key of [undefined, 'sk-wrong']) {
        const response = await fetch(`${door.url('chat')}${CHAT}`, post(HELLO, key));
        expect(response.status).toBe(401);
        expect(await response.json()).toEqual({
          error_code: 'APIG.0305',
          error_msg: 'Incorrect authentication information.',
          request_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        });
      }
      const models = await fetch(`${door.url('chat')}/v1/models`);
      expect(models.status).toBe(401);
    });
  });

  test('an unknown service is 404 from the gateway', async () => {
    await door.within(async (fetch) => {
      const unknown = `${door.gateway}/v2/infer/00000000-0000-4000-8000-00000000dead${CHAT}`;
      const response = await fetch(unknown, post(HELLO, door.apiKey('chat')));
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error_code: 'APIG.0101' });
    });
  });

  test('an unknown operation is 404 from the gateway', async () => {
    expect((await ask('/v1/audio/speech', {})).status).toBe(404);
  });

  test("an unknown model is 404 in the engine's words", async () => {
    const { status, text } = await ask(CHAT, { ...HELLO, model: 'gpt-9' });
    expect(status).toBe(404);
    expect(JSON.parse(text).error).toMatchObject({ type: 'NotFoundError', param: 'model', code: 404 });
    expect(text).toContain('gpt-9');
  });

  test.each([
    ['no messages', { model: 'qwen3-8b' }, 'messages'],
    ['messages of a wrong type', { ...HELLO, messages: 'Hello' }, 'messages'],
    ['a temperature out of range', { ...HELLO, temperature: -1 }, 'temperature'],
    ['no token at all', { ...HELLO, max_tokens: 0 }, 'max_tokens'],
    ['stream options without a stream', { ...HELLO, stream_options: { include_usage: true } }, 'stream_options'],
  ])('%s is 400', async (_, body, named) => {
    const { status, text } = await ask(CHAT, body);
    expect(status).toBe(400);
    const { error } = JSON.parse(text);
    expect(error.code).toBe(400);
    expect(`${error.param} ${error.message}`).toContain(named);
  });

  test('a prompt that fills the context is 400', async () => {
    const { status, text } = await ask('/v1/completions', { ...PROMPT, prompt: Array(5000).fill(1) });
    expect(status).toBe(400);
    expect(JSON.parse(text).error.message).toMatch(/5000.*maximum context length.*4096/);
  });

  test('an answer never grows beyond the context', async () => {
    const body = { ...PROMPT, prompt: Array(4090).fill(1), max_tokens: 6, ignore_eos: true };
    const { status, text } = await ask('/v1/completions', body);
    expect(status).toBe(200);
    expect(JSON.parse(text).usage).toMatchObject({ prompt_tokens: 4090, completion_tokens: 6 });
  });

  test('all of /v2/infer, /v2/infers and the plain /v1 reach the only service', async () => {
    await door.within(async (fetch) => {
      const plural = door.url('chat').replace('/v2/infer/', '/v2/infers/');
      for (const base of [door.url('chat'), plural, door.gateway]) {
        const response = await fetch(`${base}${CHAT}?trace=1`, post(HELLO, door.apiKey('chat')));
        expect(response.status, base).toBe(200);
        await response.text();
      }
    });
  });
});

describe.each(DOORS)('two services through $name', ({ open }) => {
  test('each is reached by its id and its own key only, and the plain /v1 asks for a name', async () => {
    const door = await open(scenario({ services: [chatService('chat', 1), chatService('code', 1)] }));
    try {
      await door.within(async (fetch) => {
        const status = async (base: string, key: string): Promise<number> => {
          const response = await fetch(`${base}${CHAT}`, post(HELLO, key));
          await response.text();
          return response.status;
        };
        expect(door.apiKey('chat')).not.toBe(door.apiKey('code'));
        expect(await status(door.url('code'), door.apiKey('code'))).toBe(200);
        expect(await status(door.url('code'), door.apiKey('chat'))).toBe(401);
        expect(await status(door.gateway, door.apiKey('chat'))).toBe(404);
      });
    } finally {
      door.close();
    }
  });
});
