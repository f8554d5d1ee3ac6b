import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RateLimiter, retryAfterSeconds } from '../../src/gateway/rate-limit.ts';
import { fromMillis, fromSeconds, type Micros } from '../../src/kernel/index.ts';
import { type RateLimit, rateLimitProblem } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';

const SECOND = fromSeconds(1);

function perSecond(requests: number, scope: RateLimit['scope'] = 'service'): RateLimit {
  return { requests, per: 'second', scope };
}

/** Moments of arrivals, some at once, some far apart, spread over a few seconds. */
const arrivals = fc
  .array(fc.oneof(fc.constant(0), fc.nat(300_000), fc.integer({ min: 900_000, max: 1_100_000 })), { maxLength: 200 })
  .map((gaps) => {
    let at = 0;
    return gaps.map((gap) => (at += gap) as Micros);
  });

/** What a limiter lets in, and how long it tells the others to wait. */
function run(limits: readonly RateLimit[], moments: readonly Micros[], instances = 1) {
  const limiter = new RateLimiter(limits);
  return moments.map((at) => ({ at, wait: limiter.admit(at, instances) }));
}

describe('rate limits', () => {
  guideRule(
    268,
    'of any second, wherever it begins, no more are let in than the limit, and none fewer when more come',
    () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 20 }), arrivals, (limit, moments) => {
          const seen = run([perSecond(limit)], moments);
          const admitted = seen.filter(({ wait }) => wait === 0).map(({ at }) => at);
          const inSecondTo = (end: number): number => admitted.filter((at) => at <= end && end - at < SECOND).length;
          for (const { at, wait } of seen) {
            if (wait === 0) expect(inSecondTo(at)).toBeLessThanOrEqual(limit);
            else expect(inSecondTo(at)).toBe(limit);
          }
        }),
      );
    },
  );

  guideRule(268, 'beyond the limit a request is refused at once, and let in after the wait that it is told', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), arrivals, (limit, moments) => {
        const seen = run([perSecond(limit)], moments);
        for (const [index, { at, wait }] of seen.entries()) {
          if (wait === 0) continue;
          const before = moments.slice(0, index);
          const again = (delay: number): number =>
            run([perSecond(limit)], [...before, (at + delay) as Micros]).at(-1)!.wait;
          expect(again(wait)).toBe(0);
          expect(again(wait - 1)).toBe(1);
        }
      }),
      { numRuns: 30 },
    );
  });

  guideRule(269, 'the limit of a replica times the replicas that run is the limit of the service', () => {
    const limiter = new RateLimiter([perSecond(2, 'instance')]);
    const admitted = (at: Micros, instances: number): number => {
      let count = 0;
      while (limiter.admit(at, instances) === 0) count++;
      return count;
    };
    expect(admitted(0 as Micros, 3)).toBe(6);
    expect(admitted(fromMillis(500), 5)).toBe(4);
    expect(admitted(fromMillis(1_000), 1)).toBe(0);
    expect(admitted(fromMillis(1_500), 1)).toBe(2);
    expect(limiter.admit(fromSeconds(9), 0)).toBe(SECOND);
  });

  guideRule(258, 'of several rate limits each one holds, and a refused request counts in none of them', () => {
    const minute: RateLimit = { requests: 30, per: 'minute', scope: 'service' };
    const several = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3 }), arrivals);
    fc.assert(
      fc.property(several, ([service, instance, moments]) => {
        const limits = [perSecond(service), perSecond(instance, 'instance'), minute];
        const most = Math.min(service, instance * 2);
        const admitted: Micros[] = [];
        for (const { at, wait } of run(limits, moments, 2)) {
          const lately = admitted.filter((other) => at - other < SECOND).length;
          expect(wait === 0).toBe(lately < most && admitted.filter((other) => at - other < 60 * SECOND).length < 30);
          if (wait === 0) admitted.push(at);
        }
      }),
    );
  });

  test('Retry-After is in whole seconds, never too few', () => {
    expect([1, 1_000_000, 1_000_001].map((wait) => retryAfterSeconds(wait as Micros))).toEqual([1, 1, 2]);
  });

  test.each<[string, readonly RateLimit[], string | undefined]>([
    ['the least', [perSecond(1)], undefined],
    ['the most', [perSecond(10_000)], undefined],
    ['none', [perSecond(0)], 'a rate limit is 1 to 10000 requests per second, not 0'],
    ['too many', [perSecond(10_001)], 'a rate limit is 1 to 10000 requests per second, not 10001'],
    ['a part of one', [perSecond(1.5)], 'a rate limit is 1 to 10000 requests per second, not 1.5'],
    ['both levels', [perSecond(5), perSecond(5, 'instance')], undefined],
    ['both units', [perSecond(5), { ...perSecond(5), per: 'minute' }], undefined],
  ])('of the right size: %s', (_, limits, problem) => {
    expect(rateLimitProblem(limits, 'HTTPS')).toBe(problem);
  });

  guideRule(258, 'a rate limit cannot be added twice', () => {
    const problem = 'there are two rate limits per second and service';
    expect(rateLimitProblem([perSecond(5), perSecond(6)], 'HTTPS')).toBe(problem);
    expect(rateLimitProblem([perSecond(5), perSecond(5)], 'HTTPS')).toBe(problem);
  });

  guideRule(265, 'a rate limit is 1 to 10,000 requests per second', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: -5, max: 10_005 }), fc.double({ noNaN: true })), (requests) => {
        const allowed = Number.isInteger(requests) && requests >= 1 && requests <= 10_000;
        expect(rateLimitProblem([perSecond(requests)], 'HTTPS') === undefined).toBe(allowed);
      }),
    );
  });

  test('there is none over WebSocket, by the contract', () => {
    expect(rateLimitProblem([perSecond(5)], 'WSS')).toBe('a service over WSS takes no rate limit');
    expect(rateLimitProblem([], 'WSS')).toBeUndefined();
  });
});
