import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Lab } from '../../src/index.ts';
import type { Micros } from '../../src/kernel/index.ts';
import { type ApiKeyOperation, DEFAULT_IAM, keyDigest, TOKEN_LIFE } from '../../src/platform/index.ts';
import { ask, called, callLab } from '../support/calls.ts';
import { DOORS, type OpenDoor } from '../support/doors.ts';
import { guideRule } from '../support/guide-rule.ts';
import { Quick, quick } from '../support/quick.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { post } from '../support/wire.ts';
import { SERVICE, service } from '../support/world.ts';
import { LivePlatform } from './live.ts';

/** How clients prove who they are (guide 1110-2246). */

const OTHER = 'code';
const CHAT = '/v1/chat/completions';
const HELLO = { model: 'qwen3-8b', messages: [{ role: 'user', content: 'Hello there' }] };
const digestOf = (name: string): string => keyDigest(1, name);
const keyed = { kind: 'api-key', keys: [{ name: 'own', digest: digestOf('own') }] } as const;

/** Two services that ask for API keys. */
function twoServices(): Quick {
  const one = service({ auth: keyed, deployments: [quick({ instances: 1 })] });
  const keys = [{ name: 'own', digest: digestOf('own of code') }];
  const other = { ...one, name: OTHER, id: '00000000-0000-4000-8000-000000000002', auth: { ...keyed, keys } };
  return Quick.ready({ ...callLab({}), services: [one, other] });
}

/** @returns why it was refused */
function operate(lab: Quick, operation: ApiKeyOperation): string | undefined {
  lab.world.apply(lab.world.now, { kind: 'operate', operation });
  return lab.world.operations.at(-1)!.refusal;
}

const create = (name: string, scope: 'USER' | 'SERVICE', more: object = {}): ApiKeyOperation => ({
  kind: 'create-key',
  name,
  digest: digestOf(name),
  scope,
  ...more,
});
const bind = (key: string, to = SERVICE): ApiKeyOperation => ({ kind: 'bind-key', key, service: to });

/** Which of the services a key opens. */
function opened(lab: Quick, name: string): string[] {
  const names = lab.world.platform.services.map((each) => each.name);
  return names.filter(
    (to) => ask(lab, { to: { service: to }, key: digestOf(name), maxTokens: 1 }).refusal === undefined,
  );
}

