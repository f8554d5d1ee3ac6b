import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Callers } from '../../src/api/callers.ts';
import { Lab } from '../../src/index.ts';
import { apiKeyFor, keyDigest, tokenFor } from '../../src/platform/index.ts';
import { DOORS, type OpenDoor } from '../support/doors.ts';
import { inside } from '../support/inside.ts';
import { chatService, scenario } from '../support/scenario.ts';

const SEED = 7;
const MODELS = '/v1/models';
const keyed = (name: string): object => ({ ...chatService(name, 1), auth: { kind: 'api-key', keys: ['ci'] } });
const SCENARIO = scenario({
  services: [keyed('chat'), keyed('other'), { ...chatService('tokens', 1), auth: { kind: 'token' } }],
});
const KEY = apiKeyFor(SEED, 'chat', 'ci');
/** Look alike, or are the same to who folds or decodes. */
const LOOKALIKES: readonly string[] = [
  KEY.toUpperCase(),
  KEY.replace('s', 'S'),
  `${KEY}\u00a0`,
  KEY.replace('-', '\u00ad'),
  KEY.replace('k', 'K'),
  encodeURIComponent(KEY).replace('-', '%2D'),
  KEY.replace('sk-', 'sk%2d'),
  `"${KEY}"`,
  `${KEY};`,
  `${KEY},`,
  `${KEY}=`,
  `${KEY}\\n`,
  KEY.slice(0, -1),
  `${KEY}0`,
  [...KEY].reverse().join(''),
  '*',
  '.*',
  'null',
  'undefined',
];

