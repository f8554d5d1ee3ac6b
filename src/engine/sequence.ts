import type { Micros } from '../kernel/index.ts';
import type { ApplicationTask } from './application-spec.ts';

/** How a sequence ended: with its last token, by its client's leaving, or with its engine. */
export type EndReason = 'finished' | 'aborted' | 'cut';

export const SequenceState = {
  waiting: 0,
  /** Its blocks are reserved; its keys and values are on their way from another engine. */
  receiving: 1,
  running: 2,
  /** Its prompt is computed; another engine fetches its keys and values. */
  held: 3,
  ended: 4,
} as const;
export type SequenceState = (typeof SequenceState)[keyof typeof SequenceState];

/** What part of an answer a sequence does, when prefill and decode are done by different engines. */
export type Leg = 'whole' | 'prefill' | 'decode';

/** What a sequence is asked to do. Token counts; everything but the first three has a default. */
export interface SequenceAsk {
  /** The request that it answers. */
  readonly request: number;
  readonly promptTokens: number;
  /** Tokens to generate. */
  readonly outputTokens: number;
  /** Why its last token will be the last: the model says so, or the limit does. Default `stop`. */
  readonly finishReason?: 'stop' | 'length';
  /** Keep the moments of its tokens. */
  readonly watched?: boolean;
  /** Hashes of the prompt's prefix units, each of everything up to its end. */
  readonly prefix?: readonly number[];
  /** Lower is served first, where the engine schedules by priority. Default 0. */
  readonly priority?: number;
  /** Default `whole`. */
  readonly leg?: Leg;
  /** Tokens that another engine has generated, and when; for a decode leg. */
  readonly generated?: readonly Micros[];
  /** The prompt alone is wanted: the one token that the engine makes is nobody's. Default false. */
  readonly pooling?: boolean;
  /** What an application has to do, whose pieces are its tokens; an engine goes by the tokens. */
  readonly task?: ApplicationTask | undefined;
}

/**
 * One answer in the making, as its engine sees it. Tokens are counts; the known tokens of a sequence are its prompt
 * and what it has generated, and those not yet `computed` are what the next steps must compute.
 */
export class Sequence {
  // What every step of its engine looks at comes first: fields that lie together are read together.
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Tokens whose keys and values are in the cache. */
  computed = 0;
  generated = 0;
  /** Tokens that the step in progress computes. */
  scheduled = 0;
  /** KV blocks held, shared ones included. */
  blocks = 0;
  /** Moments of its tokens so far, kept for watched sequences only. */
  readonly tokenTimes: Micros[] | undefined;
  readonly prefix: readonly number[] | undefined;
  /** Its client has left; it ends at the next step boundary. */
  leaving = false;

  readonly request: number;
  readonly finishReason: 'stop' | 'length';
  readonly priority: number;
  readonly leg: Leg;
  readonly task: ApplicationTask | undefined;
  state: SequenceState = SequenceState.waiting;
  /** Units at the head of its prefix that it shares with whoever needs them. */
  sharedUnits = 0;
  /** Has been in a batch before. */
  admitted = false;
  /** Its keys and values have yet to come from another engine. */
  remote: boolean;
  /** Order of arrival at its engine. */
  order = 0;
  readonly pooling: boolean;

  constructor(ask: SequenceAsk) {
    this.request = ask.request;
    this.promptTokens = ask.promptTokens;
    this.outputTokens = ask.outputTokens;
    this.finishReason = ask.finishReason ?? 'stop';
    this.prefix = ask.prefix;
    this.priority = ask.priority ?? 0;
    this.leg = ask.leg ?? 'whole';
    this.task = ask.task;
    this.remote = this.leg === 'decode';
    this.pooling = ask.pooling ?? false;
    this.generated = ask.generated?.length ?? 0;
    this.tokenTimes = ask.watched === true ? [...(ask.generated ?? [])] : undefined;
  }

  /** Tokens still to be computed before it emits its next one: 1 when decoding. */
  get pending(): number {
    return this.promptTokens + this.generated - this.computed;
  }
}
