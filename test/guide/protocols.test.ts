import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Lab } from '../../src/index.ts';
import { DOORS, type OpenDoor } from '../support/doors.ts';
import { guideRule } from '../support/guide-rule.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { post } from '../support/wire.ts';
import { LivePlatform } from './live.ts';

/** What services are called over (guide 2748-3015). */

const SERVICE = 'chat';
const CHAT = '/v1/chat/completions';
const HELLO = { model: 'qwen3-8b', messages: [{ role: 'user', content: 'Hello there' }] };
const STREAM = { ...HELLO, stream: true };

describe('server-sent events', () => {
  guideRule(2859, 'events are pushed over one response, each when it happens', async () => {
    const lab = Lab.fromObject(scenario({}, 1));
    const moments: number[] = [];
    await lab.run(async () => {
      const response = await lab.fetch(`${lab.url(SERVICE)}/chat/completions`, post(STREAM, lab.apiKey(SERVICE)));
      for await (const piece of response.body!) {
        const text = new TextDecoder().decode(piece as Uint8Array);
        if (text.includes('"content"') && !text.includes('"role"')) moments.push(performance.now());
      }
    });
    const left = lab.tokenMicros(0).map((micros) => micros / 1_000);
    expect(left).toHaveLength(20);
    expect(new Set(left).size).toBe(20);
    const pause = (times: readonly number[]): number[] => times.slice(1).map((at, index) => at - times[index]!);
    for (const [index, gap] of pause(moments.slice(-20)).entries()) expect(gap).toBeCloseTo(pause(left)[index]!, 0);
  });
});

describe.each(DOORS)('through $name', ({ open }) => {
  let door: OpenDoor;
  beforeAll(async () => {
    door = await open(scenario({}, 1));
  });
  afterAll(() => door.close());

  guideRule(2912, 'an event stream is text/event-stream;charset=UTF-8', async () => {
    await door.within(async (fetch) => {
      const response = await fetch(door.url(SERVICE) + CHAT, post(STREAM, door.apiKey(SERVICE)));
      expect(response.headers.get('content-type')).toBe('text/event-stream;charset=UTF-8');
      await response.text();
    });
  });

  guideRule(2960, 'each HTTP request is by itself: no state is kept between them', async () => {
    await door.within(async (fetch) => {
      const url = door.url(SERVICE) + CHAT;
      const init = post({ ...HELLO, seed: 3 }, door.apiKey(SERVICE));
      const said: string[] = [];
      for (const body of [init, post(HELLO), init]) {
        const response = await fetch(url, body);
        expect(response.headers.get('set-cookie')).toBeNull();
        const text = await response.text();
        // Who has proved who he is has not proved it for the next request.
        expect(response.status).toBe(body === init ? 200 : 401);
        if (body === init) said.push(JSON.parse(text).choices[0].message.content);
      }
      expect(said[1]).toBe(said[0]);
    });
  });
});

const [sockets] = DOORS;

/** Sends a head and a body over a bare socket, and reads to the end. */
function exchange(port: number, head: readonly string[], body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(`${head.join('\r\n')}\r\n\r\n${body}`));
    socket
      .setEncoding('utf8')
      .on('data', (data) => {
        received += data;
      })
      .on('close', () => resolve(received))
      .on('error', reject);
  });
}

describe('over a bare socket', () => {
  guideRule(2865, 'server-sent events are plain HTTP: a client needs no library for them', async () => {
    const door = await sockets!.open(scenario({}, 1));
    try {
      const { host, port, pathname } = new URL(door.url(SERVICE) + CHAT);
      const body = JSON.stringify(STREAM);
      const head = [
        `POST ${pathname} HTTP/1.1`,
        `Host: ${host}`,
        `Authorization: Bearer ${door.apiKey(SERVICE)}`,
        'Content-Type: application/json',
        `Content-Length: ${Buffer.byteLength(body)}`,
        'Connection: close',
      ];
      const text = await exchange(Number(port), head, body);
      expect(text).toMatch(/^HTTP\/1\.1 200 /);
      expect(text.match(/^data: \{/gm)!.length).toBeGreaterThanOrEqual(20);
      expect(text).toContain('data: [DONE]');
    } finally {
      door.close();
    }
  });
});

describe('the protocol of a service', () => {
  const PROTOCOLS = ['HTTP', 'HTTPS', 'WS', 'WSS'] as const;
  let platform: LivePlatform;
  beforeAll(async () => {
    const services = PROTOCOLS.map((protocol) => ({ ...chatService(protocol, 1), protocol }));
    platform = await LivePlatform.open(scenario({ services: [...services, chatService('unset', 1)] }));
  });
  afterAll(() => platform.close());

  const keyed = (name: string) => ({
    path: platform.pathOf(name, CHAT),
    headers: { authorization: `Bearer ${platform.service(name).apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(HELLO),
  });
  const answers = async (name: string, over: (typeof PROTOCOLS)[number]): Promise<boolean> => {
    const call = { ...keyed(name), secure: over === 'HTTPS' || over === 'WSS' };
    if (over === 'HTTP' || over === 'HTTPS') return (await platform.call(call)).status === 200;
    return 'messages' in (await platform.converse(call, [JSON.stringify(HELLO)]));
  };

  guideRule(2966, 'a service answers over the protocol that it is set to, and over no other', async () => {
    for (const name of PROTOCOLS) {
      for (const over of PROTOCOLS) expect(await answers(name, over), `${name} over ${over}`).toBe(name === over);
    }
  });

  guideRule(244, 'HTTPS is the default protocol', async () => {
    expect(await answers('unset', 'HTTPS')).toBe(true);
  });

  guideRule(2874, 'server-sent events come from services of HTTP and HTTPS', async () => {
    for (const name of PROTOCOLS) {
      const body = JSON.stringify(STREAM);
      const { status, headers } = await platform.call({
        ...keyed(name),
        body,
        secure: name === 'HTTPS' || name === 'WSS',
      });
      if (name === 'HTTP' || name === 'HTTPS') expect(headers['content-type']).toMatch(/^text\/event-stream/);
      else expect(status).toBeGreaterThanOrEqual(400);
    }
  });

  // Somebody on the way, who writes down all that passes.
  guideRule(2956, 'HTTPS encrypts what HTTP sends in plain text', async () => {
    for (const secure of [false, true]) {
      const name = secure ? 'HTTPS' : 'HTTP';
      const passed: Buffer[] = [];
      const gateway = Number(new URL(secure ? platform.addresses.tlsGateway! : platform.addresses.gateway).port);
      const ends: Socket[] = [];
      const relay = createServer((client) => {
        const onward = connect(gateway, '127.0.0.1');
        ends.push(client, onward);
        for (const end of [client, onward]) end.on('error', () => end.destroy());
        client.on('data', (data: Buffer) => passed.push(data)).pipe(onward);
        onward.on('data', (data: Buffer) => passed.push(data)).pipe(client);
      });
      await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
      const { port } = relay.address() as AddressInfo;
      const { status, body } = await platform.call({ ...keyed(name), secure, port });
      expect(status).toBe(200);
      const seen = Buffer.concat(passed).toString('latin1');
      const secrets = [
        platform.service(name).apiKey!,
        'Hello there',
        JSON.parse(body.toString()).choices[0].message.content,
      ];
      for (const secret of secrets) expect(seen.includes(secret)).toBe(!secure);
      for (const end of ends) end.destroy();
      await new Promise((resolve) => relay.close(resolve));
    }
  });
});
