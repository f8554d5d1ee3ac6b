import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Call, Reply } from '../../src/gateway/index.ts';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import { DEFAULT_IAM, keyDigest, type RateLimit, type ServiceSpec, TOKEN_LIFE } from '../../src/platform/index.ts';
import { ask, called, untilEnded } from '../support/calls.ts';
import type { Quick } from '../support/quick.ts';
import { SERVICE } from '../support/world.ts';

const MB = 2 ** 20;
const KEY = keyDigest(1, 'key');

function status({ refusal, state }: Reply): number | string {
  return refusal?.status ?? state;
}

describe('a call is refused by the first that applies (guide 230-269)', () => {
  const settings: Partial<ServiceSpec> = {
    auth: { kind: 'api-key', keys: [{ name: 'tests', digest: KEY }] },
    requestSizeMB: 1,
    access: { blacklist: ['10.0.0.0/8'] },
    rateLimits: [{ requests: 1, per: 'minute', scope: 'service' }],
  };
  const good: Partial<Call> = { clientIp: '192.0.2.1', key: KEY, bodyBytes: MB };

  test('network, credential, size, state, rate', () => {
    const lab = called(settings);
    const asked = (call: Partial<Call>): number | string => status(ask(lab, { ...good, ...call }));
    // What is refused earlier counts against no rate.
    expect(asked({ clientIp: '10.1.1.1', key: null, bodyBytes: MB + 1 })).toBe(403);
    expect(asked({ clientIp: '::ffff:10.1.1.1' })).toBe(403);
    expect(asked({ key: null, bodyBytes: MB + 1 })).toBe(401);
    expect(asked({ bodyBytes: MB + 1 })).toBe(413);
    expect(asked({})).toBe('open');
    const { refusal } = ask(lab, good);
    expect(refusal).toMatchObject({ error: 'throttled', status: 429, retryAfterSeconds: 60 });
    lab.also({ kind: 'stop', service: SERVICE });
    expect(asked({ bodyBytes: MB + 1 })).toBe(413);
    expect(asked({})).toBe(503);
    lab.strike({ kind: 'refuse', service: SERVICE, status: 429 });
    expect(asked({ clientIp: '10.1.1.1' })).toBe(429);
  });

  test('without public access nobody gets in, whitelisted or not; the scenario has connections of its own', () => {
    const lab = called({ access: { publicAccess: false, whitelist: ['192.0.2.0/24'] } });
    expect(ask(lab, good).refusal).toMatchObject({ error: 'addressRefused', status: 403 });
    const { world } = lab;
    const offered = { offset: 0 as Micros, promptTokens: 1, outputTokens: 1, row: 0, prefix: undefined };
    world.gateway.offer(lab.service, offered);
    world.gateway.offer(lab.service, offered, { clientIp: '192.0.2.1' });
    untilEnded(lab);
    expect([...world.requests.records()].map((record) => record.status)).toEqual([403, 200, 403]);
  });
});

describe('an IAM token (guide 1462, 1499)', () => {
  const issued = (lab: Quick, digest: string, project: string | null): void => {
    const expiresAt = (lab.world.now + TOKEN_LIFE) as Micros;
    lab.world.apply(lab.world.now, { kind: 'issue-token', digest, project, expiresAt });
  };

  test('opens a service for a day, if it is of a project', () => {
    const lab = called({ auth: { kind: 'token' } });
    issued(lab, 'of a project', DEFAULT_IAM.project.id);
    issued(lab, 'of another project', 'p');
    issued(lab, 'of a domain', null);
    const refused = (token?: string): unknown => ask(lab, token === undefined ? {} : { token }).refusal;
    expect(refused()).toMatchObject({ status: 401, error: 'tokenRefused', detail: 'x-auth-token not found' });
    expect(refused('unknown')).toMatchObject({ detail: 'decrypt token fail' });
    expect(refused('of a domain')).toMatchObject({ status: 401, detail: 'the token is not scoped to a project' });
    expect(refused('of another project')).toMatchObject({ detail: 'the token is scoped to another project' });
    expect(ask(lab, { key: KEY }).refusal).toMatchObject({ status: 401 });
    expect(refused('of a project')).toBeUndefined();
    lab.pass(86_400 - 60);
    expect(refused('of a project')).toBeUndefined();
    lab.pass(60);
    expect(refused('of a project')).toMatchObject({ detail: 'token expires' });
  });
});

