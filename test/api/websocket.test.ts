import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Outcome } from '../../src/telemetry/index.ts';
import { LiveLab } from '../support/live.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { Client, refusedUpgrade, within } from '../support/websocket.ts';
import { events, post } from '../support/wire.ts';

const CHAT = '/v1/chat/completions';
const BODY = { model: 'qwen3-8b', messages: [{ role: 'user', content: 'Hello' }], stream: true, max_tokens: 15 };
const LONG = { ...BODY, max_tokens: 2_000, ignore_eos: true };
const DONE = (message: string): boolean => message === '[DONE]';
const ANY = (): boolean => true;
/** An embedding is much more than a frame may hold. */
const EMBED = { model: 'qwen3-8b', input: ['one', 'two', 'three'] };

let lab: LiveLab;
afterEach(() => lab.close());

function served(settings: object = {}, instances = 2): object {
  return scenario({ services: [{ ...chatService('chat', instances), protocol: 'WS', ...settings }] }, instances);
}

async function open(settings?: object, { speed = 20, instances = 2 } = {}): Promise<void> {
  lab = await LiveLab.open(served(settings, instances), speed);
}

const connected = (path = CHAT): Promise<Client> => Client.open(lab.url('chat') + path, lab.apiKey('chat'));
const killPod = (instance: number): void =>
  lab.command({ kind: 'fault', fault: { kind: 'kill-pod', service: 'chat', deployment: 'main', instance } });
const contents = (messages: readonly string[]): unknown[] =>
  messages.filter((message) => !DONE(message)).map((message) => JSON.parse(message).choices);

async function eventually(holds: () => boolean): Promise<void> {
  await within(
    (async () => {
      while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
    })(),
  );
}

