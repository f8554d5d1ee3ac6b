import { randomBytes } from 'node:crypto';
import OpenAI from 'openai-v6';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLIENTS, type Outcome } from '../clients/index.ts';
import { liteLlmProxy } from '../support/lite-llm-proxy.ts';
import { describeWith, python } from '../support/needs.ts';
import { portkey, portkeyHeaders } from '../support/portkey.ts';
import type { Running } from '../support/process.ts';
import { MODEL, pod } from '../support/scenario.ts';
import { type Simulator, withSimulator } from '../support/simulator.ts';
import { Tap } from '../support/tap.ts';

/** What became of a stream, in a line. */
function told({ finishReason, error }: Outcome): string {
  return error === null ? `no error, ${finishReason}` : `${error.name}: ${error.message.replace(/\s+/g, ' ')}`;
}

/** Those that ask for chat completions, on this machine. */
const HERE = CLIENTS.flatMap(({ client }) => (client === undefined || client.anthropic ? [] : [client]));

interface Way {
  readonly baseURL: string;
  readonly apiKey: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** All clients stream at once when the pod behind a gateway dies: how each of them tells it. */
async function toldByAll(simulator: Simulator, way: Way): Promise<Record<string, string>> {
  const seen = await Promise.all(
    HERE.map(async (client) => {
      const outcome = await client.ask({ ...way, model: MODEL, stream: true, retries: 0 });
      expect(outcome.pieces, `${client.name}: ${told(outcome)}`).toBeGreaterThan(1);
      return [client.name, told(outcome)] as const;
    }),
  );
  expect(simulator.kinds()).toEqual(HERE.map(() => 'call'));
  return Object.fromEntries(seen);
}

/** Of what is expected of every client, what this machine has. */
function ofThese<T>(all: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(HERE.map(({ name }) => [name, all[name]!]));
}

/** How long the pod lives: long enough for every client to have begun, on a busy machine too. */
const LIVES_S = 15;

/** A gateway that stands before its pod does: the pod's time to live begins when all else is ready. */
async function throughGateway(
  start: (podUrl: string) => Promise<Running>,
  body: (simulator: Simulator, gatewayUrl: string, podUrl: string) => Promise<void>,
): Promise<void> {
  let podUrl: string | undefined;
  const tap = await Tap.before(() => podUrl);
  const gateway = await start(tap.url);
  try {
    const timeline = [{ do: 'kill-pod', ...pod(), at: `${LIVES_S}s` }];
    await withSimulator({ timeline, replyTokens: 4_000 }, async (simulator) => {
      podUrl = simulator.pod(0);
      await body(simulator, gateway.url, tap.url);
    });
  } finally {
    await gateway.stop();
    tap.stop();
  }
}

beforeAll(async () => {
  for (const client of HERE) await client.open?.();
});
afterAll(() => {
  for (const client of HERE) client.close?.();
});

const SILENT = 'no error, null';

describe('a stream that ends without a finish reason, as Portkey passes on one that breaks', () => {
  test('is no error to most clients', { timeout: 120_000 }, () =>
    throughGateway(portkey, async (simulator, url, podUrl) => {
      const way = { baseURL: `${url}/v1`, apiKey: 'none', headers: portkeyHeaders(podUrl) };
      expect(await toldByAll(simulator, way)).toEqual(
        ofThese({
          'openai 6.49.0': SILENT,
          'openai 7.57.0': SILENT,
          'ai 6.0.326': expect.stringMatching(/ended without a finish reason/),
          '@langchain/openai 1.5.8': SILENT,
          'Python openai': SILENT,
          // It makes one up.
          LiteLLM: 'no error, stop',
        }),
      );
    }),
  );

  test("is one to the openai client's helper", { timeout: 120_000 }, () =>
    throughGateway(portkey, async (simulator, url, podUrl) => {
      const defaultHeaders = portkeyHeaders(podUrl);
      const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0, defaultHeaders });
      const messages = [{ role: 'user' as const, content: 'Hello there' }];
      const stream = openai.chat.completions.stream({ model: MODEL, messages });
      await expect(stream.finalChatCompletion()).rejects.toThrow('missing finish_reason for choice 0');
      expect(simulator.kinds()).toEqual(['call']);
    }),
  );
});

describeWith(python('litellm', 'litellm'), 'an error in the middle of a stream, as the LiteLLM proxy sends one', () => {
  test('is an error to every client, and the text so far is there', { timeout: 240_000 }, async () => {
    const apiKey = `sk-${randomBytes(32).toString('hex')}`;
    const start = (podUrl: string): Promise<Running> => liteLlmProxy([podUrl], apiKey, [MODEL]);
    await throughGateway(start, async (simulator, url) => {
      expect(await toldByAll(simulator, { baseURL: `${url}/v1`, apiKey })).toEqual(
        ofThese({
          'openai 6.49.0': expect.stringMatching(/^APIError: /),
          'openai 7.57.0': expect.stringMatching(/^APIError: /),
          'ai 6.0.326': expect.stringMatching(/Error: /),
          '@langchain/openai 1.5.8': expect.stringMatching(/^APIError: /),
          'Python openai': expect.stringMatching(/^APIError: /),
          LiteLLM: expect.stringMatching(/Error: /),
        }),
      );
    });
  });
});
