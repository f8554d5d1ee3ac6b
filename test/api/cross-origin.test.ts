import { describe, expect, test } from 'vitest';
import { BODY_LIMIT_BYTES } from '../../src/api/wire.ts';
import { applicationScenario } from '../support/applications.ts';
import { DOORS, type Within, withinOpened } from '../support/doors.ts';
import { chatService, scenario } from '../support/scenario.ts';

const ORIGIN = { origin: 'https://page.example' };
const PREFLIGHT = { ...ORIGIN, 'access-control-request-method': 'POST' };
const ALLOWED = 'access-control-allow-origin';
const KEY = { kind: 'api-key', keys: ['ci'] };
const OPEN = { 'access-control-allow-origin': 'https://page.example', 'access-control-allow-headers': 'authorization' };
const APPLICATION = {
  routes: [
    { path: '/x', methods: ['OPTIONS'], status: 204, headers: OPEN },
    { path: '/x', methods: ['POST'], headers: OPEN, reply: { kind: 'text', body: 'ok' } },
    { path: '/closed', methods: ['POST'], reply: { kind: 'text', body: 'ok' } },
    { path: '/slow', methods: ['POST'], latency: '1h' },
  ],
  healthPaths: ['/healthz'],
};

describe.each(DOORS)('pages of other origins through $name', ({ name, open }) => {
  const within = (made: object, body: Within): Promise<void> => withinOpened(open(made), body);
  const application = (service: object = {}, more: object = {}): object =>
    applicationScenario({ ...APPLICATION, ...more }, {}, { auth: KEY, ...service });
  /** The status of an answer, and whom it may be read by. */
  const told = async (answer: Promise<Response>): Promise<[number, string | null]> => {
    const { status, headers, body } = await answer;
    await body?.cancel();
    return [status, headers.get(ALLOWED)];
  };

  test('may read what the gateway says of whom it does not know, and of how nobody is called', () =>
    within(scenario({ services: [chatService('chat', 1), chatService('other', 1)] }), async (door, fetch) => {
      const id = new URL(door.url('chat')).pathname.split('/').at(-1);
      for (const path of ['/v2/infer/nobody/v1/models', '/v1/models', `/v2/async-infer/${id}/tasks`]) {
        expect(await told(fetch(`${door.gateway}${path}`, { headers: ORIGIN })), path).toEqual([404, '*']);
        expect(await told(fetch(`${door.gateway}${path}`)), path).toEqual([404, null]);
        expect(await told(fetch(`${door.gateway}${path}`, { method: 'OPTIONS', headers: PREFLIGHT }))).toEqual([
          404,
          '*',
        ]);
      }
    }));

  test('may read that a body is too large for the gateway', () =>
    within(application(), async (door, fetch) => {
      const body = new Uint8Array(BODY_LIMIT_BYTES + 1);
      expect(await told(fetch(`${door.url('app')}/x`, { method: 'POST', headers: ORIGIN, body }))).toEqual([413, '*']);
    }));

  test("may read nothing of IAM's, nor of the gateway's own figures", () =>
    within(application(), async (door, fetch) => {
      const token = `${door.gateway}/v3/auth/tokens`;
      const [, readable] = await told(fetch(token, { method: 'POST', headers: ORIGIN, body: '{}' }));
      expect(readable).toBeNull();
      // In a lab they are asked of the lab.
      const figures = `${door.gateway}/metrics`;
      if (name === 'live sockets') expect(await told(fetch(figures, { headers: ORIGIN }))).toEqual([200, null]);
      expect(await told(fetch(token, { method: 'OPTIONS', headers: PREFLIGHT }))).toEqual([404, null]);
    }));

  test('may call an application that lets them, key or not, and read why the gateway does not', () =>
    within(application(), async (door, fetch) => {
      const url = `${door.url('app')}/x`;
      expect(await told(fetch(url, { method: 'OPTIONS', headers: PREFLIGHT }))).toEqual([204, ORIGIN.origin]);
      const bearer = { authorization: `Bearer ${door.apiKey('app')}` };
      const called = fetch(url, { method: 'POST', headers: { ...ORIGIN, ...bearer }, body: '' });
      expect(await told(called)).toEqual([200, ORIGIN.origin]);
      // The gateway's own words anybody may read; the application's own are as it says.
      expect(await told(fetch(url, { method: 'POST', headers: ORIGIN, body: '' }))).toEqual([401, '*']);
      expect(await told(fetch(url, { method: 'POST', body: '' }))).toEqual([401, null]);
      expect(await told(fetch(`${door.url('app')}/healthz`, { headers: ORIGIN }))).toEqual([401, '*']);
      const closed = `${door.url('app')}/closed`;
      expect(await told(fetch(closed, { method: 'OPTIONS', headers: PREFLIGHT }))).toEqual([204, null]);
      const unread = fetch(closed, { method: 'POST', headers: { ...ORIGIN, ...bearer }, body: '' });
      expect(await told(unread)).toEqual([200, null]);
    }));

  test('come past authentication with preflights alone, and past no access list', () =>
    within(application({ access: { blacklist: ['10.1.2.3'] } }), async (door, fetch) => {
      const url = `${door.url('app')}/x`;
      const ask = (headers: Record<string, string>) => told(fetch(url, { method: 'OPTIONS', headers }));
      // What asks for no method, or comes from nowhere, is no preflight.
      expect(await ask(ORIGIN)).toEqual([401, '*']);
      expect(await ask({ 'access-control-request-method': 'POST' })).toEqual([401, null]);
      expect(await ask({ ...PREFLIGHT, 'x-forwarded-for': '10.1.2.3' })).toEqual([403, '*']);
      expect(await ask({ ...PREFLIGHT, 'x-forwarded-for': '10.1.2.4' })).toEqual([204, ORIGIN.origin]);
    }));

  test('may read that the backend took too long', () =>
    within(application({ auth: { kind: 'none' }, requestTimeout: '1s' }), async (door, fetch) => {
      const url = `${door.url('app')}/slow`;
      expect(await told(fetch(url, { method: 'POST', headers: ORIGIN, body: '' }))).toEqual([504, '*']);
    }));
});
