import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BREAKER_TIMINGS, type CallEnd, CircuitBreaker } from '../../src/gateway/circuit-breaker.ts';
import type { Micros } from '../../src/kernel/index.ts';
import { circuitBreakerProblem } from '../../src/platform/index.ts';

const { window, leastCalls, pause } = BREAKER_TIMINGS;
const START = 0 as Micros;

/** Lets calls through at one moment and ends them. */
function calls(breaker: CircuitBreaker, at: Micros, ends: readonly CallEnd[]): void {
  for (const end of ends) breaker.ended(breaker.pass(at), end, at);
}

function many(count: number, end: CallEnd): CallEnd[] {
  return new Array<CallEnd>(count).fill(end);
}

function opened(): CircuitBreaker {
  const breaker = new CircuitBreaker({ errorRate: 0.5 });
  calls(breaker, START, many(leastCalls, 'failed'));
  return breaker;
}

describe('the circuit breaker', () => {
  test('opens at its error rate, not below, and not before enough calls have ended', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 200 }), (percent, count) => {
        const failures = Math.ceil((percent * count) / 100);
        const state = (failed: number): string => {
          const breaker = new CircuitBreaker({ errorRate: percent / 100 });
          const ends = [...many(count - failed, 'answered'), ...many(failed, 'failed')];
          for (const end of ends) if (breaker.passes(START)) calls(breaker, START, [end]);
          return breaker.state(START);
        };
        // Failures come last: the rate is highest at the end.
        expect(state(failures)).toBe(count < leastCalls ? 'closed' : 'open');
        expect(state(failures - 1)).toBe('closed');
      }),
    );
  });

  test('counts what ended within its window alone', () => {
    const breaker = new CircuitBreaker({ errorRate: 0.5 });
    calls(breaker, START, many(leastCalls - 1, 'failed'));
    calls(breaker, window, ['failed']);
    expect(breaker.state(window)).toBe('closed');
  });

  test('clients that leave count neither way', () => {
    const breaker = new CircuitBreaker({ errorRate: 1 });
    calls(breaker, START, [...many(leastCalls, 'left'), ...many(leastCalls, 'failed')]);
    expect(breaker.state(START)).toBe('open');
  });

  test('open, it lets nothing through until its pause is over; then one call at a time', () => {
    const breaker = opened();
    const almost = (pause - 1) as Micros;
    expect([breaker.passes(START), breaker.passes(almost), breaker.passes(pause)]).toEqual([false, false, true]);
    const first = breaker.pass(pause);
    expect([breaker.state(pause), breaker.passes(pause)]).toEqual(['half-open', false]);
    breaker.ended(first, 'left', pause);
    expect(breaker.passes(pause)).toBe(true);
  });

  test('an answer closes it and it counts anew; a failure opens it for another pause', () => {
    const breaker = opened();
    breaker.ended(breaker.pass(pause), 'failed', pause);
    expect(breaker.state((2 * pause - 1) as Micros)).toBe('open');
    const later = (2 * pause) as Micros;
    breaker.ended(breaker.pass(later), 'answered', later);
    calls(breaker, later, many(leastCalls - 1, 'failed'));
    expect(breaker.state(later)).toBe('closed');
    calls(breaker, later, ['failed']);
    expect(breaker.state(later)).toBe('open');
  });

  test('ends of calls from before it changed count no more', () => {
    const breaker = new CircuitBreaker({ errorRate: 0.5 });
    const old = breaker.pass(START);
    calls(breaker, START, many(leastCalls, 'failed'));
    breaker.ended(old, 'answered', pause);
    expect(breaker.state(START)).toBe('open');
    const trial = breaker.pass(pause);
    breaker.ended(old, 'answered', pause);
    expect([breaker.state(pause), breaker.passes(pause)]).toEqual(['half-open', false]);
    breaker.ended(trial, 'answered', pause);
    expect(breaker.state(pause)).toBe('closed');
  });

  test('asking changes nothing, and whatever happens it lets through what it says it does', () => {
    const step = fc.record({
      wait: fc.oneof(fc.constant(0), fc.nat(pause)),
      end: fc.constantFrom<CallEnd>('answered', 'failed', 'failed', 'left'),
      ends: fc.nat(3),
      asks: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const run = (asks: boolean): string[] => {
          const breaker = new CircuitBreaker({ errorRate: 0.5 });
          const open: ReturnType<CircuitBreaker['pass']>[] = [];
          let now = 0 as Micros;
          return steps.map((each) => {
            now = (now + each.wait) as Micros;
            if (asks && each.asks) breaker.state(now);
            const passes = breaker.passes(now);
            if (passes) open.push(breaker.pass(now));
            for (let count = 0; count < each.ends && open.length > 0; count++)
              breaker.ended(open.shift()!, each.end, now);
            return `${passes} ${breaker.state(now)}`;
          });
        };
        expect(run(true)).toEqual(run(false));
      }),
    );
  });

  test('its error rate is above 0 and at most 1, to two decimals', () => {
    expect([0.01, 1, 0.005].map((errorRate) => circuitBreakerProblem({ errorRate }))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    for (const errorRate of [0, 0.004, 1.01, Number.NaN]) expect(circuitBreakerProblem({ errorRate })).toBeDefined();
    const breaker = new CircuitBreaker({ errorRate: 0.504 });
    calls(breaker, START, [...many(leastCalls / 2, 'answered'), ...many(leastCalls / 2, 'failed')]);
    expect(breaker.state(START)).toBe('open');
  });
});