describe('API keys', () => {
  guideRule(1895, 'the name of an API key is unique', () => {
    const lab = twoServices();
    expect(operate(lab, create('one', 'USER'))).toBeUndefined();
    expect(operate(lab, { ...create('one', 'SERVICE'), digest: digestOf('another') } as ApiKeyOperation)).toMatch(
      /already an API key "one"/,
    );
    expect(operate(lab, { kind: 'delete-key', key: 'one' })).toBeUndefined();
    expect(operate(lab, create('one', 'SERVICE'))).toBeUndefined();
  });

  guideRule(1896, 'an API key may have a description', () => {
    const lab = twoServices();
    operate(lab, create('told', 'USER', { description: 'for tests' }));
    operate(lab, create('untold', 'USER'));
    const described = lab.world.platform.credentials.keys.map(({ name, description }) => [name, description]);
    expect(described).toEqual(
      expect.arrayContaining([
        ['told', 'for tests'],
        ['untold', ''],
      ]),
    );
  });

  guideRule(1897, 'a key of all services opens every service that asks for keys', () => {
    const lab = twoServices();
    operate(lab, create('all', 'USER'));
    expect(opened(lab, 'all')).toEqual([SERVICE, OTHER]);
    expect(operate(lab, bind('all'))).toMatch(/good for all services/);
  });

  // Whatever is done to keys, each opens what it is bound to then.
  guideRule(1897, 'a key of specified services opens those that it is bound to', () => {
    const step = fc.record({
      kind: fc.constantFrom('bind-key' as const, 'unbind-key' as const),
      key: fc.constantFrom('a', 'b'),
      service: fc.constantFrom(SERVICE, OTHER),
    });
    const lab = twoServices();
    for (const key of ['a', 'b']) operate(lab, create(key, 'SERVICE'));
    const bound = new Map<string, Set<string>>([
      ['a', new Set()],
      ['b', new Set()],
    ]);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        for (const { kind, key, service: to } of steps) {
          const has = bound.get(key)!;
          expect(operate(lab, { kind, key, service: to }) === undefined).toBe(has.has(to) === (kind === 'unbind-key'));
          if (kind === 'bind-key') has.add(to);
          else has.delete(to);
        }
        for (const [key, services] of bound) expect(new Set(opened(lab, key))).toEqual(services);
      }),
      { numRuns: 30 },
    );
  });

  guideRule(1906, 'a key is bound to a service that is Running, Alarm, Stopping, Stopped or Abnormal', () => {
    const lab = twoServices();
    const taken: string[] = [];
    const STATES = ['RUNNING', 'CONCERNING', 'STOPPING', 'STOPPED', 'ERROR'] as const;
    const OTHERS = ['INIT', 'DEPLOYING', 'UPGRADING', 'DELETING'] as const;
    for (const status of [...STATES, ...OTHERS]) {
      operate(lab, create(status, 'SERVICE'));
      lab.service.status = status;
      if (operate(lab, bind(status)) === undefined) taken.push(status);
    }
    expect(taken).toEqual(STATES);
  });

  guideRule(1906, 'a key is bound only to a service that asks for API keys', () => {
    for (const kind of ['none', 'token'] as const) {
      const lab = called({ auth: { kind } });
      operate(lab, create('one', 'SERVICE'));
      expect(operate(lab, bind('one'))).toMatch(/asks for no API key/);
    }
  });

  guideRule(1923, 'a key that is unbound from a service does not open it any more', () => {
    const lab = twoServices();
    operate(lab, create('one', 'SERVICE'));
    for (const to of [SERVICE, OTHER]) operate(lab, bind('one', to));
    expect(opened(lab, 'one')).toEqual([SERVICE, OTHER]);
    expect(operate(lab, { kind: 'unbind-key', key: 'one', service: SERVICE })).toBeUndefined();
    expect(opened(lab, 'one')).toEqual([OTHER]);
  });

  guideRule(4411, 'event: an API key fails to be bound', () => {
    const lab = twoServices();
    operate(lab, create('all', 'USER'));
    operate(lab, bind('all'));
    operate(lab, bind('none'));
    expect(lab.events('apiKeyBindingFailed')).toEqual([
      'Binding API key: all failed, it is good for all services, and bound to none.',
      'Binding API key: none failed, there is no API key "none".',
    ]);
    operate(lab, create('one', 'SERVICE'));
    operate(lab, bind('one'));
    expect(lab.events('apiKeyBindingFailed')).toHaveLength(2);
  });

  guideRule(4412, 'event: an API key fails to be unbound', () => {
    const lab = twoServices();
    operate(lab, create('one', 'SERVICE'));
    operate(lab, { kind: 'unbind-key', key: 'one', service: SERVICE });
    expect(lab.events('apiKeyUnbindingFailed')).toEqual(['Unbinding API key: one failed, it is not bound to it.']);
    operate(lab, bind('one'));
    operate(lab, { kind: 'unbind-key', key: 'one', service: SERVICE });
    expect(lab.events('apiKeyUnbindingFailed')).toHaveLength(1);
  });

  guideRule(1936, 'a key that is bound to a service cannot be deleted', () => {
    const lab = twoServices();
    operate(lab, create('one', 'SERVICE'));
    operate(lab, bind('one', OTHER));
    expect(operate(lab, { kind: 'delete-key', key: 'one' })).toMatch(/bound to "code"/);
    operate(lab, { kind: 'unbind-key', key: 'one', service: OTHER });
    expect(operate(lab, { kind: 'delete-key', key: 'one' })).toBeUndefined();
  });

  guideRule(1936, 'a deleted key opens nothing', () => {
    const lab = twoServices();
    operate(lab, create('one', 'USER'));
    expect(opened(lab, 'one')).toHaveLength(2);
    operate(lab, { kind: 'delete-key', key: 'one' });
    expect(opened(lab, 'one')).toEqual([]);
  });
});

describe('IAM tokens', () => {
  const PROJECT = DEFAULT_IAM.project.id;
  const issue = (lab: Quick, name: string, project: string | null = PROJECT): void => {
    const expiresAt = (lab.world.now + TOKEN_LIFE) as Micros;
    lab.world.apply(lab.world.now, { kind: 'issue-token', digest: digestOf(name), project, expiresAt });
  };
  const refusal = (lab: Quick, name: string) => ask(lab, { token: digestOf(name), maxTokens: 1 }).refusal;

  guideRule(1462, 'a token is good for 24 hours', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 86_399 }), (seconds) => {
        const lab = called({ auth: { kind: 'token' } });
        issue(lab, 'token');
        lab.pass(seconds);
        expect(refusal(lab, 'token')).toBeUndefined();
        lab.pass(86_400 - seconds);
        expect(refusal(lab, 'token')).toMatchObject({ status: 401 });
      }),
      { numRuns: 5 },
    );
  });

  guideRule(1474, 'a service with token authentication refuses calls without a good token', () => {
    const lab = called({ auth: { kind: 'token' } });
    issue(lab, 'good');
    expect(ask(lab).refusal).toMatchObject({ by: 'gateway', status: 401 });
    expect(ask(lab, { key: digestOf('good') }).refusal).toMatchObject({ status: 401 });
    expect(refusal(lab, 'made up')).toMatchObject({ status: 401 });
    expect(refusal(lab, 'good')).toBeUndefined();
  });

  guideRule(1499, 'a token that is scoped to a domain opens no service', () => {
    const lab = called({ auth: { kind: 'token' } });
    issue(lab, 'of the domain', null);
    expect(refusal(lab, 'of the domain')).toMatchObject({ status: 401 });
  });
});

