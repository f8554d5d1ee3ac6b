import { fromSeconds, type Micros } from '../kernel/index.ts';
import type { RateLimit } from '../platform/index.ts';
import { SlidingWindow } from './sliding-window.ts';

const PERIODS: Readonly<Record<RateLimit['per'], Micros>> = { second: fromSeconds(1), minute: fromSeconds(60) };

/**
 * Holds the requests of a service to its rate limits, all of them together (guide 258). "The maximum number of times
 * the service can be accessed per second" (265) is taken at its word: of any second, wherever it begins, not of the
 * clock's; so a burst across the turn of a second gets no more than one within it. A refused request counts nowhere.
 */
export class RateLimiter {
  readonly #rules: readonly { readonly limit: RateLimit; readonly admitted: SlidingWindow }[];

  /** @param before the limits in place of which these come: what they have let in counts on */
  constructor(limits: readonly RateLimit[], before?: RateLimiter) {
    this.#rules = limits.map((limit) => ({ limit, admitted: new SlidingWindow(PERIODS[limit.per]) }));
    for (const { limit, admitted } of this.#rules) {
      const known = before === undefined ? undefined : before.#rules.find((rule) => rule.limit.per === limit.per);
      for (let index = 0; index < (known?.admitted.size ?? 0); index++) admitted.add(known!.admitted.moment(index), 1);
    }
  }

  /**
   * Lets a request in and counts it, if every limit has room.
   * @param instances that run now
   * @returns 0, or how long until one is let in if no other comes before; while no instance runs, the longest that it
   *   can take once one does
   */
  admit(now: Micros, instances: number): Micros {
    let wait = 0;
    for (const { limit, admitted } of this.#rules) {
      admitted.forget(now);
      const most = limit.scope === 'service' ? limit.requests : limit.requests * instances;
      if (admitted.size < most) continue;
      // Room comes when so many have left that one fewer than the most remain.
      const from = most === 0 ? now : admitted.moment(admitted.size - most);
      wait = Math.max(wait, from + admitted.width - now);
    }
    if (wait === 0) for (const { admitted } of this.#rules) admitted.add(now, 1);
    return wait as Micros;
  }
}

/** What `Retry-After` says of a wait: whole seconds, never too few. */
export function retryAfterSeconds(wait: Micros): number {
  return Math.ceil(wait / fromSeconds(1));
}
