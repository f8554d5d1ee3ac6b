import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Call } from '../../src/gateway/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import { refused, taken } from '../scenario/ruled.ts';
import { ask, called } from '../support/calls.ts';
import { guideRule } from '../support/guide-rule.ts';
import type { Quick } from '../support/quick.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { DEPLOYMENT, SERVICE } from '../support/world.ts';
import { LivePlatform } from './live.ts';

/** WebSocket (guide 2750-2851), over real sockets. */

const COMPLETIONS = '/v1/completions';
const KEY = /^HTTP\/1\.1 101 /;
const KILOBYTE = 1_024;

const completion = (prompt: string, more: object = {}): string =>
  JSON.stringify({ model: 'qwen3-8b', prompt, max_tokens: 3, ...more });

describe('a WebSocket', () => {
  let platform: LivePlatform;
  const PROTOCOLS = ['WS', 'WSS', 'HTTP', 'HTTPS'] as const;
  beforeAll(async () => {
    const small = { ...chatService('small', 1), protocol: 'WS', requestSizeMB: 1 };
    const services = PROTOCOLS.map((protocol) => ({ ...chatService(protocol, 1), protocol }));
    const units = [{ model: 'qwen3-8b' }];
    const deployments = [{ name: 'main', pool: 'npu', instances: 1, units }];
    const long = { ...small, name: 'long', requestSizeMB: 50, deployments };
    platform = await LivePlatform.open(scenario({ services: [...services, small, long] }));
  });
  afterAll(() => platform.close());

  const to = (
    name: string,
    headers: Record<string, string> = { authorization: `Bearer ${platform.service(name).apiKey}` },
  ) => ({
    secure: ['WSS', 'HTTPS'].includes(name),
    path: platform.pathOf(name, COMPLETIONS),
    headers,
  });

  guideRule(2754, 'a WebSocket stays open, and messages go both ways over it', async () => {
    for (const name of ['WS', 'WSS']) {
      const asked = ['one', 'two', 'three', 'four'].map((prompt) => completion(prompt, { echo: true, max_tokens: 0 }));
      const answer = await platform.converse(to(name), asked);
      if ('status' in answer) throw new Error(`Refused: ${answer.status}`);
      expect(answer.messages.map((each) => JSON.parse(each).choices[0].text)).toEqual(['one', 'two', 'three', 'four']);
      // A stream is many messages to one, which the client did not ask for one by one.
      const socket = platform.open(to(name));
      const pieces = await new Promise<number>((resolve, reject) => {
        let count = 0;
        socket
          .on('error', reject)
          .on('open', () => socket.send(completion('one', { stream: true, max_tokens: 5 })))
          .on('message', (data) => {
            count++;
            if (String(data).includes('[DONE]')) resolve(count);
          });
      });
      expect(pieces).toBeGreaterThanOrEqual(5);
      expect(socket.readyState).toBe(socket.OPEN);
      socket.close();
    }
  });

  guideRule(2756, 'over WSS the server proves who it is, and clients need no certificate', async () => {
    const port = Number(new URL(platform.addresses.tlsGateway!).port);
    const stranger = await new Promise<string>((resolve) => {
      // Of an authority that a client does not know it takes nothing.
      const socket = connectTls({ port, host: '127.0.0.1' }, () => resolve('trusted'));
      socket.on('error', ({ message }) => resolve(message));
    });
    expect(stranger).toMatch(/self.signed/i);
    // A client that knows it, and has no certificate of its own.
    expect(await platform.converse(to('WSS'), [completion('one')])).toHaveProperty('messages');
  });

  guideRule(2766, 'a WebSocket is opened to services of WS and WSS only', async () => {
    for (const name of PROTOCOLS) {
      const answer = await platform.converse(to(name), [completion('one')]);
      if (name === 'WS' || name === 'WSS') expect(answer).toHaveProperty('messages');
      else expect((answer as { status: number }).status, name).toBeGreaterThanOrEqual(400);
    }
  });

  guideRule(2831, 'a handshake without a good credential is answered with 401', async () => {
    for (const headers of [{}, { authorization: 'Bearer sk-wrong' }, { 'x-auth-token': 'wrong' }]) {
      for (const name of ['WS', 'WSS']) {
        expect(await platform.converse(to(name, { ...headers } as Record<string, string>), ['{}'])).toEqual({
          status: 401,
        });
      }
    }
  });

  guideRule(2774, 'a message beyond the size limit is blocked', async () => {
    const message = (bytes: number): string => {
      const bare = completion('', { echo: true, max_tokens: 0 });
      return completion('x'.repeat(bytes - bare.length), { echo: true, max_tokens: 0 });
    };
    expect(await platform.converse(to('small'), [message(KILOBYTE * KILOBYTE)])).toHaveProperty('messages');
    const socket = platform.open(to('small'));
    let said = '';
    const code = await new Promise<number>((resolve, reject) => {
      socket
        .on('error', reject)
        .on('open', () => socket.send(message(KILOBYTE * KILOBYTE + 1)))
        .on('message', (data) => {
          said += String(data);
        })
        .on('close', resolve);
    });
    expect(said).not.toContain('choices');
    // RFC 6455, 7.4.1: too big to process.
    expect(code).toBe(1009);
  });

  guideRule(2772, 'an answer of more than 64 KB is split into frames, each below 64 KB', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(10, 63, 64, 65, 130, 300), async (kilobytes) => {
        const prompt = 'x'.repeat(kilobytes * KILOBYTE);
        const frames = await framesOf(platform, to('long'), completion(prompt, { echo: true, max_tokens: 0 }));
        for (const { whole } of frames) expect(whole).toBeLessThan(64 * KILOBYTE);
        expect(frames.map(({ fin }) => fin)).toEqual(frames.map((_, index) => index === frames.length - 1));
        const text = Buffer.concat(frames.map(({ payload }) => payload)).toString();
        expect(JSON.parse(text).choices[0].text).toBe(prompt);
        expect(frames.length > 1).toBe(kilobytes >= 64);
      }),
      { numRuns: 6 },
    );
  });
});

