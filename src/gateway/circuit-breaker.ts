import { assert, fromSeconds, type Micros } from '../kernel/index.ts';
import { type CircuitBreakerSpec, errorPercent } from '../platform/index.ts';
import { SlidingWindow } from './sliding-window.ts';

/**
 * What neither guide nor contract states: the defaults of Hystrix, the error-rate breaker that others go by
 * (github.com/Netflix/Hystrix/wiki/Configuration).
 */
export const BREAKER_TIMINGS = {
  /** Failures are counted over this time (metrics.rollingStats.timeInMilliseconds), */
  window: fromSeconds(10),
  /** once so many calls have ended in it (circuitBreaker.requestVolumeThreshold). */
  leastCalls: 20,
  /** Open for so long, then one call may try (circuitBreaker.sleepWindowInMilliseconds). */
  pause: fromSeconds(5),
} as const;

export type BreakerState = 'closed' | 'open' | 'half-open';

/** How a call ended, for a breaker: a client that leaves proves nothing about who should have answered. */
export type CallEnd = 'answered' | 'failed' | 'left';

/** Which calls a breaker counts: those that it let through since it last changed. */
export type Passage = number & { readonly __unit: 'passage' };

/**
 * An error-rate circuit breaker. Closed, it lets everything through and counts what fails; at the error rate it opens
 * and lets nothing through; after a pause, half-open, it lets one call through at a time, and that call's end closes
 * or opens it. Ends of calls that were let through before it last changed count no more.
 */
export class CircuitBreaker {
  readonly #percent: number;
  #state: BreakerState = 'closed';
  #passage = 0 as Passage;
  #turnedAt = 0 as Micros;
  /** A call is trying. */
  #trying = false;
  #ends = new SlidingWindow(BREAKER_TIMINGS.window);

  constructor(spec: CircuitBreakerSpec) {
    this.#percent = errorPercent(spec);
  }

  /** Where it stands; asking changes nothing. */
  state(now: Micros): BreakerState {
    if (this.#state === 'open' && now - this.#turnedAt >= BREAKER_TIMINGS.pause) return 'half-open';
    return this.#state;
  }

  /** Whether a call would be let through; asking changes nothing. */
  passes(now: Micros): boolean {
    const state = this.state(now);
    return state === 'closed' || (state === 'half-open' && !this.#trying);
  }

  /** Lets a call through: `passes` has said that it may. @returns what `ended` wants to know of it */
  pass(now: Micros): Passage {
    assert(this.passes(now), 'a circuit breaker is passed while it lets nothing through');
    if (this.#state === 'open') this.#turn('half-open', now);
    this.#trying = this.#state === 'half-open';
    return this.#passage;
  }

  ended(passage: Passage, end: CallEnd, now: Micros): void {
    if (passage !== this.#passage) return;
    this.#trying = false;
    if (end === 'left') return;
    if (this.#state === 'half-open') {
      this.#turn(end === 'answered' ? 'closed' : 'open', now);
      return;
    }
    this.#ends.add(now, end === 'failed' ? 1 : 0);
    const { size, sum } = this.#ends;
    if (size >= BREAKER_TIMINGS.leastCalls && sum * 100 >= this.#percent * size) this.#turn('open', now);
  }

  #turn(state: BreakerState, now: Micros): void {
    this.#state = state;
    this.#turnedAt = now;
    this.#passage = (this.#passage + 1) as Passage;
    this.#ends = new SlidingWindow(BREAKER_TIMINGS.window);
  }
}
