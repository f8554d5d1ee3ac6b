import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import type { CallSettings, ServiceChanges } from '../../src/platform/index.ts';
import { ask, called, untilEnded } from '../support/calls.ts';
import { type Quick, quick } from '../support/quick.ts';
import { SERVICE } from '../support/world.ts';

const modify = (lab: Quick, set: ServiceChanges): string | undefined =>
  lab.operate({ kind: 'modify-service', service: SERVICE, set });
const statusOf = (lab: Quick, later = 0): number | undefined => ask(lab, { maxTokens: 1 }, later).refusal?.status;

describe("a service's own settings change while it runs (guide 3303)", () => {
  test('access lists, size limit and rate limits hold from then on, and go away again', () => {
    const lab = called({});
    const from = (clientIp: string, bodyBytes = 0) => ask(lab, { clientIp, bodyBytes }).refusal?.status;
    expect(from('10.0.0.1')).toBeUndefined();
    expect(modify(lab, { access: { whitelist: ['192.0.2.0/24'] }, requestSizeMB: 1 })).toBeUndefined();
    expect([from('10.0.0.1'), from('192.0.2.1'), from('192.0.2.1', 2 ** 20 + 1)]).toEqual([403, undefined, 413]);
    expect(modify(lab, { access: null, requestSizeMB: null })).toBeUndefined();
    expect([from('10.0.0.1'), from('192.0.2.1', 2 ** 20 + 1)]).toEqual([undefined, undefined]);
    expect(modify(lab, { access: { publicAccess: false } })).toBeUndefined();
    expect(from('10.0.0.1')).toBe(403);
  });

  test('new rate limits count what the old ones let in', () => {
    const lab = called({ rateLimits: [{ requests: 3, per: 'minute', scope: 'service' }] });
    expect([statusOf(lab), statusOf(lab)]).toEqual([undefined, undefined]);
    expect(modify(lab, { rateLimits: [{ requests: 2, per: 'minute', scope: 'service' }] })).toBeUndefined();
    expect(statusOf(lab)).toBe(429);
    lab.pass(60);
    expect([statusOf(lab), statusOf(lab), statusOf(lab)]).toEqual([undefined, undefined, 429]);
    expect(modify(lab, { rateLimits: null })).toBeUndefined();
    expect(statusOf(lab)).toBeUndefined();
  });

  test('a request keeps the timeout that there was when it came in', () => {
    // Answers of 2,000 tokens of 10 ms each.
    const lab = called({ requestTimeout: fromSeconds(30) });
    const before = ask(lab, { maxTokens: 2_000, ignoreEos: true, streamed: false });
    expect(modify(lab, { requestTimeout: fromSeconds(5) })).toBeUndefined();
    const after = ask(lab, { maxTokens: 2_000, ignoreEos: true, streamed: false });
    expect(modify(lab, { requestTimeout: null })).toBeUndefined();
    untilEnded(lab);
    expect([before.state, after.state]).toEqual(['finished', 'cut']);
    expect(after.endedAt - after.arrivedAt).toBe(5e6);
  });

  test('a circuit breaker comes and goes while calls are under way', () => {
    const lab = called({ circuitBreaker: { errorRate: 0.5 } });
    const under = ask(lab, { maxTokens: 100, ignoreEos: true });
    expect(modify(lab, { circuitBreaker: null })).toBeUndefined();
    ask(lab, { maxTokens: 100, ignoreEos: true });
    expect(modify(lab, { circuitBreaker: { errorRate: 0.2 } })).toBeUndefined();
    untilEnded(lab);
    expect(under.state).toBe('finished');
  });

  test('retries may be had and lost', () => {
    const lab = called({});
    expect(modify(lab, { retry: { count: 2, interval: 100_000 as Micros } })).toBeUndefined();
    expect(lab.service.spec.retry).toEqual({ count: 2, interval: 100_000 });
    expect(modify(lab, { retry: null })).toBeUndefined();
    expect(lab.service.spec).not.toHaveProperty('retry');
  });

  test.each<[string, object, RegExp]>([
    ['the protocol', { protocol: 'HTTP' }, /"protocol" of a service cannot be changed/],
    ['the call mode (guide 231)', { mode: 'asynchronous' }, /"mode" of a service cannot be changed/],
    ['the id (guide 205)', { id: 'x' }, /"id" of a service cannot be changed/],
    ['deployments', { deployments: [] }, /"deployments" of a service cannot be changed/],
    ['to a size out of range', { requestSizeMB: 51 }, /request size limit is 1 to 50/],
    ['to a timeout out of range', { requestTimeout: fromSeconds(1_201) }, /request timeout is 1 to 1200/],
    ['to a list that is none', { access: { whitelist: ['somewhere'] } }, /no CIDR block/],
    ['to retries out of range', { retry: { count: 11, interval: 1e5 } }, /1 to 10 times/],
  ])('%s is refused, and nothing changes', (_, set, why) => {
    const lab = called({});
    const before = lab.service.spec;
    expect(modify(lab, { sloClass: 1, ...set } as ServiceChanges)).toMatch(why);
    expect(lab.service.spec).toBe(before);
  });

  test('not while it stops', () => {
    const lab = called({});
    lab.also({ kind: 'stop', service: SERVICE });
    expect(modify(lab, { sloClass: 0 })).toBe('the service is STOPPING');
  });

  test('whatever is changed, what was not named stays as it is', () => {
    const values = fc.record(
      {
        requestSizeMB: fc.option(fc.integer({ min: 1, max: 50 })),
        sloClass: fc.option(fc.constantFrom(0, 1, 2, 3)),
        access: fc.option(fc.constant({ publicAccess: false })),
        autoApproveConnections: fc.option(fc.boolean()),
      },
      { requiredKeys: [] },
    );
    const lab = called({ requestTimeout: fromSeconds(7) });
    fc.assert(
      fc.property(values, (set) => {
        const before = lab.service.spec as unknown as Record<string, unknown>;
        expect(modify(lab, set as ServiceChanges)).toBeUndefined();
        const after = lab.service.spec as unknown as Record<string, unknown>;
        for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
          const named = Object.hasOwn(set, name);
          expect(after[name]).toBe(
            named ? (set[name as keyof CallSettings & keyof typeof set] ?? undefined) : before[name],
          );
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('at least one deployment gets live requests (guide 3644)', () => {
  const two = (): Quick => called({}, [quick({ name: 'main' }), quick({ name: 'next' })]);
  const mirror = (lab: Quick, deployment: string, on: boolean): string | undefined =>
    lab.operate({ kind: 'set-mirror', service: SERVICE, deployment, mirror: on });

  test('a deployment becomes a mirror and live again, as long as another is live', () => {
    const lab = two();
    expect(mirror(lab, 'next', true)).toBeUndefined();
    for (let call = 0; call < 6; call++) ask(lab, { maxTokens: 1 });
    untilEnded(lab);
    const owners = [...lab.world.requests.records()].map(({ engine }) => lab.world.owners[engine]!.deployment.name);
    expect(new Set(owners)).toEqual(new Set(['main']));
    expect(mirror(lab, 'main', true)).toMatch(/no deployment would get live requests/);
    expect(mirror(lab, 'next', false)).toBeUndefined();
    expect(mirror(lab, 'main', true)).toBeUndefined();
  });

  test('the last live one is not deleted while mirrors are left; with the service all of them go', () => {
    const lab = two();
    mirror(lab, 'next', true);
    const gone = (deployment?: string): string | undefined =>
      lab.operate({ kind: 'delete', service: SERVICE, ...(deployment === undefined ? {} : { deployment }) });
    expect(gone('main')).toBe('only mirrors would be left: "next"');
    expect(lab.events().join('\n')).toContain('only mirrors would be left');
    expect(gone()).toBeUndefined();
    const apart = two();
    mirror(apart, 'next', true);
    expect(apart.operate({ kind: 'delete', service: SERVICE, deployment: 'next' })).toBeUndefined();
    expect(apart.operate({ kind: 'delete', service: SERVICE, deployment: 'main' })).toBeUndefined();
  });

  test('over WebSocket there is no mirror (guide 3643)', () => {
    const lab = called({ protocol: 'WSS' }, [quick({ name: 'main' }), quick({ name: 'next' })]);
    expect(mirror(lab, 'next', true)).toMatch(/requires HTTP or HTTPS/);
  });
});
