import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { applicationScenario } from '../support/applications.ts';
import { LiveLab } from '../support/live.ts';
import { Client, refusedUpgrade, within } from '../support/websocket.ts';

const APPLICATION = {
  routes: [
    { path: '/echo', reply: { kind: 'websocket' } },
    { path: '/said/*', reply: { kind: 'websocket', message: '{{n}} {{path}}?{{query}} {{bytes}} {{body}}' } },
    { path: '/news', reply: { kind: 'websocket', push: { count: 3, every: '1s', data: 'news {{n}}' } } },
    { path: '/hourly', reply: { kind: 'websocket', push: { count: 3, every: '1h', data: 'hour {{n}}' } } },
    { path: '/slow', latency: '1h', reply: { kind: 'websocket' } },
    { path: '/plain' },
  ],
};

let lab: LiveLab;
afterEach(() => lab.close());

async function open(): Promise<void> {
  lab = await LiveLab.open(applicationScenario(APPLICATION, {}, { protocol: 'WS' }), 50);
}

const last = (messages: readonly string[]): string | undefined => messages.at(-1);

describe("an application's WebSocket", () => {
  test.each(['gateway', 'pod'])(
    'at the %s answers every message, in order, text as text and bytes as bytes',
    async (at) => {
      await open();
      const pod = lab.addresses.pods[0]!.url.replace('http', 'ws');
      const client = await Client.open(`${at === 'pod' ? pod : lab.url('app')}/echo`);
      const kinds: boolean[] = [];
      client.socket.on('message', (_: unknown, isBinary: boolean) => kinds.push(isBinary));
      const received: Buffer[] = [];
      client.socket.on('message', (data: Buffer) => received.push(data));
      const bytes = randomBytes(150_000);
      client.send('grün');
      client.send(bytes);
      client.send('end');
      await client.until((message) => message === 'end');
      expect(kinds).toEqual([false, true, false]);
      expect(received[0]!.toString()).toBe('grün');
      expect(received[1]!.equals(bytes)).toBe(true);
    },
  );

  test('shows what it was asked with: path and query of the handshake, and the message', async () => {
    await open();
    const client = await Client.open(`${lab.url('app')}/said/a%20b?x=1&y=?`);
    client.send('hello');
    expect(last(await client.until(() => true))).toBe('1 /said/a%20b?x=1&y=? 5 hello');
  });

  test('sends all of its own when it opens, in order', async () => {
    await open();
    const client = await Client.open(`${lab.url('app')}/news`);
    expect(await client.until((message) => message === 'news 3')).toEqual(['news 1', 'news 2', 'news 3']);
    client.send('and you?');
    expect(last(await client.until((message) => message === 'and you?'))).toBe('and you?');
    expect(lab.world.requests.inFlight).toBe(0);
  });

  test.each(['gateway', 'pod'])('at the %s answers while it sends of its own', async (at) => {
    await open();
    const pod = lab.addresses.pods[0]!.url.replace('http', 'ws');
    const client = await Client.open(`${at === 'pod' ? pod : lab.url('app')}/hourly`);
    for (const message of ['one', 'two', 'three']) client.send(message);
    const messages = await client.until((message) => message === 'three');
    expect(messages.filter((message) => !message.startsWith('hour'))).toEqual(['one', 'two', 'three']);
    expect(messages).not.toContain('hour 2');
    expect(lab.world.requests.inFlight).toBe(1);
    lab.command({ kind: 'fault', fault: { kind: 'kill-pod', service: 'app', deployment: 'main', instance: 0 } });
    expect((await within(client.closed)).code).toBe(1006);
    expect([lab.world.requests.inFlight, lab.live.outbox.size]).toEqual([0, 0]);
    lab.world.check();
    lab.live.stop();
    expect(lab.replayed().kernel.trace.digest()).toBe(lab.world.kernel.trace.digest());
  });

  test('whose client leaves while it sends of its own has nothing more to do', async () => {
    await open();
    const client = await Client.open(`${lab.url('app')}/hourly`);
    await client.until((message) => message === 'hour 1');
    client.socket.close();
    await within(client.closed);
    await within(
      (async () => {
        while (lab.world.requests.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      })(),
    );
    expect(lab.live.outbox.size).toBe(0);
    lab.world.check();
  });

  test('is refused on a path that is none of its connections, as a request over HTTP', async () => {
    await open();
    for (const path of ['/plain', '/nothing']) expect((await refusedUpgrade(lab.url('app') + path)).status).toBe(404);
  });

  test('breaks with its pod, and what it worked on is over', async () => {
    await open();
    const client = await Client.open(`${lab.url('app')}/slow`);
    client.send('wait');
    await within(
      (async () => {
        while (lab.world.requests.inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      })(),
    );
    lab.command({ kind: 'fault', fault: { kind: 'kill-pod', service: 'app', deployment: 'main', instance: 0 } });
    expect((await within(client.closed)).code).toBe(1006);
    expect(lab.world.requests.inFlight).toBe(0);
    lab.world.check();
  });
});

test('a session of an application replays to the same trace, and its journal has nothing that clients wrote', async () => {
  await open();
  const secret = 'nobody-else-s-business';
  const client = await Client.open(`${lab.url('app')}/said/${secret}?${secret}`);
  client.send(secret);
  await client.until((message) => message.includes(secret));
  const pod = lab.addresses.pods[0]!.url;
  await (await fetch(`${pod}/plain?${secret}`, { method: 'POST', body: secret })).text();
  await (await fetch(`${pod}/${secret}`, { headers: { 'x-secret': secret } })).text();
  lab.live.stop();
  expect(lab.journal.length).toBeGreaterThan(3);
  expect(JSON.stringify(lab.journal)).not.toContain(secret);
  expect(lab.replayed().kernel.trace.digest()).toBe(lab.world.kernel.trace.digest());
});
