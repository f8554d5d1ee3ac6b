import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DOORS, type OpenDoor } from '../support/doors.ts';
import { inside } from '../support/inside.ts';
import { scenario } from '../support/scenario.ts';

const REFUSED = "Unsupported Media Type: Only 'application/json' is allowed";

describe.each(DOORS)('through $name', ({ open }) => {
  let door: OpenDoor;
  beforeAll(async () => {
    door = await open(scenario());
  });
  afterAll(() => door.close());

  const post = (path: string, contentType: string, at = door.url('chat')) =>
    inside(door, async (fetch) => {
      const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], prompt: 'Hello', max_tokens: 1 });
      const headers = { authorization: `Bearer ${door.apiKey('chat')}`, 'content-type': contentType };
      const response = await fetch(`${at}${path}`, { method: 'POST', headers, body });
      return { status: response.status, id: response.headers.get('x-request-id'), text: await response.text() };
    });

  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON', 'application/json;x'])(
    '"%s" is JSON',
    async (contentType) => {
      for (const path of ['/v1/chat/completions', '/v1/completions', '/tokenize']) {
        expect((await post(path, contentType)).status).toBe(200);
        expect((await post(path, contentType, door.pod('chat/main/0'))).status).toBe(200);
      }
    },
  );

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonl', 'text/json', 'json', ''])(
    '"%s" is not, and is refused as vLLM does',
    async (contentType) => {
      for (const path of ['/v1/chat/completions', '/v1/completions', '/tokenize']) {
        for (const at of [door.url('chat'), door.pod('chat/main/0')]) {
          const { status, text } = await post(path, contentType, at);
          expect(status).toBe(400);
          expect(JSON.parse(text)).toEqual({
            error: { message: REFUSED, type: 'Bad Request', param: null, code: 400 },
          });
        }
      }
      const { text } = await post('/v1/messages', contentType);
      expect(JSON.parse(text)).toMatchObject({ type: 'error', error: { message: REFUSED } });
    },
  );

  test('who may not call is told that, not what is wrong with his body', async () => {
    const status = await inside(door, async (fetch) => {
      const init = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' };
      return (await fetch(`${door.url('chat')}/v1/completions`, init)).status;
    });
    expect(status).toBe(401);
  });

  test('every answer has an id, also one without a body, and what a server does not know', async () => {
    for (const [method, path, expected] of [
      ['GET', '/health', 200],
      ['GET', '/metrics', 200],
      ['GET', '/v1/models', 200],
      ['GET', '/v1/nothing', 404],
      ['DELETE', '/v1/models', 405],
      ['GET', '/v1/completions', 405],
    ] as const) {
      for (const at of [door.url('chat'), door.pod('chat/main/0')]) {
        await door.within(async (fetch) => {
          const headers = { authorization: `Bearer ${door.apiKey('chat')}` };
          const response = await fetch(`${at}${path}`, { method, headers });
          expect(response.status, `${method} ${at}${path}`).toBe(expected);
          expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
          await response.arrayBuffer();
        });
      }
    }
  });
});
