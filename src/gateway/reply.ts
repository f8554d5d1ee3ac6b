import type { ServingProcess } from '../engine/index.ts';
import { type Micros, NEVER } from '../kernel/index.ts';
import type { ApplicationAnswer } from '../platform/index.ts';
import type { Refusal } from './call.ts';
import type { Choice } from './choice.ts';
import type { PlannedChoice } from './choice-plan.ts';

/** How far a reply has come. */
export type ReplyState = 'open' | 'finished' | 'cut' | 'aborted' | 'refused';

/** One of the answers of a reply. */
export class ReplyChoice {
  /** Tokens that its engine will have made for it. */
  readonly outputTokens: number;
  readonly finishReason: 'stop' | 'length';
  #engine: ServingProcess | undefined;
  #sequence: Choice | undefined;
  /** Moments of all that its client gets, once nothing more is to come. */
  #left: readonly Micros[] | undefined;

  constructor(outputTokens: number, finishReason: 'stop' | 'length') {
    this.outputTokens = outputTokens;
    this.finishReason = finishReason;
  }

  /** The answer comes from here. */
  follow(engine: ServingProcess, sequence: Choice): void {
    this.#engine = engine;
    this.#sequence = sequence;
    this.#left = undefined;
  }

  /** These tokens have left, and no more do; or the answer begins anew, from elsewhere. */
  stop(tokenTimes: readonly Micros[]): void {
    this.#left = tokenTimes;
  }

  /** When its `index`-th token (from 0) left or is going to leave, NEVER while that is not known. */
  tokenTime(index: number): Micros {
    if (this.#left !== undefined) return this.#left[index] ?? NEVER;
    if (this.#sequence === undefined) return NEVER;
    return this.#sequence.tokenTimes?.[index] ?? this.#engine!.tokenTime(this.#sequence, index);
  }

  /** Tokens of its prompt that came from the prefix cache; undefined where there is none, or nothing known yet. */
  get cachedTokens(): number | undefined {
    return this.#sequence?.prefix === undefined ? undefined : this.#sequence.cachedTokens;
  }

  /** Tokens that have left for certain. */
  get tokensSent(): number {
    if (this.#left !== undefined) return this.#left.length;
    return this.#sequence === undefined || this.#sequence.pooling ? 0 : this.#sequence.generated;
  }
}

/** The answer to one call from outside, as it comes into being. Reading it changes nothing. */
export class Reply {
  /** The request's number. */
  readonly number: number;
  /** Of all prompts together. */
  readonly promptTokens: number;
  /** Those to one prompt stand together. */
  readonly choices: readonly ReplyChoice[];
  /** Tokens that all its answers will have. */
  readonly outputTokens: number;
  /** Of the first answer. */
  readonly finishReason: 'stop' | 'length';
  readonly arrivedAt: Micros;
  /** Why there is no answer: known at once, or when its tries have failed or its time has run out before the first piece. */
  refusal: Refusal | undefined;
  /** The pod that answers, and the name of its model. */
  pod: string | undefined;
  readonly model: string | undefined;
  /** What an application has for it. */
  readonly answer: ApplicationAnswer | undefined;
  state: ReplyState;
  endedAt: Micros = NEVER;

  constructor(facts: {
    readonly number: number;
    readonly promptTokens: number;
    readonly choices: readonly Pick<PlannedChoice, 'outputTokens' | 'finishReason' | 'answer'>[];
    readonly arrivedAt: Micros;
    readonly refusal?: Refusal | undefined;
    readonly pod?: string | undefined;
    readonly model?: string | undefined;
  }) {
    this.number = facts.number;
    this.promptTokens = facts.promptTokens;
    this.choices = facts.choices.map(({ outputTokens, finishReason }) => new ReplyChoice(outputTokens, finishReason));
    this.outputTokens = this.choices.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
    this.finishReason = this.choices[0]?.finishReason ?? 'stop';
    this.arrivedAt = facts.arrivedAt;
    this.refusal = facts.refusal;
    this.pod = facts.pod;
    this.model = facts.model;
    this.answer = facts.choices[0]?.answer;
    this.state = facts.refusal === undefined ? 'open' : 'refused';
  }

  /** One of the answers comes from here. */
  follow(engine: ServingProcess, sequence: Choice): void {
    this.choices[sequence.index]!.follow(engine, sequence);
  }

  /** When that token of that answer left or is going to leave, NEVER while that is not known. */
  tokenTime(index: number, choice = 0): Micros {
    return this.choices[choice]?.tokenTime(index) ?? NEVER;
  }

  /** Tokens that have left for certain. */
  get tokensSent(): number {
    return this.choices.reduce((sum, { tokensSent }) => sum + tokensSent, 0);
  }
}
