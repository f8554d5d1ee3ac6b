import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_IAM, iamId, passwordFor } from '../../src/platform/index.ts';
import { DOORS, type OpenDoor } from '../support/doors.ts';
import { inside, type Within } from '../support/inside.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { post } from '../support/wire.ts';

const SEED = 7;
const OTHER = 'sim-region-1_apart';
const SCENARIO = scenario({
  iam: { domain: 'acme', otherProjects: [{ name: OTHER }], users: [{ name: 'ann' }, { name: 'bob' }] },
  services: [{ ...chatService('chat', 1), auth: { kind: 'token' } }],
});
const PASSWORD = passwordFor(SEED, 'acme', 'ann');
const HELLO = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 1 };

interface Asked {
  readonly name?: string;
  readonly password?: string;
  readonly domain?: object;
  readonly scope?: object;
}

function auth({ name = 'ann', password = PASSWORD, domain = { name: 'acme' }, scope }: Asked = {}): object {
  const identity = { methods: ['password'], password: { user: { name, password, domain } } };
  return { auth: { identity, ...(scope === undefined ? {} : { scope }) } };
}

const PROJECT = { project: { name: DEFAULT_IAM.project.name } };

describe.each(DOORS)('tokens through $name', ({ open }) => {
  let door: OpenDoor;
  beforeAll(async () => {
    door = await open(SCENARIO);
  });
  afterAll(() => door.close());

  const within: Within = (body) => inside(door, body);
  const ask = (body: object | string, headers: Readonly<Record<string, string>> = {}) =>
    within(async (fetch) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json;charset=utf8', ...headers },
        body: text,
      };
      const response = await fetch(`${door.gateway}/v3/auth/tokens?nocatalog=true`, init);
      const said = (await response.json()) as Record<string, Record<string, unknown>>;
      return { status: response.status, headers: response.headers, said };
    });
  const call = (token: string) =>
    within(async (fetch) => {
      const init = post(HELLO);
      const headers = { ...(init.headers as Record<string, string>), 'x-auth-token': token };
      const response = await fetch(`${door.url('chat')}/v1/chat/completions`, { ...init, headers });
      return { status: response.status, text: await response.text() };
    });

  test('one is issued for a password, and opens the services of its project', async () => {
    const { status, headers, said } = await ask(auth({ scope: PROJECT }));
    expect(status).toBe(201);
    const token = headers.get('x-subject-token')!;
    expect(token).toMatch(/^MII[0-9a-f]{600,}$/);
    const domain = { id: iamId('domain', 'acme'), name: 'acme' };
    expect(said).toEqual({
      token: {
        issued_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
        expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
        methods: ['password'],
        user: { id: iamId('user', 'ann'), name: 'ann', domain, password_expires_at: '' },
        project: { ...DEFAULT_IAM.project, domain },
        roles: [],
        catalog: [],
      },
    });
    const { issued_at, expires_at } = said.token as { issued_at: string; expires_at: string };
    expect(Date.parse(expires_at) - Date.parse(issued_at)).toBe(86_400_000);
    expect((await call(token)).status).toBe(200);
    expect(JSON.stringify(said)).not.toContain(token);
  });

  test('a signature on the request, right or wrong, is of no account', async () => {
    const signed = { authorization: 'SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=00', 'x-sdk-date': 'x' };
    expect((await ask(auth({ scope: PROJECT }), signed)).status).toBe(201);
  });

  test('without a scope, or with a domain, it is for the domain, and services refuse it (guide 1499)', async () => {
    for (const scope of [undefined, { domain: { name: 'acme' } }, { domain: { id: iamId('domain', 'acme') } }]) {
      const { status, headers, said } = await ask(auth(scope === undefined ? {} : { scope }));
      expect(status).toBe(201);
      expect(said.token).toMatchObject({ domain: { name: 'acme' } });
      expect(said.token).not.toHaveProperty('project');
      const refused = await call(headers.get('x-subject-token')!);
      expect(refused.status).toBe(401);
      expect(JSON.parse(refused.text)).toMatchObject({ error_code: 'APIG.0301' });
    }
  });

  test('for another project it opens no service of this one', async () => {
    const { headers } = await ask(auth({ scope: { project: { name: OTHER } } }));
    const refused = await call(headers.get('x-subject-token')!);
    expect(refused.status).toBe(401);
    expect(refused.text).toContain('another project');
  });

  test('with a token another is got, for another scope, and good no longer than the first', async () => {
    const first = await ask(auth());
    const id = first.headers.get('x-subject-token')!;
    const again = await ask({ auth: { identity: { methods: ['token'], token: { id } }, scope: PROJECT } });
    expect(again.status).toBe(201);
    expect(again.said.token).toMatchObject({ methods: ['token'], user: { name: 'ann' } });
    expect(again.said.token!.expires_at).toBe(first.said.token!.expires_at);
    expect((await call(again.headers.get('x-subject-token')!)).status).toBe(200);
  });

  test.each<[string, Asked]>([
    ['a wrong password', { password: `${PASSWORD}0` }],
    ['the password in another case', { password: PASSWORD.toUpperCase() }],
    ['a password with a blank', { password: ` ${PASSWORD}` }],
    ['another user', { name: 'bob' }],
    ['a user in another case', { name: 'Ann' }],
    ['a user that there is not', { name: 'eve', password: passwordFor(SEED, 'acme', 'eve') }],
    ['the password of another seed', { password: passwordFor(SEED + 1, 'acme', 'ann') }],
    ['another domain', { domain: { name: 'emca' } }],
    ['a domain whose id and name differ', { domain: { name: 'acme', id: iamId('domain', 'emca') } }],
  ])('for %s there is none, and the words are the same', async (_, asked) => {
    const { status, headers, said } = await ask(auth({ scope: PROJECT, ...asked }));
    expect(status).toBe(401);
    expect(headers.get('x-subject-token')).toBeNull();
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    const error = { code: 401, message: 'The username or password is wrong.', title: 'Unauthorized' };
    expect(said).toEqual({ error });
  });

  test.each<[string, object]>([
    ['a project that there is not', { project: { name: 'sim-region-2' } }],
    ['a project by a part of its name', { project: { name: 'sim-region' } }],
    ['a project whose id is another', { project: { name: OTHER, id: DEFAULT_IAM.project.id } }],
    ['a domain of others', { domain: { name: 'emca' } }],
  ])('for %s there is none', async (_, scope) => {
    const { status, said } = await ask(auth({ scope }));
    expect(status).toBe(401);
    expect(said).toMatchObject({ error: { code: 401, title: 'Unauthorized' } });
  });

  test('for a token that is none there is none', async () => {
    for (const id of ['', 'MII', 'MII'.repeat(300)]) {
      const { status } = await ask({ auth: { identity: { methods: ['token'], token: { id } }, scope: PROJECT } });
      expect(status).toBe(id === '' ? 400 : 401);
    }
  });

  test.each<[string, object | string]>([
    ['no JSON', '{"auth":'],
    ['nothing', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['no identity', { auth: {} }],
    ['no method', { auth: { identity: { methods: [] } } }],
    ['two methods', { auth: { identity: { methods: ['password', 'totp'], password: {} } } }],
    ['an unknown method', { auth: { identity: { methods: ['assume_role'] } } }],
    ['a password that is none', auth({ password: 1 as unknown as string })],
    ['an empty scope', auth({ scope: {} })],
    ['two scopes', auth({ scope: { ...PROJECT, domain: { name: 'acme' } } })],
    ['a prototype', '{"__proto__":{"auth":{}}}'],
  ])('%s is malformed, and is not told back', async (_, body) => {
    const { status, said } = await ask(body);
    expect(status).toBe(400);
    expect(said).toMatchObject({ error: { code: 400, title: 'Bad Request' } });
    expect(JSON.stringify(said)).not.toContain(PASSWORD);
  });

  test('projects are found by their whole name', async () => {
    const list = (query: string) =>
      within(async (fetch) => {
        const response = await fetch(`${door.gateway}/v3/projects${query}`);
        return ((await response.json()) as { projects: { name: string }[] }).projects.map(({ name }) => name);
      });
    expect(await list('?name=sim-region-1')).toEqual(['sim-region-1']);
    expect(await list('?name=sim-region')).toEqual([]);
    expect(await list('')).toEqual(['sim-region-1', OTHER]);
  });

  test('nothing else is there', async () => {
    await door.within(async (fetch) => {
      for (const [method, path] of [
        ['GET', '/v3/auth/tokens'],
        ['POST', '/v3/projects'],
        ['GET', '/v3/auth/catalog'],
      ] as const) {
        const response = await fetch(`${door.gateway}${path}`, { method });
        expect(response.status).toBe(404);
        expect(await response.json()).toMatchObject({ error: { code: 404, title: 'Not Found' } });
      }
    });
  });
});