interface Frame {
  /** Bytes with its header. */
  readonly whole: number;
  readonly fin: boolean;
  readonly payload: Buffer;
}

/** The frames of the answer to one message, off the wire (RFC 6455, 5.2). */
async function framesOf(
  platform: LivePlatform,
  { path, headers }: { readonly path: string; readonly headers: Readonly<Record<string, string>> },
  message: string,
): Promise<Frame[]> {
  const { port, host } = new URL(platform.addresses.gateway);
  const socket = connect(Number(port), '127.0.0.1');
  const read = reader(socket);
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${createHash('md5').update(path).digest('base64')}`,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  let head = '';
  while (!head.endsWith('\r\n\r\n')) head += (await read(1)).toString('latin1');
  expect(head).toMatch(KEY);
  socket.write(masked(message));
  const frames: Frame[] = [];
  do {
    const [first, second] = (await read(2)) as unknown as [number, number];
    const extended = second === 126 ? 2 : second === 127 ? 8 : 0;
    const length =
      extended === 0 ? second : (await read(extended)).readUIntBE(extended === 8 ? 2 : 0, extended === 8 ? 6 : 2);
    frames.push({ whole: 2 + extended + length, fin: (first & 0x80) !== 0, payload: await read(length) });
  } while (!frames.at(-1)!.fin);
  socket.destroy();
  return frames;
}

/** Reads just so many bytes. @throws when the connection ends before */
function reader(socket: Socket): (bytes: number) => Promise<Buffer> {
  let [held, closed] = [Buffer.alloc(0), false];
  let wake = (): void => {};
  socket
    .on('data', (data: Buffer) => {
      held = Buffer.concat([held, data]);
      wake();
    })
    .on('error', () => {})
    .on('close', () => {
      closed = true;
      wake();
    });
  return async (bytes) => {
    while (held.length < bytes) {
      if (closed) throw new Error('The connection ended');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const taken = held.subarray(0, bytes);
    held = held.subarray(bytes);
    return taken;
  };
}

/** A message of a client, in one frame. */
function masked(message: string): Buffer {
  const mask = randomBytes(4);
  const payload = Buffer.from(message);
  const head = Buffer.alloc(14);
  head[0] = 0x81;
  head[1] = 0xff;
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  mask.copy(head, 10);
  for (let index = 0; index < payload.length; index++) payload[index]! ^= mask[index % 4]!;
  return Buffer.concat([head, payload]);
}

describe('the service of a WebSocket', () => {
  guideRule(2771, 'asynchronous services are called over HTTP and HTTPS only', () => {
    const service = { mode: 'asynchronous', maxTasks: 10 };
    const deployment = { maxConcurrentTasks: 1 };
    for (const protocol of ['HTTP', 'HTTPS']) {
      expect(taken({ service: { ...service, protocol }, deployment }).services[0]!.protocol).toBe(protocol);
    }
    for (const protocol of ['WS', 'WSS']) refused({ service: { ...service, protocol }, deployment }, protocol);
  });

  const connected = (lab: Quick): number => {
    lab.world.apply(lab.world.now, { kind: 'connect', handshake: { to: { service: SERVICE }, key: null } });
    const { latest } = lab.world.gateway.connections;
    if (latest === undefined || 'refusal' in latest) throw new Error('No connection');
    return latest.number;
  };

  // Messages and pieces of answers, at random moments: the connection times out once nothing has gone over it so long.
  guideRule(2775, 'data in either direction begins the timeout of a connection anew', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 1_999_000 }), { maxLength: 6 });
    fc.assert(
      fc.property(gaps, (gaps) => {
        const lab = called({ protocol: 'WS', requestTimeout: fromSeconds(2) });
        for (const instance of [0, 1]) {
          lab.strike({ kind: 'hang-container', service: SERVICE, deployment: DEPLOYMENT, instance });
        }
        const connection = connected(lab);
        const sent = (later: number): number =>
          ask(lab, { connection, maxTokens: 5, ignoreEos: true } as Partial<Call>, later).arrivedAt;
        let last = sent(0);
        for (const gap of gaps) last = sent(gap);
        const found = lab.world.gateway.connections.at(connection)!;
        expect(found.end).toBeUndefined();
        lab.until(() => found.end !== undefined);
        expect([found.end, found.endedAt - last]).toEqual(['timed-out', 2_000_000]);
      }),
      { numRuns: 15 },
    );
  });
});