describe.each(DOORS)('through $name', ({ name, open }) => {
  let door: OpenDoor;
  beforeAll(async () => {
    door = await open(SCENARIO);
  });
  afterAll(() => door.close());

  const status = (headers: Record<string, string>, service = 'chat', path = MODELS) =>
    inside(door, async (fetch) => {
      const response = await fetch(`${door.url(service)}${path}`, { headers });
      await response.arrayBuffer();
      return response.status;
    });

  test('a key opens its service, whatever case its scheme is written in', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR']) {
      expect(await status({ authorization: `${scheme} ${KEY}` })).toBe(200);
    }
    expect(await status({ authorization: `Bearer   ${KEY}` })).toBe(200);
    // What stands around a header's value is no part of it (RFC 9110, 5.5).
    expect(await status({ authorization: `  Bearer ${KEY}  ` })).toBe(200);
  });

  test.each([
    ...LOOKALIKES.map((key) => `Bearer ${key}`),
    KEY,
    `Bearer`,
    `Bearer${KEY}`,
    `Bearer\t${KEY}`,
    `Bearer \t${KEY}`,
    `Bearer\u00a0${KEY}`,
    `Bearer ${KEY} x`,
    `Bearer x ${KEY}`,
    `Bearer ${KEY} ${KEY}`,
    `Bearer Bearer ${KEY}`,
    `Bearer ${KEY.slice(0, 10)} ${KEY.slice(10)}`,
    `Token ${KEY}`,
    `Basic ${btoa(`:${KEY}`)}`,
    `Basic ${btoa(KEY)}`,
    `ApiKey ${KEY}`,
    `Bearer=${KEY}`,
    `Bearer: ${KEY}`,
    `Bearer ${KEY}, Bearer ${KEY}`,
    `Bearer ${apiKeyFor(SEED, 'other', 'ci')}`,
    `Bearer ${apiKeyFor(SEED, 'chat', 'default')}`,
    `Bearer ${apiKeyFor(SEED + 1, 'chat', 'ci')}`,
    `Bearer ${keyDigest(SEED, KEY)}`,
  ])('"%s" opens nothing', async (authorization) => {
    // A header is bytes; what a client cannot put into one it cannot send.
    if (/[^\t\x20-\xff]/.test(authorization)) return;
    expect(await status({ authorization })).toBe(401);
  });

  test('a key elsewhere opens nothing', async () => {
    for (const name of ['x-auth-token', 'x-api-key', 'api-key', 'cookie', 'proxy-authorization', 'x-api-key-type']) {
      for (const value of [KEY, `Bearer ${KEY}`]) expect(await status({ [name]: value }), name).toBe(401);
    }
    for (const query of ['api_key', 'key', 'access_token', 'authorization', 'token', 'x-auth-token']) {
      expect(await status({}, 'chat', `${MODELS}?${query}=${KEY}`), query).toBe(401);
      expect(await status({}, 'chat', `${MODELS}?${query}=Bearer%20${KEY}`), query).toBe(401);
    }
  });

  test('a key comes bare where it is said to be temporary, whether it is or not', async () => {
    expect(await status({ authorization: KEY, 'x-api-key-type': 'temp' })).toBe(200);
    expect(await status({ authorization: KEY, 'x-api-key-type': 'normal' })).toBe(401);
    expect(await status({ authorization: `x ${KEY}`, 'x-api-key-type': 'temp' })).toBe(401);
  });

  test('a key opens no service that asks for tokens, and a token none that asks for keys', async () => {
    const key = apiKeyFor(SEED, 'tokens', 'default');
    for (const value of [KEY, key]) {
      expect(await status({ authorization: `Bearer ${value}` }, 'tokens')).toBe(401);
      expect(await status({ 'x-auth-token': value }, 'tokens')).toBe(401);
    }
    // Deterministic as they are, tokens are good for nothing before they are issued.
    for (const number of [0, 1, 2]) {
      const text = tokenFor(SEED, number);
      expect(await status({ 'x-auth-token': text }, 'tokens')).toBe(401);
      expect(await status({ authorization: `Bearer ${text}` }, 'chat')).toBe(401);
    }
  });

  test('questions are asked by whoever may call, and by nobody else', async () => {
    for (const path of [MODELS, '/health', '/ping', '/version', '/load', '/server_info', '/metrics', '/v1/nothing']) {
      expect(await status({}, 'chat', path), path).toBe(401);
      expect(await status({ authorization: `Bearer ${KEY}` }, 'chat', path)).toBe(path === '/v1/nothing' ? 404 : 200);
    }
  });

  test.skipIf(name !== 'live sockets')('of two Authorization headers neither counts', async () => {
    const url = new URL(door.url('chat'));
    const good = `authorization: Bearer ${KEY}\r\n`;
    const bad = 'authorization: Bearer sk-wrong\r\n';
    const raw = (headers: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(Number(url.port), url.hostname);
        let said = '';
        socket.setEncoding('latin1').on('data', (part: string) => (said += part));
        socket.on('error', reject).on('close', () => resolve(said.slice(9, 12)));
        socket.write(`GET ${url.pathname}${MODELS} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n`);
      });
    expect(await raw(good)).toBe('200');
    for (const both of [good + bad, bad + good, good + good]) expect(await raw(both)).toBe('401');
    expect(await raw(`authorization: Bearer\r\n ${KEY}\r\n`)).not.toBe('200');
  });
});