describe.each(DOORS)('through $name', ({ open }) => {
  let door: OpenDoor;
  beforeAll(async () => {
    const free = { ...chatService('free', 1), auth: { kind: 'none' } };
    door = await open(scenario({ services: [chatService(SERVICE, 1), free] }));
  });
  afterAll(() => door.close());

  const status = async (to: string, headers: Record<string, string>): Promise<number> => {
    let seen = 0;
    await door.within(async (fetch) => {
      const init = post(HELLO);
      const response = await fetch(door.url(to) + CHAT, { ...init, headers: { ...init.headers, ...headers } });
      seen = response.status;
      await response.text();
    });
    return seen;
  };

  guideRule(1114, 'a service without authentication answers whoever calls', async () => {
    for (const headers of [{}, { authorization: 'Bearer sk-wrong' }, { 'x-auth-token': 'wrong' }] as const) {
      expect(await status('free', { ...headers })).toBe(200);
    }
  });

  guideRule(1834, 'a service with API keys refuses calls without one that opens it', async () => {
    expect(await status(SERVICE, {})).toBe(401);
    expect(await status(SERVICE, { authorization: 'Bearer sk-wrong' })).toBe(401);
    expect(await status(SERVICE, { 'x-auth-token': door.apiKey(SERVICE) })).toBe(401);
    expect(await status(SERVICE, { authorization: `Bearer ${door.apiKey(SERVICE)}` })).toBe(200);
  });

  guideRule(1967, 'an API key comes as a bearer token in the header Authorization', async () => {
    const key = door.apiKey(SERVICE);
    for (const authorization of [`Bearer ${key}`, `bearer ${key}`, `Bearer   ${key}`]) {
      expect(await status(SERVICE, { authorization })).toBe(200);
    }
    for (const authorization of [key, `Basic ${key}`, `Bearer${key}`, `Bearer x${key}`]) {
      expect(await status(SERVICE, { authorization })).toBe(401);
    }
  });
});

describe('an IAM token over sockets', () => {
  let platform: LivePlatform;
  beforeAll(async () => {
    platform = await LivePlatform.open(
      scenario({ services: [{ ...chatService(SERVICE, 1), auth: { kind: 'token' } }] }),
    );
  });
  afterAll(() => platform.close());

  const status = async (headers: Record<string, string>, query = ''): Promise<number> => {
    const path = platform.pathOf(SERVICE, CHAT) + query;
    const sent = { ...headers, 'content-type': 'application/json' };
    return (await platform.call({ secure: true, path, headers: sent, body: JSON.stringify(HELLO) })).status;
  };

  guideRule(1519, 'a token comes in the header X-Auth-Token', async () => {
    const token = await platform.token();
    for (const name of ['X-Auth-Token', 'x-auth-token']) expect(await status({ [name]: token })).toBe(200);
    for (const headers of [
      { Authorization: `Bearer ${token}` },
      { Authorization: token },
      { 'X-Subject-Token': token },
      { Cookie: `X-Auth-Token=${token}` },
    ] as Record<string, string>[]) {
      expect(await status(headers)).toBe(401);
    }
    expect(await status({}, `?X-Auth-Token=${token}`)).toBe(401);
  });

  guideRule(1499, 'a token that is scoped to a domain opens no service', async () => {
    const token = await platform.token({ domain: { id: platform.addresses.iam.domain.id } });
    expect(await status({ 'X-Auth-Token': token })).toBe(401);
  });
});

describe('the text of an API key', () => {
  // Whoever makes it knows it; the platform keeps a digest.
  guideRule(1890, 'the text of an API key is told when it is made, and nowhere after', async () => {
    const lab = Lab.fromObject(scenario());
    const made = 'sk-made-by-an-operator';
    const digest = keyDigest(lab.seed, made);
    expect(lab.operate({ kind: 'create-key', name: 'made', digest, scope: 'USER' })).toBeUndefined();
    await lab.run(async () => {
      for (const key of [made, lab.apiKey(SERVICE)]) {
        const response = await lab.fetch(`${lab.url(SERVICE)}/chat/completions`, post(HELLO, key));
        expect(response.status).toBe(200);
        await response.text();
      }
    });
    const kept = lab.journal() + JSON.stringify(lab.events()) + JSON.stringify(lab.requests());
    for (const key of [made, lab.apiKey(SERVICE)]) expect(kept).not.toContain(key);
    expect(kept).toContain(digest);
  });
});
