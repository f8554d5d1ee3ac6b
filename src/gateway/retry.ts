import { after, fromMillis, type Micros } from '../kernel/index.ts';

/** How often a request is tried again elsewhere, and how long after (the contract's request_retry_cnt_max, _interval_ms). */
export interface RetrySpec {
  readonly count: number;
  readonly interval: Micros;
}

/** The contract's ranges. */
export const RETRY_RANGES = {
  count: { low: 1, high: 10 },
  interval: { low: fromMillis(1), high: fromMillis(10_000) },
} as const;

/** What is wrong with retry settings; undefined when nothing is. */
export function retryProblem({ count, interval }: RetrySpec): string | undefined {
  const { count: counts, interval: intervals } = RETRY_RANGES;
  if (!Number.isInteger(count) || count < counts.low || count > counts.high) {
    return `a request is tried again ${counts.low} to ${counts.high} times, not ${count}`;
  }
  if (!(interval >= intervals.low && interval <= intervals.high)) {
    return `the interval of retries is ${intervals.low / 1e3} to ${intervals.high / 1e3} ms, not ${interval / 1e3}`;
  }
  return undefined;
}

/** A try that failed: for want of a backend, or because its backend was lost. */
export interface FailedTry {
  /** Retries before it. */
  readonly retries: number;
  readonly at: Micros;
  /** Pieces of the answer that the client has. */
  readonly piecesSent: number;
  /** When the request times out. */
  readonly deadline: Micros;
}

/**
 * When a request is tried again; undefined when it is not: its retries are used up, its client has a part of the answer
 * already, which another try would begin anew, or its time would be over.
 */
export function nextTry(spec: RetrySpec, { retries, at, piecesSent, deadline }: FailedTry): Micros | undefined {
  if (retries >= spec.count || piecesSent > 0) return undefined;
  const moment = after(at, spec.interval);
  return moment < deadline ? moment : undefined;
}