describe('whatever is sent', () => {
  const callers = new Callers(SEED);
  const shown = (headers: Record<string, string>) =>
    callers.credentialsOf({ method: 'GET', path: '/', headers, body: new Uint8Array() });
  const DIGEST = keyDigest(SEED, KEY);

  test('only the key itself has its digest', () => {
    const edits = fc.array(fc.tuple(fc.nat(KEY.length), fc.constantFrom(0, 1, 2), fc.string({ maxLength: 2 })), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(edits, (made) => {
        let text = KEY;
        for (const [at, drop, add] of made) text = text.slice(0, at) + add + text.slice(at + drop);
        const { key } = shown({ authorization: `Bearer ${text}` });
        // Blanks before the key belong to the scheme.
        return (key === DIGEST) === (text.replace(/^ +/, '') === KEY);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['10.1.2.3:5555', '10.1.2.3'],
    ['[2001:db8::1]:5555', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['[fe80::1%eth0]:80', 'fe80::1'],
    ['10.1.2.3:5555, 10.9.9.9', '10.1.2.3'],
    ['10.1.2.300:5555', undefined],
    ['10.1.2.3:port', undefined],
    ['[2001:db8::1', undefined],
    ['[]:80', undefined],
    ['example.com:80', undefined],
  ])('the address in X-Forwarded-For: %s is %s, with its port or without', (forwarded, address) => {
    expect(shown({ 'x-forwarded-for': forwarded }).clientIp).toBe(address);
  });

  test('no header at all makes a key of nothing', () => {
    const value = fc.string({ unit: 'binary', maxLength: 30 });
    fc.assert(
      fc.property(value, value, value, (authorization, token, forwarded) => {
        const { key, clientIp } = shown({ authorization, 'x-auth-token': token, 'x-forwarded-for': forwarded });
        const digested = key === null || (key !== DIGEST && /^[0-9a-f]{64}$/.test(key));
        return digested && (clientIp === undefined || /^[0-9a-fA-F:.]+$/.test(clientIp));
      }),
      { numRuns: 200 },
    );
  });
});

describe('in the course of time', () => {
  const status = async (lab: Lab, headers: Record<string, string>, service: string): Promise<number> => {
    const statuses: number[] = [];
    await lab.run(async () => {
      statuses.push((await lab.fetch(`${lab.url(service)}/models`, { headers })).status);
    });
    return statuses[0]!;
  };

  test('a key opens nothing once it is unbound or deleted, nor before it is bound', async () => {
    const lab = Lab.fromObject(SCENARIO);
    const digest = keyDigest(SEED, 'sk-made-by-hand');
    const opens = () => status(lab, { authorization: 'Bearer sk-made-by-hand' }, 'chat');
    expect(await opens()).toBe(401);
    expect(lab.operate({ kind: 'create-key', name: 'hand', digest, scope: 'SERVICE' })).toBeUndefined();
    expect(await opens()).toBe(401);
    expect(lab.operate({ kind: 'bind-key', key: 'hand', service: 'other' })).toBeUndefined();
    expect(await opens()).toBe(401);
    expect(lab.operate({ kind: 'bind-key', key: 'hand', service: 'chat' })).toBeUndefined();
    expect(await opens()).toBe(200);
    expect(lab.operate({ kind: 'unbind-key', key: 'hand', service: 'chat' })).toBeUndefined();
    expect(await opens()).toBe(401);
    lab.operate({ kind: 'unbind-key', key: 'hand', service: 'other' });
    expect(lab.operate({ kind: 'delete-key', key: 'hand' })).toBeUndefined();
    expect(await opens()).toBe(401);
  });

  test('a token opens services of its project for 24 hours (guide 181)', async () => {
    const lab = Lab.fromObject(SCENARIO);
    lab.runUntilReady();
    const token = lab.token();
    const issuedAt = lab.nowMs;
    const opens = () => status(lab, { 'x-auth-token': token }, 'tokens');
    expect(await opens()).toBe(200);
    for (const variant of [token.toLowerCase(), `${token} x`, token.slice(1), `${token}0`, `Bearer ${token}`]) {
      expect(await status(lab, { 'x-auth-token': variant }, 'tokens')).toBe(401);
    }
    expect(await status(lab, { authorization: `Bearer ${token}` }, 'tokens')).toBe(401);
    expect(await status(lab, { authorization: `Bearer ${token}` }, 'chat')).toBe(401);
    expect(await status(lab, { 'x-auth-token': lab.token({ scope: 'domain' }) }, 'tokens')).toBe(401);
    lab.runUntil(issuedAt + 86_399_000);
    expect(await opens()).toBe(200);
    lab.runUntil(issuedAt + 86_400_000);
    expect(await opens()).toBe(401);
  });

  test('how clients prove who they are may be changed, and holds from then on', async () => {
    const lab = Lab.fromObject(SCENARIO);
    lab.runUntilReady();
    const key = { authorization: `Bearer ${KEY}` };
    expect(await status(lab, key, 'chat')).toBe(200);
    expect(lab.operate({ kind: 'modify-service', service: 'chat', set: { auth: 'token' } })).toBeUndefined();
    expect(await status(lab, key, 'chat')).toBe(401);
    expect(await status(lab, { 'x-auth-token': lab.token() }, 'chat')).toBe(200);
    expect(lab.operate({ kind: 'modify-service', service: 'chat', set: { auth: 'none' } })).toBeUndefined();
    expect(await status(lab, {}, 'chat')).toBe(200);
    expect(lab.operate({ kind: 'modify-service', service: 'chat', set: { auth: 'api-key' } })).toBeUndefined();
    expect(await status(lab, {}, 'chat')).toBe(401);
    expect(await status(lab, key, 'chat')).toBe(200);
  });
});
