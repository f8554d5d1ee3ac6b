import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLIENTS, type Client } from '../clients/index.ts';
import { describeWith, which } from '../support/needs.ts';
import { run } from '../support/process.ts';
import { type Entry, gapsMs, withSimulator } from '../support/simulator.ts';

/** What clients make of headers that neither the platform nor vLLM sends, and gateways in front of them do. */
interface Traits {
  /** Where it reads no milliseconds, a refusal without a `Retry-After` that it reads is its last word. */
  readonly obeysMilliseconds: boolean;
  readonly obeysDate: boolean;
  readonly obeysShouldRetry: boolean;
}

const ALL: Traits = { obeysMilliseconds: true, obeysDate: true, obeysShouldRetry: true };

const TRAITS: Readonly<Record<string, Traits>> = {
  'openai 6.49.0': ALL,
  'openai 7.57.0': ALL,
  'ai 6.0.326': { ...ALL, obeysShouldRetry: false },
  '@langchain/openai 1.5.8': { obeysMilliseconds: false, obeysDate: true, obeysShouldRetry: false },
  '@anthropic-ai/sdk 1.12.0': ALL,
  'Python openai': ALL,
  LiteLLM: ALL,
};

/** Longer than any of the clients would wait by itself. */
const WAIT_MS = 3_000;

describeWith(which('haproxy'), 'behind a haproxy that adds headers', (command) => {
  /** What the platform hears of a client that is refused through a haproxy with these rules. */
  async function heard(client: Client, status: number, rules: readonly string[], retries: number): Promise<Entry[]> {
    let calls: Entry[] = [];
    const timeline = [{ do: 'refuse', service: 'chat', status, at: '0s' }];
    await withSimulator({ timeline }, async (simulator) => {
      const { host, pathname } = new URL(simulator.gateway.baseURL);
      const haproxy = await run({
        command,
        args: (_, config) => ['-db', '-f', config],
        config: (port) => `
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
listen platform
  bind 127.0.0.1:${port}
${rules.map((rule) => `  http-response ${rule}`).join('\n')}
  server platform ${host}
`,
      });
      try {
        const seen = await client.ask({ ...simulator.gateway, baseURL: haproxy.url + pathname, retries });
        expect(seen.error).not.toBeNull();
        calls = simulator.journal();
      } finally {
        await haproxy.stop();
      }
    });
    return calls;
  }

  for (const { name, client } of CLIENTS) {
    const traits = TRAITS[name]!;
    describeWith(client && name, name, () => {
      beforeAll(() => client!.open?.());
      afterAll(() => client!.close?.());

      test(`Retry-After in milliseconds is ${traits.obeysMilliseconds ? '' : 'not '}obeyed`, async () => {
        const calls = await heard(client!, 429, [`set-header retry-after-ms ${WAIT_MS}`], 1);
        expect(calls).toHaveLength(traits.obeysMilliseconds ? 2 : 1);
        for (const gap of gapsMs(calls)) expect(gap).toBeGreaterThanOrEqual(WAIT_MS - 20);
      });

      test(`Retry-After as a date is ${traits.obeysDate ? '' : 'not '}obeyed`, async () => {
        // A date has no fractions: up to a second of it has passed.
        const rule = `set-header retry-after %[date(${WAIT_MS / 1_000 + 1}),http_date]`;
        const calls = await heard(client!, 429, [rule], 1);
        expect(calls).toHaveLength(2);
        expect(gapsMs(calls)[0]! >= WAIT_MS - 20).toBe(traits.obeysDate);
      });

      test(`x-should-retry: false is ${traits.obeysShouldRetry ? '' : 'not '}obeyed`, async () => {
        const calls = await heard(client!, 503, ['set-header x-should-retry false'], 1);
        expect(calls).toHaveLength(traits.obeysShouldRetry ? 1 : 2);
      });
    });
  }
});
