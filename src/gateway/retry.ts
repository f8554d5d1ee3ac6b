import { after, type Micros } from '../kernel/index.ts';
import type { RetrySpec } from '../platform/index.ts';

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