describe('messages over a WebSocket', () => {
  test('a stream says what the same request says over HTTP, an event a message', async () => {
    lab = await LiveLab.open(served({ protocol: 'HTTP' }), 20);
    const overHttp = await events(await fetch(lab.url('chat') + CHAT, post(BODY, lab.apiKey('chat'))));
    lab.close();
    await open();
    const client = await connected();
    client.send(BODY);
    const messages = await client.until(DONE);
    expect(contents(messages)).toEqual(contents(overHttp));
    expect(messages).toHaveLength(overHttp.length);
  });

  test('what is not streamed is one message', async () => {
    await open();
    const client = await connected();
    client.send({ ...BODY, stream: false });
    const [answer] = await client.until(ANY);
    expect(JSON.parse(answer!)).toMatchObject({ object: 'chat.completion', usage: { completion_tokens: 15 } });
  });

  test('bytes are taken as text is', async () => {
    await open();
    const client = await connected();
    client.send(Buffer.from(JSON.stringify(BODY)));
    expect((await client.until(DONE)).length).toBeGreaterThan(15);
  });

  test('an error is one message in the words of the operation, and the connection goes on', async () => {
    await open();
    const client = await connected();
    client.send('no JSON');
    client.send({ ...BODY, model: 'gpt-9' });
    client.send(BODY);
    const [broken, unknown, ...answer] = await client.until(DONE);
    expect(JSON.parse(broken!)).toMatchObject({ error: { code: 400 } });
    expect(JSON.parse(unknown!)).toMatchObject({ error: { type: 'NotFoundError', code: 404 } });
    expect(contents(answer).length).toBeGreaterThan(15);
    const anthropic = await connected('/v1/messages');
    anthropic.send({ model: 'qwen3-8b' });
    expect(JSON.parse((await anthropic.until(ANY))[0]!)).toMatchObject({ type: 'error' });
  });

  test('several messages are answered in order, each when the former is done', async () => {
    await open();
    const client = await connected('/v1/completions');
    const lengths = [9, 3, 6];
    for (const max_tokens of lengths) client.send({ model: 'qwen3-8b', prompt: 'Hello', max_tokens, ignore_eos: true });
    const answers = [];
    for (const _ of lengths) answers.push(...(await client.until(ANY)));
    expect(answers.map((answer) => JSON.parse(answer).usage.completion_tokens)).toEqual(lengths);
    const records = [...lab.world.requests.records()];
    expect(records).toHaveLength(lengths.length);
    for (const [index, { admittedAt }] of records.entries()) {
      if (index > 0) expect(admittedAt).toBeGreaterThanOrEqual(records[index - 1]!.endedAt);
    }
  });

  test('more messages than may wait are answered all the same', async () => {
    await open({}, { speed: 100 });
    const client = await connected('/v1/completions');
    const count = 150;
    for (let sent = 0; sent < count; sent++) client.send({ model: 'qwen3-8b', prompt: 'Hi', max_tokens: 1 });
    await eventually(() => client.messages.length === count);
  });

  test('no frame to the client reaches 64 KB, and the frames of a message are its fragments', async () => {
    await open();
    const { frames, message } = await rawAnswer(lab.url('chat'), '/v1/embeddings', lab.apiKey('chat'), EMBED);
    expect(JSON.parse(message).data).toHaveLength(3);
    expect(frames.length).toBeGreaterThan(1);
    for (const { bytes } of frames) expect(bytes).toBeLessThan(64 * 1_024);
    expect(frames.map(({ opcode, fin }) => [opcode, fin])).toEqual(
      frames.map((_, index) => [index === 0 ? 1 : 0, index === frames.length - 1]),
    );
    const client = await connected('/v1/embeddings');
    client.send(EMBED);
    expect((await client.until(ANY))[0]).toHaveLength(message.length);
  });

  test('a large message keeps its place before those that come after it', async () => {
    await open();
    const client = await connected('/v1/completions');
    client.send({ model: 'qwen3-8b', prompt: ['Hello '.repeat(60_000), 'Hi'], max_tokens: 1 });
    client.send({ model: 'qwen3-8b', prompt: 'Hi', max_tokens: 1 });
    await eventually(() => client.messages.length === 2);
    expect(client.messages.map((message) => Object.keys(JSON.parse(message))[0])).toEqual(['error', 'id']);
  });

  test('a client that does not read what it asks for is disconnected', async () => {
    await open({}, { speed: 100 });
    const client = await connected('/v1/embeddings');
    client.socket.pause();
    const input = Array.from({ length: 64 }, (_, index) => `text ${index}`);
    for (let sent = 0; sent < 16; sent++) client.send({ model: 'qwen3-8b', input });
    await eventually(() => lab.world.gateway.connections.all.length === 0);
    expect(lab.journal.at(-1)).toMatchObject({ command: { kind: 'hang-up' } });
  });

  test('connections are many, each bound to its backend', async () => {
    await open({ deployments: withRouting('least-connections') }, { instances: 3 });
    const clients = await Promise.all(Array.from({ length: 6 }, () => connected()));
    const perPod = new Map<string, number>();
    for (const { replica } of lab.world.gateway.connections.all) {
      perPod.set(replica.slot, (perPod.get(replica.slot) ?? 0) + 1);
    }
    expect([...perPod.values()]).toEqual([2, 2, 2]);
    for (const client of clients) client.send(BODY);
    const answers = await Promise.all(clients.map((client) => client.until(DONE)));
    for (const answer of answers) expect(contents(answer).length).toBeGreaterThan(15);
    for (const client of clients) client.socket.close();
    await eventually(() => lab.world.gateway.connections.all.length === 0);
  });
});

