import type { Engine, Sequence } from '../engine/index.ts';
import { type Micros, NEVER } from '../kernel/index.ts';
import type { Refusal } from './call.ts';

/** How far a reply has come. */
export type ReplyState = 'open' | 'finished' | 'cut' | 'aborted' | 'refused';

/** The answer to one call from outside, as it comes into being. Reading it changes nothing. */
export class Reply {
  /** The request's number. */
  readonly number: number;
  readonly promptTokens: number;
  /** Tokens that it will have. */
  readonly outputTokens: number;
  readonly finishReason: 'stop' | 'length';
  readonly arrivedAt: Micros;
  readonly refusal: Refusal | undefined;
  /** The pod that answers, and the name of its model. */
  readonly pod: string | undefined;
  readonly model: string | undefined;
  state: ReplyState;
  endedAt: Micros = NEVER;
  #engine: Engine | undefined;
  #sequence: Sequence | undefined;

  constructor(facts: {
    readonly number: number;
    readonly promptTokens: number;
    readonly outputTokens: number;
    readonly finishReason: 'stop' | 'length';
    readonly arrivedAt: Micros;
    readonly refusal?: Refusal | undefined;
    readonly pod?: string | undefined;
    readonly model?: string | undefined;
  }) {
    this.number = facts.number;
    this.promptTokens = facts.promptTokens;
    this.outputTokens = facts.outputTokens;
    this.finishReason = facts.finishReason;
    this.arrivedAt = facts.arrivedAt;
    this.refusal = facts.refusal;
    this.pod = facts.pod;
    this.model = facts.model;
    this.state = facts.refusal === undefined ? 'open' : 'refused';
  }

  /** The answer comes from here. */
  follow(engine: Engine, sequence: Sequence): void {
    this.#engine = engine;
    this.#sequence = sequence;
  }

  /** When its `index`-th token (from 0) left or is going to leave, NEVER while that is not known. */
  tokenTime(index: number): Micros {
    if (this.#sequence === undefined) return NEVER;
    return this.#sequence.tokenTimes?.[index] ?? this.#engine!.tokenTime(this.#sequence, index);
  }

  /** Tokens that have left for certain. */
  get tokensSent(): number {
    return this.#sequence?.generated ?? 0;
  }
}
