import { fromSeconds, type Micros } from '../kernel/index.ts';
import { type CallProtocol, isWebSocket } from './call-protocol.ts';
import { SlidingWindow } from './sliding-window.ts';

/** One rate limit of a service (guide 258, 265-269). */
export interface RateLimit {
  /** Requests in that time, 1 to 10,000. */
  readonly requests: number;
  /** The guide has seconds alone (265); minutes are the contract's. */
  readonly per: 'second' | 'minute';
  /** Of the service as a whole, or of each of its running instances, which together make the service's (guide 268, 269). */
  readonly scope: 'service' | 'instance';
}

const PERIODS: Readonly<Record<RateLimit['per'], Micros>> = { second: fromSeconds(1), minute: fromSeconds(60) };
/** Guide 265, and the contract. */
export const RATE_LIMIT_RANGE = { low: 1, high: 10_000 } as const;

/** What is wrong with the rate limits of a service; undefined when nothing is. */
export function rateLimitProblem(limits: readonly RateLimit[], protocol: CallProtocol): string | undefined {
  // The contract's rule; the guide is silent.
  if (limits.length > 0 && isWebSocket(protocol)) return `a service over ${protocol} takes no rate limit`;
  const { low, high } = RATE_LIMIT_RANGE;
  const taken = new Set<string>();
  for (const { requests, per, scope } of limits) {
    if (!Number.isInteger(requests) || requests < low || requests > high) {
      return `a rate limit is ${low} to ${high} requests per ${per}, not ${requests}`;
    }
    const kind = `per ${per} and ${scope}`;
    if (taken.has(kind)) return `there are two rate limits ${kind}`;
    taken.add(kind);
  }
  return undefined;
}

/**
 * Holds the requests of a service to its rate limits, all of them together (guide 258). "The maximum number of times
 * the service can be accessed per second" (265) is taken at its word: of any second, wherever it begins, not of the
 * clock's; so a burst across the turn of a second gets no more than one within it. A refused request counts nowhere.
 */
export class RateLimiter {
  readonly #rules: readonly { readonly limit: RateLimit; readonly admitted: SlidingWindow }[];

  constructor(limits: readonly RateLimit[]) {
    this.#rules = limits.map((limit) => ({ limit, admitted: new SlidingWindow(PERIODS[limit.per]) }));
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
