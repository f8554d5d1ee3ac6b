import type { Micros } from '../kernel/index.ts';
import { Outcome } from '../telemetry/index.ts';
import type { Refusal } from './call.ts';
import type { ConnectionEnd } from './connections.ts';
import type { ReplyState } from './reply.ts';

/** How a request ends for its client. */
export interface Ending {
  readonly state: ReplyState;
  readonly outcome: Outcome;
  readonly status: number;
  /** Tokens that the client got, and when, where that is known. */
  readonly tokens: number;
  readonly tokenTimes?: readonly Micros[] | undefined;
  /** What it got in place of an answer. */
  readonly refusal?: Refusal | undefined;
  /** What becomes of the connection that it came over, where it was not answered. */
  readonly closes?: ConnectionEnd;
}

/** A request that was let in and in the end found nobody, or nobody who takes it. */
export function refusedWith(refusal: Refusal): Ending {
  return { state: 'cut', outcome: Outcome.refused, status: refusal.status, tokens: 0, refusal };
}
