import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLIENTS, type Outcome } from '../clients/index.ts';
import { describeWith } from '../support/needs.ts';
import { pod } from '../support/scenario.ts';
import { gapsMs, withSimulator } from '../support/simulator.ts';
import { pause, until } from '../support/until.ts';

/** What is known of a client, and differs between clients. */
interface Traits {
  /** What becomes of the platform's own error body, which is not OpenAI's. */
  readonly throttled: RegExp;
  readonly lost: RegExp;
  /** A connection that breaks in the middle of a stream. */
  readonly cut: RegExp;
  /** Its timeout is for the silence in a stream, too. */
  readonly timesOutInStreams: boolean;
  /** How it says that its time is up. */
  readonly timedOut: RegExp;
  /** Tries again when its time is up. */
  readonly retriesTimeouts: boolean;
  /** Asks more than three times before it gives up. */
  readonly asksOn: boolean;
  /** What it does about a `Retry-After` of a minute and a half. */
  readonly atLongWaits: 'waits' | 'asks again as if there were none' | 'gives up';
}

const OPENAI: Traits = {
  throttled: /^RateLimitError 429: 429 status code \(no body\)/,
  lost: /^InternalServerError 502: 502 status code \(no body\)/,
  cut: /^TypeError null: terminated/,
  timesOutInStreams: false,
  timedOut: /^APIConnectionTimeoutError null: Request timed out/,
  retriesTimeouts: true,
  asksOn: false,
  atLongWaits: 'waits',
};

const TRAITS: Readonly<Record<string, Traits>> = {
  'openai 6.49.0': OPENAI,
  'openai 7.57.0': {
    ...OPENAI,
    throttled: /^RateLimitError 429: .*"error_code":"APIG\.0308"/,
    lost: /^InternalServerError 502: .*"error_code":"APIG\.0202"/,
    atLongWaits: 'asks again as if there were none',
  },
  'ai 6.0.326': {
    throttled: /^APICallError 429: Too Many Requests/,
    lost: /^APICallError 502: Bad Gateway/,
    cut: /^APICallError 200: Failed to process successful response/,
    timesOutInStreams: true,
    timedOut: /aborted/,
    retriesTimeouts: false,
    asksOn: false,
    atLongWaits: 'asks again as if there were none',
  },
  '@langchain/openai 1.5.8': {
    ...OPENAI,
    timedOut: /^TimeoutError null: Request timed out/,
    asksOn: true,
    atLongWaits: 'gives up',
  },
  '@anthropic-ai/sdk 1.12.0': {
    throttled: /^RateLimitError 429: .*"error_code":"APIG\.0308"/,
    lost: /^InternalServerError 502: .*"error_code":"APIG\.0202"/,
    cut: /^AnthropicError null: terminated/,
    timesOutInStreams: false,
    timedOut: /^APIConnectionTimeoutError null: Request timed out/,
    retriesTimeouts: true,
    asksOn: false,
    atLongWaits: 'waits',
  },
  'Python openai': {
    throttled: /^RateLimitError 429: Error code: 429/,
    lost: /^InternalServerError 502: Error code: 502/,
    cut: /^APIConnectionError null: Connection error/,
    timesOutInStreams: true,
    timedOut: /^APITimeoutError null: Request timed out/,
    retriesTimeouts: true,
    asksOn: false,
    atLongWaits: 'waits',
  },
  LiteLLM: {
    throttled: /^RateLimitError 429: .*APIG\.0308/,
    lost: /^BadGatewayError 502: .*APIG\.0202/,
    cut: /^MidStreamFallbackError 500: .*reset by peer/,
    timesOutInStreams: true,
    timedOut: /^Timeout 408: .*timed out/,
    retriesTimeouts: true,
    asksOn: false,
    atLongWaits: 'waits',
  },
};

/** Longer than any of them waits before it asks a second time of its own accord. */
const PATIENCE_MS = 6_000;