describe('a handshake that is refused', () => {
  test('is answered over HTTP, before any upgrade', async () => {
    await open({ access: { blacklist: ['10.9.9.9'] } });
    const url = lab.url('chat') + CHAT;
    const wrong = await refusedUpgrade(url, 'sk-wrong');
    expect([wrong.status, JSON.parse(wrong.body)]).toMatchObject([401, { error_code: 'APIG.0305' }]);
    expect(wrong.headers['x-request-id']).toBe(JSON.parse(wrong.body).request_id);
    const headers = { 'x-forwarded-for': '10.9.9.9' };
    expect(await refusedUpgrade(url, lab.apiKey('chat'), { headers })).toMatchObject({ status: 403 });
    const unknown = `${lab.addresses.gateway.replace('http', 'ws')}/v2/infer/nobody${CHAT}`;
    expect(await refusedUpgrade(unknown, lab.apiKey('chat'))).toMatchObject({ status: 404 });
    const notServed = await refusedUpgrade(`${lab.url('chat')}/v1/nothing`, lab.apiKey('chat'));
    expect([notServed.status, JSON.parse(notServed.body)]).toEqual([404, { detail: 'Not Found' }]);
    expect(lab.world.gateway.connections.all).toEqual([]);
    lab.command({ kind: 'drain' });
    const late = await refusedUpgrade(url, lab.apiKey('chat'));
    expect([late.status, JSON.parse(late.body)]).toMatchObject([503, { error_code: 'APIG.0610' }]);
    expect([...lab.world.requests.records()].map(({ status }) => status)).toEqual([401, 403, 503]);
  });

  test('a plain request to a WebSocket service, and a WebSocket to another, name the right protocol', async () => {
    await open();
    const plain = await fetch(lab.url('chat').replace('ws', 'http') + CHAT, post(BODY, lab.apiKey('chat')));
    expect(plain.status).toBe(404);
    expect(await plain.json()).toMatchObject({ error_msg: expect.stringMatching(/: the service is called over WS$/) });
    lab.close();
    lab = await LiveLab.open(scenario(), 20);
    const refused = await refusedUpgrade(lab.url('chat').replace('http', 'ws') + CHAT, lab.apiKey('chat'));
    expect(refused.status).toBe(404);
    expect(JSON.parse(refused.body).error_msg).toMatch(/: the service is called over HTTP or HTTPS$/);
  });

  test('what is no handshake of WebSocket is none here', async () => {
    await open();
    const { gateway } = lab.addresses;
    const broken = await raw(gateway, ['GET / HTTP/1.1', 'host: x', 'connection: upgrade', 'upgrade: websocket']);
    expect(broken).toMatch(/^HTTP\/1.1 400 /);
    // Offered another protocol, the port answers in its own (RFC 9110, 7.8).
    const offers = ['connection: Upgrade, HTTP2-Settings, close', 'upgrade: h2c', 'http2-settings: AAMAAABk'];
    const head = ['POST /v2/infer/x HTTP/1.1', 'host: x', ...offers, 'content-length: 2'];
    expect(await raw(gateway, head, '{}')).toMatch(/^HTTP\/1.1 404 .*APIG.0101/s);
    expect(await raw(gateway, ['GET /metrics HTTP/1.1', 'host: x', ...offers])).toMatch(/^HTTP\/1.1 200 /);
  });
});

describe('how a connection ends', () => {
  test("it breaks with its pod, idle or not, and nobody else's does", async () => {
    await open({}, { speed: 1 });
    const [first, second, third] = [await connected(), await connected(), await connected()];
    const slots = lab.world.gateway.connections.all.map(({ replica }) => replica.slot);
    expect(slots).toEqual(['chat/main/0', 'chat/main/1', 'chat/main/0']);
    first.send(LONG);
    await first.until(ANY);
    killPod(0);
    expect(await within(first.closed)).toMatchObject({ code: 1006 });
    expect(await within(third.closed)).toMatchObject({ code: 1006 });
    second.send(BODY);
    expect((await second.until(DONE)).length).toBeGreaterThan(15);
    expect(lab.world.requests.record(0)).toMatchObject({ outcome: Outcome.cut });
  });

  test('a message above the size limit of its service closes it with 1009', async () => {
    await open({ requestSizeMB: 1 });
    const client = await connected();
    client.send(LONG);
    await client.until(ANY);
    client.send({ ...BODY, messages: [{ role: 'user', content: 'x'.repeat(2 ** 20) }] });
    expect(await within(client.closed)).toEqual({ code: 1009, reason: 'Request entity too large.' });
    await eventually(() => lab.world.requests.inFlight === 0);
    expect([...lab.world.requests.records()].map(({ status }) => status)).toEqual([499, 413]);
  });

  test("an answer that does not come within its service's timeout closes it with 1011", async () => {
    await open({ requestTimeout: '2s' });
    const client = await connected();
    client.send(BODY);
    await client.until(DONE);
    for (const instance of [0, 1]) {
      lab.command({ kind: 'fault', fault: { kind: 'hang-container', service: 'chat', deployment: 'main', instance } });
    }
    client.send(BODY);
    expect(await within(client.closed)).toEqual({ code: 1011, reason: 'Backend timeout' });
    expect(lab.world.requests.record(1)).toMatchObject({ status: 504 });
  });

  test('a client that leaves gives back its place and its KV blocks', async () => {
    await open({}, { speed: 1 });
    const client = await connected();
    client.send(LONG);
    client.send(BODY);
    await client.until(ANY);
    client.socket.close();
    await eventually(() => lab.world.requests.inFlight === 0);
    await eventually(() => lab.world.engines.all.every((engine) => engine.figures().kvBlocksUsed === 0));
    expect([...lab.world.requests.records()].map(({ status }) => status)).toEqual([499, 499]);
    lab.world.check();
  });

  test('drained, it closes with 1001: idle at once, busy when all is answered', async () => {
    await open({}, { speed: 5 });
    const [idle, busy] = [await connected(), await connected()];
    busy.send(BODY);
    await busy.until(ANY);
    lab.command({ kind: 'drain' });
    expect(await within(idle.closed)).toMatchObject({ code: 1001 });
    expect(await within(busy.closed)).toMatchObject({ code: 1001 });
    expect(busy.messages.at(-1)).toBe('[DONE]');
  });

  test('the end of the session closes it with 1001', async () => {
    await open();
    const client = await connected();
    lab.close();
    expect(await within(client.closed)).toMatchObject({ code: 1001 });
  });
});

