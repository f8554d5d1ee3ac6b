import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Outcome } from '../../src/telemetry/index.ts';
import { LiveLab } from '../support/live.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { attack, type Corpus, hostileStream } from '../support/wire-fuzz.ts';
import { hashOf } from '../support/world.ts';

/** Of each kind. */
const STREAMS = 5_000;
/** At a time. */
const CLIENTS = 40;
const SEED = 20_261_124;
/** Long enough for an answer at this speed, short enough to get through. */
const PATIENCE_MS = 60;
const SPEED = 100;
const SETTLE_MS = 30_000;

/** Hostile bytes crash nothing and leave nothing behind: no request, connection, place in a batch, block or socket. */
describe('hostile streams of bytes', () => {
  let lab: LiveLab;
  const faults: Error[] = [];
  const onFault = (error: Error): number => faults.push(error);

  beforeAll(async () => {
    const services = [chatService('chat', 2), { ...chatService('live', 2), protocol: 'WS' }];
    lab = await LiveLab.open(scenario({ services }), SPEED);
    process.on('uncaughtException', onFault);
  });
  afterAll(() => {
    process.off('uncaughtException', onFault);
    lab.close();
  });

  test('over HTTP, at the gateway and at a pod', async () => {
    const corpus = httpCorpus(new URL(lab.url('chat')).pathname, lab.apiKey('chat'));
    await storm([lab.url('chat'), lab.pod('chat/main/0')].map(portOf), corpus);
    await unharmed();
  }, 180_000);

  test('over WebSocket, at the gateway and at a pod', async () => {
    const path = new URL(lab.url('live')).pathname;
    const corpus = [path, ''].flatMap((base) => webSocketCorpus(`${base}/v1/chat/completions`, lab.apiKey('live')));
    await storm([lab.url('live'), lab.pod('live/main/0')].map(portOf), corpus);
    await unharmed();
    const connected = lab.journal.filter(({ command }) => command.kind === 'connect').length;
    const asked = lab.journal.filter(({ command }) => command.kind === 'call' && 'connection' in command.call).length;
    expect(connected).toBeGreaterThan(STREAMS / 10);
    expect(asked).toBeGreaterThan(STREAMS / 20);
  }, 180_000);

  test('and all of it replays to the same trace', () => {
    lab.live.stop();
    expect(hashOf(lab.replayed())).toBe(hashOf(lab.world));
  });

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
    const { world, live } = lab;
    expect(faults).toEqual([]);
    await until(() => world.requests.inFlight === 0 && live.outbox.size === 0 && sockets() === 0);
    world.check();
    expect(world.gateway.work).toMatchObject({ requests: 0, waiting: 0, attempts: 0, detached: 0, choices: 0 });
    for (const engine of world.engines.all) {
      expect(engine.figures()).toMatchObject({ running: 0, waiting: 0, receiving: 0, kvBlocksUsed: 0 });
    }
    // Some of it was understood: whole answers, refusals, and clients that left in the middle.
    const outcomes = new Set([...world.requests.records()].map(({ outcome }) => outcome));
    expect(outcomes).toEqual(new Set([Outcome.completed, Outcome.refused, Outcome.aborted]));
    const response = await fetch(`${lab.url('chat')}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${lab.apiKey('chat')}`, 'content-type': 'application/json' },
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

/** Handshakes with frames behind them, as a client sends them that does not wait for the answer. */
function webSocketCorpus(path: string, apiKey: string): Corpus {
  const handshake = Buffer.from(
    `GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${apiKey}\r\nupgrade: websocket\r\n` +
      'connection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const ask = Buffer.from(
    JSON.stringify({ messages: [{ role: 'user', content: 'Grüße, 世界 🌍' }], max_tokens: 8, stream: true }),
  );
  const [TEXT, BINARY, CLOSE, PING, FINAL] = [0x1, 0x2, 0x8, 0x9, 0x80];
  const half = ask.length >> 1;
  return [
    [frame(FINAL | TEXT, ask)],
    [frame(TEXT, ask.subarray(0, half)), frame(FINAL, ask.subarray(half))],
    [frame(FINAL | TEXT, ask), frame(FINAL | TEXT, ask), frame(FINAL | PING, Buffer.from('still there?'))],
    [frame(FINAL | TEXT, ask), frame(FINAL | CLOSE, Buffer.from([0x03, 0xe8]))],
    [frame(FINAL | BINARY, Buffer.alloc(70_000, 7))],
    [frame(FINAL | TEXT, Buffer.from('not JSON'))],
  ].map((frames) => Buffer.concat([handshake, ...frames]));
}

/** A frame as clients send them: masked (RFC 6455, 5.2). */
function frame(head: number, payload: Buffer): Buffer {
  const mask = Buffer.from([0x12, 0x34, 0x56, 0x78]);
  const extended = payload.length < 126 ? Buffer.alloc(0) : Buffer.alloc(payload.length < 65_536 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(payload.length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(payload.length));
  const length = extended.length === 0 ? payload.length : extended.length === 2 ? 126 : 127;
  const masked = payload.map((byte, index) => byte ^ mask[index % 4]!);
  return Buffer.concat([Buffer.from([head, 0x80 | length]), extended, mask, masked]);
}
