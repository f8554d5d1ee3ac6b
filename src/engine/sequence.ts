import type { Micros } from '../kernel/index.ts';

/** How a sequence ended: with its last token, by its client's leaving, or with its engine. */
export type EndReason = 'finished' | 'aborted' | 'cut';

export const SequenceState = { waiting: 0, running: 1, ended: 2 } as const;
export type SequenceState = (typeof SequenceState)[keyof typeof SequenceState];

/**
 * One answer in the making, as its engine sees it. Tokens are counts; the `known` tokens of a sequence are its
 * prompt and what it has generated, and those not yet `computed` are what the next steps must compute.
 */
export class Sequence {
  /** The request that it answers. */
  readonly request: number;
  readonly promptTokens: number;
  /** Tokens to generate. */
  readonly outputTokens: number;
  /** Why its last token is the last: the model said so, or the limit did. */
  readonly finishReason: 'stop' | 'length';
  /** Moments of its tokens so far, kept for watched sequences only. */
  readonly tokenTimes: Micros[] | undefined;

  state: SequenceState = SequenceState.waiting;
  /** Tokens whose keys and values are in the cache. */
  computed = 0;
  generated = 0;
  /** KV blocks held. */
  blocks = 0;
  /** Tokens that the step in progress computes. */
  scheduled = 0;
  /** Its client has left; it ends at the next step boundary. */
  leaving = false;
  /** Has been in a batch before. */
  admitted = false;

  constructor(
    request: number,
    promptTokens: number,
    outputTokens: number,
    finishReason: 'stop' | 'length',
    watched: boolean,
  ) {
    this.request = request;
    this.promptTokens = promptTokens;
    this.outputTokens = outputTokens;
    this.finishReason = finishReason;
    this.tokenTimes = watched ? [] : undefined;
  }

  /** Tokens still to be computed before it emits its next one: 1 when decoding. */
  get pending(): number {
    return this.promptTokens + this.generated - this.computed;
  }
}
