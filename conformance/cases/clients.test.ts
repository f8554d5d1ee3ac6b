import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CLIENTS } from '../clients/index.ts';
import { describeWith } from '../support/needs.ts';
import { HELLO_TOKENS, REPLY_TOKENS } from '../support/scenario.ts';
import { Simulator } from '../support/simulator.ts';
import { Tap } from '../support/tap.ts';
import { until } from '../support/until.ts';

/** What its clients call a wrong key and an unknown model. */
const ERROR_NAMES = ['AuthenticationError', 'NotFoundError'] as const;
const OTHER_ERROR_NAMES: Readonly<Record<string, readonly [string, string]>> = {
  'ai 6.0.326': ['APICallError', 'APICallError'],
};

const CITY = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
  required: ['city', 'days'],
  additionalProperties: false,
};
const WEATHER = { name: 'weather', description: 'The weather.', parameters: CITY };
const IS_CITY = { city: expect.any(String), days: expect.any(Number) };

describe('every client', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await Simulator.start();
  });
  beforeEach(() => void simulator.journal());
  afterAll(() => simulator?.stop());

  for (const { name, client } of CLIENTS) {
    describeWith(client && name, name, () => {
      beforeAll(() => client!.open?.());
      afterAll(() => client!.close?.());

      test('gets a whole answer, and the sums of its tokens', async () => {
        const seen = await client!.ask(simulator.gateway);
        expect(seen).toMatchObject({
          finishReason: 'stop',
          usage: { prompt: HELLO_TOKENS, completion: REPLY_TOKENS },
          error: null,
        });
        expect(seen.text).not.toBe('');
        const [call, ...more] = simulator.journal();
        expect(more).toEqual([]);
        expect(call!.command.call).toMatchObject({
          to: { service: 'chat' },
          key: expect.stringMatching(/./),
          promptTokens: HELLO_TOKENS,
        });
      });

      test('streams a piece a token, and gets the usage at the end', async () => {
        const seen = await client!.ask({ ...simulator.gateway, stream: true });
        expect(seen).toMatchObject({
          pieces: REPLY_TOKENS,
          finishReason: 'stop',
          usage: { prompt: HELLO_TOKENS, completion: REPLY_TOKENS },
          error: null,
        });
        expect(simulator.kinds()).toEqual(['call']);
      });

      test('sees that its limit cut the answer', async () => {
        for (const stream of [false, true]) {
          const seen = await client!.ask({ ...simulator.gateway, stream, maxTokens: 7 });
          expect(seen).toMatchObject({ finishReason: 'length', usage: { completion: 7 }, error: null });
          expect(simulator.journal().map(({ command }) => command.call?.maxTokens)).toEqual([7]);
        }
      });

      test('is refused once for a wrong key, and once for an unknown model', async () => {
        const [wrongKeyName, unknownName] = OTHER_ERROR_NAMES[name] ?? ERROR_NAMES;
        const wrongKey = await client!.ask({ ...simulator.gateway, apiKey: 'sk-wrong' });
        expect(wrongKey.error).toMatchObject({ name: wrongKeyName, status: 401 });
        const unknown = await client!.ask({ ...simulator.gateway, model: 'gpt-9' });
        expect(unknown.error).toMatchObject({
          name: unknownName,
          status: 404,
          message: expect.stringContaining('gpt-9'),
        });
        // None of them tries such a thing again.
        expect(simulator.kinds()).toEqual(['call', 'call']);
      });

      test('is told in words when its prompt is too long', async () => {
        const seen = await client!.ask({ ...simulator.gateway, content: 'word '.repeat(9_000) });
        expect(seen.error).toMatchObject({ message: expect.stringContaining('maximum context length') });
        expect(simulator.kinds()).toEqual(['call']);
      });

      test('is called back for a function, whole and streamed', async () => {
        for (const stream of [false, true]) {
          const seen = await client!.ask({ ...simulator.gateway, tool: WEATHER, stream });
          expect(seen.error).toBeNull();
          expect(seen.calls.length).toBeGreaterThan(0);
          for (const call of seen.calls) expect(call).toEqual({ name: 'weather', input: IS_CITY });
          expect(seen.finishReason).toMatch(/^tool.calls$/);
          expect(simulator.kinds()).toEqual(['call']);
        }
      });

      test('gets an answer of a JSON schema', async ({ skip }) => {
        if (client!.schemas !== true) skip('the client asks for no such thing');
        const seen = await client!.ask({ ...simulator.gateway, schema: CITY });
        expect(seen.error).toBeNull();
        expect(JSON.parse(seen.text)).toEqual(IS_CITY);
        expect(simulator.kinds()).toEqual(['call']);
      });

      test('gets the vectors of texts', async ({ skip }) => {
        if (client!.embed === undefined) skip('the client asks for none');
        const texts = ['Hello there', 'and more'];
        const vectors = await client!.embed!(simulator.gateway, texts);
        const [call, ...more] = simulator.journal();
        expect(more).toEqual([]);
        expect(call!.command.call).toMatchObject({ promptTokens: 4, pooling: true });
        const plain = await embeddings(simulator, texts);
        expect(vectors).toHaveLength(texts.length);
        for (const [index, vector] of vectors.entries()) {
          expect(vector).toHaveLength(plain[index]!.length);
          for (const [at, value] of vector.entries()) expect(value).toBeCloseTo(plain[index]![at]!, 5);
        }
      });

      test('reads the same from a line that passes a byte at a time', async () => {
        const tap = await Tap.before(new URL(simulator.gateway.baseURL).origin, 1);
        try {
          const baseURL = simulator.gateway.baseURL.replace(/^http:\/\/[^/]+/, tap.url);
          const seen = await client!.ask({ ...simulator.gateway, baseURL, stream: true });
          expect(seen).toMatchObject({
            pieces: REPLY_TOKENS,
            finishReason: 'stop',
            usage: { prompt: HELLO_TOKENS, completion: REPLY_TOKENS },
            error: null,
          });
        } finally {
          tap.stop();
        }
        expect(simulator.kinds()).toEqual(['call']);
      });

      test('stops the computing when it leaves a stream', async () => {
        const seen = await client!.ask({ ...simulator.gateway, stream: true, leaveAfter: 5 });
        expect(seen.pieces).toBeGreaterThanOrEqual(5);
        expect(seen.pieces).toBeLessThan(REPLY_TOKENS);
        let kinds: string[] = [];
        await until(() => (kinds = [...kinds, ...simulator.kinds()]).length >= 2);
        expect(kinds).toEqual(['call', 'disconnect']);
        await until(async () => (await simulator.metric('vllm:num_requests_running')) === 0);
        expect(await simulator.metric('vllm:kv_cache_usage_perc')).toBe(0);
      });
    });
  }
});

/** The vectors as numbers, asked for without a client. */
async function embeddings({ gateway }: Simulator, input: readonly string[]): Promise<number[][]> {
  const response = await fetch(`${gateway.baseURL}/embeddings`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: gateway.model, input, encoding_format: 'float' }),
  });
  const { data } = (await response.json()) as { data: { embedding: number[] }[] };
  return data.map(({ embedding }) => embedding);
}
