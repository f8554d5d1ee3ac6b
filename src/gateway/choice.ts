import { type EndReason, Sequence, type SequenceAsk } from '../engine/index.ts';
import type { Micros } from '../kernel/index.ts';
import type { Attempt } from './attempt.ts';

/** What the gateway and an engine's metrics need to know of an answer, beside what its engine does. */
export interface ChoiceAsk extends SequenceAsk {
  readonly attempt: Attempt;
  readonly arrivedAt: Micros;
  /** Its place among the choices of its request; default 0. */
  readonly index?: number;
  /** The most tokens that its client wants. */
  readonly maxTokens?: number | undefined;
  /** Prompt tokens that the engine of its prefill leg had cached. */
  readonly cachedTokens?: number;
  /** All choices of its request, where there are several. */
  readonly request: number;
  readonly group?: ChoiceGroup | undefined;
  /** Those to the same prompt, where there are several. */
  readonly siblings?: Siblings | undefined;
}

/** The answers to one prompt: what engines tell of them together. */
export interface Siblings {
  readonly n: number;
  left: number;
  /** Tokens of the longest that has ended. */
  longest: number;
}

/** How a request has ended: the worst of what its choices ended with, and what came of all of them. */
export interface RequestEnd {
  readonly reason: EndReason;
  readonly tokens: number;
  readonly tokenTimes: readonly Micros[] | undefined;
}

/** One answer to a request, or a leg of it: a sequence of an engine, and what is told of it. */
export class Choice extends Sequence {
  readonly index: number;
  readonly maxTokens: number | undefined;
  readonly attempt: Attempt;
  readonly group: ChoiceGroup | undefined;
  readonly siblings: Siblings | undefined;
  readonly arrivedAt: Micros;
  /** -1 until then. */
  admittedAt: number = -1;
  firstTokenAt: number;
  cachedTokens: number;
  preemptions = 0;
  /** Its engine's metrics have told of its end. */
  told = false;

  constructor(ask: ChoiceAsk) {
    super(ask);
    this.index = ask.index ?? 0;
    this.maxTokens = ask.maxTokens;
    this.attempt = ask.attempt;
    this.group = ask.group;
    this.siblings = ask.siblings;
    this.arrivedAt = ask.arrivedAt;
    this.firstTokenAt = ask.generated?.[0] ?? -1;
    this.cachedTokens = ask.cachedTokens ?? 0;
  }

  /** @returns how its request has ended, if it has: with its last choice */
  end(reason: EndReason, generated: number): RequestEnd | undefined {
    const tokens = this.pooling ? 0 : generated;
    const tokenTimes = this.pooling ? undefined : this.tokenTimes;
    return this.group === undefined ? { reason, tokens, tokenTimes } : this.group.end(reason, tokens, tokenTimes);
  }
}

const BADNESS: Readonly<Record<EndReason, number>> = { finished: 0, aborted: 1, cut: 2 };

/** The choices of a request that has several. */
export class ChoiceGroup {
  left: number;
  #reason: EndReason = 'finished';
  #tokens = 0;
  #times: Micros[] = [];

  constructor(choices: number) {
    this.left = choices;
  }

  end(reason: EndReason, tokens: number, times: readonly Micros[] = []): RequestEnd | undefined {
    this.left--;
    this.#tokens += tokens;
    if (BADNESS[reason] > BADNESS[this.#reason]) this.#reason = reason;
    for (const time of times) this.#times.push(time);
    if (this.left > 0) return undefined;
    return { reason: this.#reason, tokens: this.#tokens, tokenTimes: this.#times.sort((one, other) => one - other) };
  }
}
