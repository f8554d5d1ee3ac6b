import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Live, LiveServer } from '../../src/api/index.ts';
import { loadScenarioText } from '../../src/files/index.ts';
import { World } from '../../src/lab/index.ts';
import { Outcome } from '../../src/telemetry/index.ts';
import { scenario } from '../support/scenario.ts';
import { attack, type Corpus, hostileStream } from '../support/wire-fuzz.ts';

/** Of each kind. */
const STREAMS = 5_000;
/** At a time. */
const CLIENTS = 40;
const SEED = 20_261_124;
/** Long enough for an answer at this speed, short enough to get through. */
const PATIENCE_MS = 60;
const SPEED = 100;
const SETTLE_MS = 20_000;

/** Hostile bytes crash nothing and leave nothing behind: no request, no place in a batch, no block, no socket. */
describe('hostile streams of bytes', () => {
  let world: World;
  let live: Live;
  let server: LiveServer;
  const faults: Error[] = [];
  const onFault = (error: Error): number => faults.push(error);

  beforeAll(async () => {
    const { description } = loadScenarioText(JSON.stringify(scenario({}, 2)), 'scenario', {}, String);
    world = new World(description);
    world.runUntilSettled();
    live = new Live(
      world,
      SPEED,
      () => {},
      () => server.followPods(),
    );
    server = new LiveServer(live, { host: '127.0.0.1', port: 0 });
    await server.open();
    live.wake();
    process.on('uncaughtException', onFault);
  });
  afterAll(async () => {
    process.off('uncaughtException', onFault);
    live.stop();
    await server.close(() => true);
  });

  test('over HTTP, at the gateway and at a pod', async () => {
    const { gateway, services, pods } = server.addresses();
    const [service] = services;
    const corpus = httpCorpus(new URL(service!.url).pathname, service!.apiKey!);
    await storm([gateway, pods[0]!.url].map(portOf), corpus);
    await unharmed();
    // Some of it was understood: whole answers, refusals, and clients that left in the middle.
    const outcomes = new Set([...world.requests.records()].map(({ outcome }) => outcome));
    expect(outcomes).toEqual(new Set([Outcome.completed, Outcome.refused, Outcome.aborted]));
  }, 120_000);

  async function storm(ports: readonly number[], corpus: Corpus): Promise<void> {
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < STREAMS) {
        const number = next++;
        await attack(ports[number % ports.length]!, hostileStream(corpus, SEED, number), PATIENCE_MS);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }

  /** Everything has been given back, and a request like any other is answered. */
  async function unharmed(): Promise<void> {
    expect(faults).toEqual([]);
    await until(() => world.requests.inFlight === 0 && live.outbox.size === 0 && sockets() === 0);
    world.check();
    expect(world.gateway.work).toEqual({ requests: 0, waiting: 0, attempts: 0, detached: 0, choices: 0 });
    for (const engine of world.engines.all) {
      expect(engine.figures()).toMatchObject({ running: 0, waiting: 0, receiving: 0, kvBlocksUsed: 0 });
    }
    const { url, apiKey } = server.addresses().services[0]!;
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'qwen3-8b', messages: [{ role: 'user', content: 'Hello' }] }),
    });
    expect(response.status).toBe(200);
    await response.arrayBuffer();
  }
});

/** Sockets that are open in this process, the clients' and the server's. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`Something is left behind: ${sockets()} sockets`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** Requests that are answered when they are left whole. */
function httpCorpus(servicePath: string, apiKey: string): Corpus {
  const body = (more: object): string =>
    JSON.stringify({
      model: 'qwen3-8b',
      messages: [{ role: 'user', content: 'Grüße, 世界 🌍' }],
      max_tokens: 8,
      ...more,
    });
  const head = (method: string, path: string, more: string): string =>
    `${method} ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${apiKey}\r\n${more}\r\n`;
  const json = 'content-type: application/json\r\n';
  const posted = (path: string, text: string): string =>
    head('POST', path, `${json}content-length: ${Buffer.byteLength(text)}\r\n`) + text;
  const chunked = (path: string, text: string): string => {
    const bytes = Buffer.from(text);
    const half = bytes.length >> 1;
    const parts = [bytes.subarray(0, half), bytes.subarray(half), Buffer.alloc(0)];
    const chunks = parts.map((part) => `${part.length.toString(16)}\r\n${part.toString('latin1')}\r\n`).join('');
    return head('POST', path, `${json}transfer-encoding: chunked\r\n`) + chunks;
  };
  return [servicePath, ''].flatMap((base) =>
    [
      posted(`${base}/v1/chat/completions`, body({ stream: true, stream_options: { include_usage: true } })),
      posted(`${base}/v1/chat/completions`, body({ n: 3 })),
      posted(`${base}/v1/completions`, JSON.stringify({ model: 'qwen3-8b', prompt: ['one', 'two'], max_tokens: 5 })),
      posted(`${base}/v1/embeddings`, JSON.stringify({ model: 'qwen3-8b', input: 'Grüße' })),
      posted(`${base}/v1/messages`, body({ stream: true })),
      posted(`${base}/tokenize`, JSON.stringify({ prompt: 'one two three' })),
      chunked(`${base}/v1/chat/completions`, body({ stream: true })),
      head('GET', `${base}/v1/models`, ''),
      head('GET', `${base}/health`, 'connection: close\r\n'),
      head('POST', `${base}/v1/chat/completions`, `${json}expect: 100-continue\r\ncontent-length: 2\r\n`),
    ].map((text) => Buffer.from(text)),
  );
}
