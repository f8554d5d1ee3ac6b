import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BODY_LIMIT_BYTES } from '../../src/api/wire.ts';
import { DOORS, type OpenDoor } from '../support/doors.ts';
import { scenario } from '../support/scenario.ts';
import { metric, post } from '../support/wire.ts';

const PATH = '/v1/chat/completions';
const BODY = { model: 'qwen3-8b', messages: [{ role: 'user', content: 'Hello' }] };
/** Nothing here takes nearly as long: what does, hangs. */
const HANG_MS = 15_000;

describe('a hostile client of the gateway port', () => {
  let door: OpenDoor;
  beforeAll(async () => {
    door = await DOORS.find(({ name }) => name === 'live sockets')!.open(scenario({}, 1));
  });
  afterAll(() => door.close());

  const socketTo = async (): Promise<Socket> => {
    const socket = connect(Number(new URL(door.gateway).port), '127.0.0.1');
    socket.on('error', () => {
      // What the server does to it is told by what comes back.
    });
    await once(socket, 'connect');
    return socket;
  };
  /** All that comes back until the connection is over. */
  const reply = async (socket: Socket): Promise<string> => {
    let text = '';
    socket.on('data', (part) => (text += part));
    await Promise.race([
      once(socket, 'close'),
      new Promise((_, reject) => setTimeout(reject, HANG_MS, new Error('hangs'))),
    ]);
    return text;
  };
  const normal = async (): Promise<void> => {
    const response = await fetch(door.url('chat') + PATH, {
      ...post(BODY, door.apiKey('chat')),
      signal: AbortSignal.timeout(HANG_MS),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ usage: { completion_tokens: 20 } });
  };
  /** A normal request runs beside what the hostile client does, and another after it. */
  const unharmed = async (hostile: () => Promise<void>): Promise<void> => {
    await Promise.all([hostile(), normal()]);
    await normal();
  };
  const head = (length: number): string =>
    `POST ${new URL(door.url('chat')).pathname}${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${door.apiKey('chat')}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;

  test('that sends garbage gets a 400 and is closed', () =>
    unharmed(async () => {
      const socket = await socketTo();
      socket.write(Buffer.from(Array.from({ length: 2_000 }, (_, index) => (index * 167) % 256)));
      expect(await reply(socket)).toMatch(/^HTTP\/1\.1 400 /);
    }));

  test('that sends endless headers is refused', () =>
    unharmed(async () => {
      const socket = await socketTo();
      socket.write(`GET / HTTP/1.1\r\nx: ${'y'.repeat(100_000)}`);
      expect(await reply(socket)).toMatch(/^HTTP\/1\.1 4\d\d /);
    }));

  test.each([
    ['is not JSON', '{"model": "qwen3-8b", '],
    ['is empty', ''],
    ['is a list', '[]'],
    ['is null', 'null'],
    ['is no UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
    ['is nested very deeply', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
    ['has a nested value very deep', `{"model":"qwen3-8b","messages":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
  ])('whose body %s gets a 400 in words', (_, body) =>
    unharmed(async () => {
      const response = await fetch(door.url('chat') + PATH, { ...post(BODY, door.apiKey('chat')), body });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: 400, message: expect.stringMatching(/./) } });
    }),
  );

  test('that sends 60 MB gets a 413 in the words of the gateway, whether it told the length or not', async () => {
    const send = async (told: boolean): Promise<{ status: number; body: unknown }> => {
      const { hostname, port, pathname } = new URL(door.url('chat') + PATH);
      const size = 60 * 2 ** 20;
      const headers = { authorization: `Bearer ${door.apiKey('chat')}`, ...(told ? { 'content-length': size } : {}) };
      const sent = request({ hostname, port, path: pathname, method: 'POST', headers });
      const answered = new Promise<{ status: number; body: unknown }>((resolve, reject) => {
        sent.setTimeout(HANG_MS, () => reject(new Error('hangs')));
        sent.on('error', reject);
        sent.on('response', (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => (text += part));
          response.on('end', () => resolve({ status: response.statusCode!, body: JSON.parse(text) }));
        });
      });
      Readable.from(Array(size / 2 ** 16).fill(Buffer.alloc(2 ** 16, 'a'))).pipe(sent);
      return answered;
    };
    for (const told of [true, false]) {
      await unharmed(async () => {
        const { status, body } = await send(told);
        expect(status).toBe(413);
        expect(body).toMatchObject({ error_code: 'APIG.0201', error_msg: expect.stringContaining('too large') });
      });
    }
  });

  test('that sends 60 MB with fetch gets the 413 too', () =>
    unharmed(async () => {
      const response = await fetch(door.url('chat') + PATH, {
        ...post({}, door.apiKey('chat')),
        body: Buffer.alloc(60 * 2 ** 20, 'a'),
      });
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({ error_code: 'APIG.0201' });
    }));

  test("that sends a pod 60 MB gets its server's own 413", () =>
    unharmed(async () => {
      const body = Buffer.alloc(60 * 2 ** 20, 'a');
      const response = await fetch(door.pod('chat/main/0') + PATH, { ...post({}), body });
      expect(response.status).toBe(413);
      const error = { code: 413, param: null, message: expect.stringContaining(String(BODY_LIMIT_BYTES)) };
      expect(await response.json()).toMatchObject({ error });
    }));

  test('that sends a body just below the limit is answered', () =>
    unharmed(async () => {
      const body = JSON.stringify({ ...BODY, padding: '' });
      const padded = body.replace('"padding":""', `"padding":"${'a'.repeat(BODY_LIMIT_BYTES - body.length)}"`);
      expect(Buffer.byteLength(padded)).toBe(BODY_LIMIT_BYTES);
      const response = await fetch(door.url('chat') + PATH, { ...post({}, door.apiKey('chat')), body: padded });
      expect(response.status).toBe(200);
      await response.text();
    }));

  test('that connects and says nothing harms nobody', async () => {
    const sockets = await Promise.all(Array.from({ length: 100 }, socketTo));
    await unharmed(async () => {});
    for (const socket of sockets) socket.destroy();
    await normal();
  });

  test('that leaves in the middle of its request harms nobody, and is no request', async () => {
    const before = await inFlightAndTotal();
    for (const half of ['POST /v2/inf', head(1_000), `${head(1_000)}{"model":`]) {
      const socket = await socketTo();
      socket.write(half);
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.resetAndDestroy();
    }
    await unharmed(async () => {});
    // Two of them are the normal ones.
    expect(await inFlightAndTotal()).toEqual([0, before[1] + 2]);
  });

  test('that leaves before its answer frees its place', async () => {
    const body = JSON.stringify({ ...BODY, max_tokens: 4_000, ignore_eos: true });
    const socket = await socketTo();
    socket.write(head(body.length) + body);
    await until(async () => (await running()) === 1);
    socket.resetAndDestroy();
    await until(async () => (await running()) === 0);
    await normal();
  });

  test('that never reads its stream does not hold the simulation up', async () => {
    const body = JSON.stringify({ ...BODY, max_tokens: 4_000, ignore_eos: true, stream: true });
    const socket = await socketTo();
    socket.pause();
    socket.write(head(body.length) + body);
    await until(async () => (await running()) === 1);
    await unharmed(async () => {});
    await until(async () => (await running()) === 0);
    socket.destroy();
    await normal();
  });

  async function running(): Promise<number> {
    return metric(await (await fetch(`${door.pod('chat/main/0')}/metrics`)).text(), 'vllm:num_requests_running');
  }

  async function inFlightAndTotal(): Promise<[number, number]> {
    const text = await (await fetch(`${door.gateway}/metrics`)).text();
    return [metric(text, 'inferlab_requests_in_flight'), metric(text, 'inferlab_requests')];
  }

  async function until(holds: () => Promise<boolean>): Promise<void> {
    for (const giveUp = Date.now() + HANG_MS; !(await holds()); ) {
      expect(Date.now(), 'it never came to hold').toBeLessThan(giveUp);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
});