describe('when things go wrong', () => {
  for (const { name, client } of CLIENTS) {
    const traits = TRAITS[name]!;
    describeWith(client && name, name, () => {
      beforeAll(() => client!.open?.());
      afterAll(() => client!.close?.());

      test('a 429 with Retry-After is tried again until it passes', async () => {
        const refuse = { do: 'refuse', service: 'chat', status: 429, retryAfterSeconds: 1, at: '0s', for: '3s' };
        const requests = await withSimulator({ timeline: [refuse] }, async (simulator) => {
          const seen = await client!.ask({ ...simulator.gateway, retries: 6 });
          expect(seen).toMatchObject({ finishReason: 'stop', error: null });
          const calls = simulator.journal();
          expect(calls.length).toBeGreaterThanOrEqual(2);
          for (const gap of gapsMs(calls)) expect(gap).toBeGreaterThanOrEqual(990);
        });
        expect(requests.map(({ status }) => status)).toEqual([...Array(requests.length - 1).fill(429), 200]);
      });

      test("a 429 that is not tried again is the client's rate limit error; of the platform's body it keeps this", async () => {
        const refuse = { do: 'refuse', service: 'chat', status: 429, retryAfterSeconds: 1, at: '0s' };
        const requests = await withSimulator({ timeline: [refuse] }, async (simulator) => {
          const seen = await client!.ask({ ...simulator.gateway, retries: 0 });
          expect(told(seen)).toMatch(traits.throttled);
        });
        expect(requests.map(({ status }) => status)).toEqual([429]);
      });

      test(`of its own accord it asks ${traits.asksOn ? 'more than ' : ''}three times`, async () => {
        const refuse = { do: 'refuse', service: 'chat', status: 503, at: '0s' };
        await withSimulator({ timeline: [refuse] }, async (simulator) => {
          let calls = 0;
          const asked = client!.ask(simulator.gateway);
          await Promise.race([asked, until(() => (calls += simulator.kinds().length) > 3)]);
          calls += simulator.kinds().length;
          expect(calls).toBe(traits.asksOn ? 4 : 3);
          if (!traits.asksOn) expect((await asked).error).not.toBeNull();
        });
      });

      test(`told to wait for 90 s it ${traits.atLongWaits}`, async () => {
        const refuse = { do: 'refuse', service: 'chat', status: 429, retryAfterSeconds: 90, at: '0s' };
        await withSimulator({ timeline: [refuse] }, async (simulator) => {
          const asked = client!.ask({ ...simulator.gateway, retries: 1 }).catch(() => null);
          const seen = await Promise.race([asked, pause(PATIENCE_MS)]);
          if (traits.atLongWaits === 'waits') {
            // Not even its caller's leaving wakes some of them.
            expect(seen).toBeUndefined();
            client!.close?.();
          } else expect(seen?.error).not.toBeNull();
          const asksAgain = traits.atLongWaits === 'asks again as if there were none';
          expect(simulator.kinds()).toEqual(asksAgain ? ['call', 'call'] : ['call']);
        });
      });

      test('a 503 that passes is tried again', async () => {
        // Long enough for the slowest client to have started, on a machine that is busy.
        const refuse = { do: 'refuse', service: 'chat', status: 503, at: '0s', for: '6s' };
        const requests = await withSimulator({ timeline: [refuse] }, async (simulator) => {
          expect(await client!.ask({ ...simulator.gateway, retries: 6 })).toMatchObject({ error: null });
        });
        expect(requests.length).toBeGreaterThanOrEqual(2);
        expect(requests.map(({ status }) => status)).toEqual([...Array(requests.length - 1).fill(503), 200]);
      });

      test('a pod that dies in mid-stream is an error, and the text so far is there', async () => {
        const timeline = [{ do: 'kill-pod', ...pod(), at: '2s' }];
        const requests = await withSimulator({ timeline, replyTokens: 400 }, async (simulator) => {
          const seen = await client!.ask({ ...simulator.gateway, stream: true, retries: 0 });
          expect(told(seen)).toMatch(traits.cut);
          expect(seen.pieces).toBeGreaterThan(1);
          expect(simulator.kinds()).toEqual(['call']);
        });
        expect(requests).toMatchObject([{ outcome: 'cut' }]);
      });

      test("a pod that dies before its answer is the gateway's 502", async () => {
        const timeline = [{ do: 'kill-pod', ...pod(), at: '2s' }];
        const requests = await withSimulator({ timeline, replyTokens: 400 }, async (simulator) => {
          expect(told(await client!.ask({ ...simulator.gateway, retries: 0 }))).toMatch(traits.lost);
          expect(simulator.kinds()).toEqual(['call']);
        });
        expect(requests).toMatchObject([{ outcome: 'cut', status: 502 }]);
      });

      test(`a stream that falls silent ${traits.timesOutInStreams ? 'times out' : 'goes on until its caller leaves'}`, async () => {
        const timeline = [{ do: 'hang-container', ...pod(), at: '1500ms' }];
        const requests = await withSimulator({ timeline, replyTokens: 400 }, async (simulator) => {
          const asked = performance.now();
          const limits = { timeoutMs: 1_000, leaveAfterMs: 4_000 };
          const seen = await client!.ask({ ...simulator.gateway, stream: true, retries: 0, ...limits });
          if (traits.timesOutInStreams) expect(performance.now() - asked).toBeLessThan(4_000);
          else expect(performance.now() - asked).toBeGreaterThan(3_900);
          expect(seen.pieces).toBeGreaterThan(1);
          expect(seen.finishReason).toBeNull();
          await pause(200);
          expect(simulator.kinds()).toEqual(['call', 'disconnect']);
        });
        expect(requests).toMatchObject([{ outcome: 'aborted' }]);
      });

      test(`an answer that does not begin times out, ${traits.retriesTimeouts ? 'twice' : 'once'}`, async () => {
        const timeline = [{ do: 'hang-container', ...pod(), at: '0s' }];
        const requests = await withSimulator({ timeline }, async (simulator) => {
          const seen = await client!.ask({ ...simulator.gateway, timeoutMs: 600, retries: 1 });
          expect(told(seen)).toMatch(traits.timedOut);
          await pause(200);
          const once = ['call', 'disconnect'];
          expect(simulator.kinds()).toEqual(traits.retriesTimeouts ? [...once, ...once] : once);
        });
        for (const { outcome, outputTokens } of requests) expect([outcome, outputTokens]).toEqual(['aborted', 0]);
      });
    });
  }
});

function told({ error }: Outcome): string {
  return error === null ? 'no error' : `${error.name} ${error.status}: ${error.message.replace(/\s+/g, ' ')}`;
}