describe('rate limits, end to end', () => {
  const gaps = fc.array(fc.nat(900_000), { minLength: 1, maxLength: 60 });
  const limit = fc.record({
    requests: fc.integer({ min: 1, max: 6 }),
    per: fc.constantFrom<RateLimit['per']>('second', 'minute'),
    scope: fc.constantFrom<RateLimit['scope']>('service', 'instance'),
  });

  test('let in exactly as many in any window as they say, whatever comes', () => {
    fc.assert(
      fc.property(limit, gaps, (limit, gaps) => {
        const lab = called({ rateLimits: [limit] });
        const width = limit.per === 'second' ? 1e6 : 60e6;
        const most = limit.requests * (limit.scope === 'service' ? 1 : lab.ready);
        const taken: number[] = [];
        for (const gap of gaps) {
          const { refusal, arrivedAt } = ask(lab, { maxTokens: 1 }, gap);
          const within = taken.filter((at) => arrivedAt - at < width).length;
          expect(refusal?.status).toBe(within < most ? undefined : 429);
          if (refusal === undefined) taken.push(arrivedAt);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('API keys (guide 1880-1936)', () => {
  const create = (name: string, scope: 'USER' | 'SERVICE') =>
    ({ kind: 'create-key', name, digest: keyDigest(1, name), scope }) as const;
  const opens = (lab: Quick, name: string): boolean => ask(lab, { key: keyDigest(1, name) }).refusal === undefined;
  const keyed = (): Quick => called({ auth: { kind: 'api-key', keys: [{ name: 'tests', digest: KEY }] } });
  const operate = (lab: Quick, operation: object): string | undefined => {
    lab.world.apply(lab.world.now, { kind: 'operate', operation: operation as ReturnType<typeof create> });
    return lab.world.operations.at(-1)!.refusal;
  };

  test('open every service, or those that they are bound to, until they are unbound or deleted', () => {
    const lab = keyed();
    const bind = { kind: 'bind-key', key: 'one', service: SERVICE };
    expect(operate(lab, create('all', 'USER'))).toBeUndefined();
    expect(operate(lab, create('one', 'SERVICE'))).toBeUndefined();
    expect(operate(lab, create('one', 'USER'))).toMatch(/already an API key "one"/);
    expect([opens(lab, 'all'), opens(lab, 'one')]).toEqual([true, false]);
    expect(operate(lab, bind)).toBeUndefined();
    expect(operate(lab, bind)).toMatch(/bound to it already/);
    expect(operate(lab, { ...bind, key: 'all' })).toMatch(/good for all services/);
    expect(operate(lab, { ...bind, key: 'none' })).toMatch(/no API key "none"/);
    expect(opens(lab, 'one')).toBe(true);
    expect(operate(lab, { kind: 'delete-key', key: 'one' })).toMatch(/bound to "chat"/);
    expect(operate(lab, { ...bind, kind: 'unbind-key' })).toBeUndefined();
    expect(operate(lab, { ...bind, kind: 'unbind-key' })).toMatch(/not bound/);
    expect(opens(lab, 'one')).toBe(false);
    for (const key of ['one', 'all']) expect(operate(lab, { kind: 'delete-key', key })).toBeUndefined();
    expect(opens(lab, 'all')).toBe(false);
    // A name is free again once its key is deleted.
    expect(operate(lab, create('one', 'USER'))).toBeUndefined();
  });

  test('are bound to a service that asks for them, and is Running, Alarm, Stopping, Stopped or Abnormal', () => {
    const open = called({ auth: { kind: 'none' } });
    operate(open, create('one', 'SERVICE'));
    expect(operate(open, { kind: 'bind-key', key: 'one', service: SERVICE })).toMatch(/asks for no API key/);
    const lab = keyed();
    const bound = (name: string): string | undefined => {
      operate(lab, create(name, 'SERVICE'));
      return operate(lab, { kind: 'bind-key', key: name, service: SERVICE });
    };
    expect(bound('running')).toBeUndefined();
    lab.also({ kind: 'stop', service: SERVICE });
    expect(lab.service.status).toBe('STOPPING');
    expect(bound('stopping')).toBeUndefined();
    lab.until(() => lab.service.status === 'STOPPED');
    expect(bound('stopped')).toBeUndefined();
    lab.also({ kind: 'start', service: SERVICE });
    expect(bound('starting')).toBe('the service is DEPLOYING');
  });

  test('that are temporary open nothing once their time is over', () => {
    const lab = keyed();
    const expiresAt = (lab.world.now + fromSeconds(3_600)) as Micros;
    operate(lab, { ...create('guest', 'USER'), expiresAt });
    expect(opens(lab, 'guest')).toBe(true);
    lab.pass(3_600);
    expect(opens(lab, 'guest')).toBe(false);
  });
});