describe("a pod's own port", () => {
  test('speaks the protocol of its service, and answers probes over HTTP', async () => {
    await open();
    const pod = lab.pod('chat/main/1');
    const client = await Client.open(pod.replace('http', 'ws') + CHAT);
    client.send(BODY);
    expect((await client.until(DONE)).length).toBeGreaterThan(15);
    expect((await fetch(`${pod}/health`)).status).toBe(200);
    killPod(1);
    expect(await within(client.closed)).toMatchObject({ code: 1006 });
  });

  test('answers a handshake over HTTP where its service is called so (guide 2832)', async () => {
    lab = await LiveLab.open(scenario(), 20);
    expect(await refusedUpgrade(lab.pod('chat/main/0').replace('http', 'ws') + CHAT)).toMatchObject({ status: 405 });
  });
});

test('a session with connections replays to the same trace', async () => {
  await open({ requestSizeMB: 1, deployments: withRouting('least-connections') }, { speed: 10, instances: 3 });
  const clients = await Promise.all(Array.from({ length: 8 }, () => connected()));
  for (const [index, client] of clients.entries()) {
    client.send(BODY);
    client.send(index % 2 === 0 ? 'nonsense' : { ...BODY, stream: false });
  }
  await refusedUpgrade(lab.url('chat') + CHAT, 'sk-wrong');
  await clients[0]!.until(DONE);
  clients[1]!.socket.terminate();
  clients[2]!.send('x'.repeat(2 ** 20 + 1));
  killPod(2);
  await within(clients[2]!.closed);
  await eventually(() => lab.world.requests.inFlight === 0);
  lab.command({ kind: 'drain' });
  await within(Promise.all(clients.map(({ closed }) => closed)));
  lab.live.stop();
  const ends = lab.journal.map(({ command }) => command.kind);
  expect(ends).toContain('hang-up');
  expect(lab.replayed().kernel.trace.digest()).toBe(lab.world.kernel.trace.digest());
});

/** The deployments of the test's service, with a routing policy. */
function withRouting(policy: string, instances = 3): object[] {
  const { deployments } = chatService('chat', instances) as { deployments: object[] };
  return deployments.map((deployment) => ({ ...deployment, routing: { policy } }));
}

/** What a port says to bytes, until it closes or has said nothing more for a while. */
async function raw(gateway: string, head: readonly string[], body = ''): Promise<string> {
  const { hostname, port } = new URL(gateway);
  const socket = connect(Number(port), hostname);
  socket.write(`${[...head, '', ''].join('\r\n')}${body}`);
  let text = '';
  return within(
    new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
      socket.on('data', (data) => {
        text += data.toString();
        // Kept alive by whoever asked for it.
        if (/\r\n0\r\n\r\n$|\}$/.test(text)) socket.destroy();
      });
    }),
  );
}

interface Frame {
  readonly opcode: number;
  readonly fin: boolean;
  /** All of it, with its header. */
  readonly bytes: number;
}

/** One answer, read frame by frame from the bytes of the socket. */
async function rawAnswer(
  url: string,
  path: string,
  apiKey: string,
  body: unknown,
): Promise<{ frames: Frame[]; message: string }> {
  const client = await Client.open(url + path, apiKey);
  const { _socket: socket } = client.socket as unknown as { _socket: import('node:net').Socket };
  let bytes = Buffer.alloc(0);
  socket.on('data', (data: Buffer) => {
    bytes = Buffer.concat([bytes, data]);
  });
  client.send(body);
  const [message] = await client.until(ANY);
  client.socket.terminate();
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const short = bytes[at + 1]! & 0x7f;
    const header = short === 126 ? 4 : short === 127 ? 10 : 2;
    const length =
      short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    frames.push({ opcode: bytes[at]! & 0x0f, fin: (bytes[at]! & 0x80) !== 0, bytes: header + length });
    at += header + length;
  }
  return { frames, message: message! };
}
