import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CLIENTS } from '../clients/index.ts';
import { describeWith } from '../support/needs.ts';
import { HELLO_TOKENS, REPLY_TOKENS } from '../support/scenario.ts';
import { Simulator } from '../support/simulator.ts';
import { until } from '../support/until.ts';

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
        const wrongKey = await client!.ask({ ...simulator.gateway, apiKey: 'sk-wrong' });
        expect(wrongKey.error).toMatchObject({ status: 401 });
        const unknown = await client!.ask({ ...simulator.gateway, model: 'gpt-9' });
        expect(unknown.error).toMatchObject({ status: 404, message: expect.stringContaining('gpt-9') });
        // None of them tries such a thing again.
        expect(simulator.kinds()).toEqual(['call', 'call']);
      });

      test('is told in words when its prompt is too long', async () => {
        const seen = await client!.ask({ ...simulator.gateway, content: 'word '.repeat(9_000) });
        expect(seen.error).toMatchObject({ message: expect.stringContaining('maximum context length') });
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
