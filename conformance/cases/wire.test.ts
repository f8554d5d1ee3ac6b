import OpenAI from 'openai-v6';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { unlessUnserved } from '../support/needs.ts';
import { HELLO, HELLO_TOKENS, REPLY_TOKENS } from '../support/scenario.ts';
import { Simulator } from '../support/simulator.ts';
import { pause } from '../support/until.ts';

const messages = [{ role: 'user' as const, content: HELLO }];

describe('what a strict reader finds in the answers', () => {
  let simulator: Simulator;
  let client: OpenAI;
  beforeAll(async () => {
    simulator = await Simulator.start();
    client = new OpenAI({ ...simulator.gateway, logLevel: 'off', maxRetries: 0 });
  });
  beforeEach(() => void simulator.journal());
  afterAll(() => simulator?.stop());

  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${simulator.gateway.baseURL}/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${simulator.gateway.apiKey}`,
        'content-type': 'application/json',
        ...headers,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const chunksOf = async (body: object): Promise<Chunk[]> => {
    const response = await post({ model: simulator.gateway.model, messages, stream: true, ...body });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = (await response.text()).split('\n\n');
    expect(events.pop()).toBe('');
    expect(events.every((event) => event.startsWith('data: '))).toBe(true);
    expect(events.pop()).toBe('data: [DONE]');
    return events.map((event) => JSON.parse(event.slice('data: '.length)) as Chunk);
  };

  test('a stream opens with the role, and its last token brings the finish reason', async () => {
    const chunks = await chunksOf({});
    expect(chunks[0]!.choices[0]).toMatchObject({ delta: { role: 'assistant', content: '' } });
    expect(chunks).toHaveLength(1 + REPLY_TOKENS);
    const reasons = chunks.map(({ choices }) => choices[0]!.finish_reason ?? null);
    expect(reasons).toEqual([...Array(REPLY_TOKENS).fill(null), 'stop']);
    expect(chunks.at(-1)!.choices[0]!.delta.content).not.toBe('');
    expect(chunks.every(({ usage }) => usage === undefined)).toBe(true);
    expect(simulator.kinds()).toEqual(['call']);
  });

  test('the usage comes in a last chunk without choices', async () => {
    const chunks = await chunksOf({ stream_options: { include_usage: true } });
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: HELLO_TOKENS,
        completion_tokens: REPLY_TOKENS,
        total_tokens: HELLO_TOKENS + REPLY_TOKENS,
      },
    });
    expect(simulator.journal()[0]!.command.call!.promptTokens).toBe(HELLO_TOKENS);
  });

  test('the usage so far grows by a token a chunk', async () => {
    const chunks = await chunksOf({ stream_options: { include_usage: true, continuous_usage_stats: true } });
    const counts = chunks.map(({ usage }) => usage!.completion_tokens);
    expect(counts).toEqual([...Array(REPLY_TOKENS + 1).keys(), REPLY_TOKENS]);
    expect(simulator.kinds()).toEqual(['call']);
  });

  test('stream options without a stream are a 400, and so the journal says', async () => {
    const asked = client.chat.completions.create({
      model: simulator.gateway.model,
      messages,
      stream_options: { include_usage: true },
    });
    await expect(asked).rejects.toMatchObject({ status: 400, type: 'BadRequestError', param: 'stream_options' });
    expect(simulator.journal().map(({ command }) => command.call?.invalid)).toEqual([400]);
  });

  test.each([
    ['a missing field', {}, 400, 'Bad Request'],
    ['a value of a wrong type', { messages: 'Hello' }, 400, 'Bad Request'],
    ['a value out of rule', { messages, temperature: -1 }, 400, 'BadRequestError'],
    ['an unknown model', { messages, model: 'gpt-9' }, 404, 'NotFoundError'],
  ])('%s is refused in the words of vLLM', async (_, body, status, type) => {
    const response = await post({ model: simulator.gateway.model, ...body });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { type, code: status, message: expect.stringMatching(/./) } });
    const [entry] = simulator.journal();
    expect(entry!.command.call!.invalid).toBe(status === 400 ? 400 : undefined);
  });

  test('a body that does not say that it is JSON is refused', async ({ skip }) => {
    const response = await post({ model: simulator.gateway.model, messages }, { 'content-type': 'text/plain' });
    if (response.ok) skip('the server reads a body whatever content type it states');
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(simulator.journal().map(({ command }) => command.call?.invalid)).toEqual([response.status]);
  });

  test('a missing key is refused in the words of the platform', async () => {
    const response = await post({ model: simulator.gateway.model, messages }, { authorization: '' });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error_code: 'APIG.0305', error_msg: expect.stringMatching(/./) });
    expect(simulator.journal().map(({ command }) => command.call?.key)).toEqual([null]);
  });

  test('the models are listed, and that is no call', async () => {
    const { data } = await client.models.list();
    expect(data).toMatchObject([{ id: simulator.gateway.model, object: 'model' }]);
    expect(simulator.kinds()).toEqual(['question']);
  });

  test('text completions come whole and as a stream', async () => {
    const { model } = simulator.gateway;
    const whole = await client.completions.create({ model, prompt: HELLO, max_tokens: 5 });
    expect(whole).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 5 } });
    let text = '';
    for await (const { choices } of await client.completions.create({ model, prompt: HELLO, stream: true })) {
      text += choices[0]!.text;
    }
    expect(text).not.toBe('');
    expect(simulator.journal().map(({ command }) => command.call?.maxTokens)).toEqual([5, 16]);
  });

  test('a pod answers at its own address, without a key', async () => {
    const atPod = new OpenAI({ baseURL: `${simulator.pod(0)}/v1`, apiKey: 'none' });
    const answer = await atPod.chat.completions.create({ model: simulator.gateway.model, messages });
    expect(answer.usage).toMatchObject({ completion_tokens: REPLY_TOKENS });
    expect(simulator.journal()[0]!.command.call!.to).toEqual({ slot: 'chat/main/0' });
  });

  test('after 200 clients that left, the next one is answered at once', async () => {
    const impatient = new OpenAI({ ...simulator.gateway, maxRetries: 0, timeout: 500 });
    const long = { model: simulator.gateway.model, messages, max_tokens: 2_000, ignore_eos: true } as const;
    const left = await Promise.allSettled(Array.from({ length: 200 }, () => impatient.chat.completions.create(long)));
    for (const each of left) expect(each).toMatchObject({ status: 'rejected', reason: { message: /timed out/ } });
    await pause(300);
    const asked = performance.now();
    await client.chat.completions.create({ model: simulator.gateway.model, messages, max_tokens: 3 });
    expect(performance.now() - asked).toBeLessThan(1_000);
    // On a busy machine the time of some is up before they have sent anything.
    const kinds = simulator.kinds();
    const calls = kinds.filter((kind) => kind === 'call').length;
    expect(calls).toBeGreaterThan(50);
    expect(kinds.filter((kind) => kind === 'disconnect')).toHaveLength(calls - 1);
    await simulator.idle();
  });

  test('n answers have an index and a finish reason each', async (context) => {
    const body = { model: simulator.gateway.model, messages, n: 3, max_tokens: 5 };
    const whole = await unlessUnserved(context, 'n > 1', () => client.chat.completions.create(body));
    expect(whole.choices.map(({ index, finish_reason }) => [index, finish_reason])).toEqual(
      [0, 1, 2].map((index) => [index, 'length']),
    );
    expect(whole.usage!.completion_tokens).toBe(15);
    const reasons = new Map<number, string>();
    for await (const { choices } of await client.chat.completions.create({ ...body, stream: true })) {
      for (const { index, finish_reason } of choices) if (finish_reason !== null) reasons.set(index, finish_reason);
    }
    expect([...reasons].sort()).toEqual([0, 1, 2].map((index) => [index, 'length']));
    expect(simulator.kinds()).toEqual(['call', 'call']);
  });

  test('a stop string ends the answer, and is named', async ({ skip }) => {
    const answer = await client.chat.completions.create({ model: simulator.gateway.model, messages, stop: ['END'] });
    const [choice] = answer.choices as [(typeof answer.choices)[0] & { stop_reason?: string | null }];
    if (!choice.stop_reason) skip('the server does not name the stop string that ended an answer');
    expect(choice).toMatchObject({ finish_reason: 'stop', stop_reason: 'END' });
    expect(choice.message.content).not.toContain('END');
    expect(simulator.kinds()).toEqual(['call']);
  });
});

interface Chunk {
  readonly choices: readonly {
    readonly delta: { readonly role?: string; readonly content?: string };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly completion_tokens: number };
}
