import type { EndReason, EngineListener, Sequence } from '../engine/index.ts';
import type { Kernel } from '../kernel/index.ts';
import { EngineMetrics, Outcome, type RequestLog } from '../telemetry/index.ts';
import type { Choice } from './choice.ts';
import type { PlannedChoice } from './choice-plan.ts';

export const OUTCOMES = { finished: Outcome.completed, aborted: Outcome.aborted, cut: Outcome.cut } as const;
/** What a client that left would have got (nginx's number). */
export const CLIENT_CLOSED_REQUEST = 499;

/** What an engine's events mean for the requests behind its sequences. */
export interface TapHooks {
  onAdmitted(choice: Choice): void;
  onPrefilled(choice: Choice): void;
  onReceiving(choice: Choice): void;
  /** Whether a sequence's first token is its client's. */
  showsFirstToken(choice: Choice): boolean;
  /** Of those whose first token is their client's. */
  onFirstToken(choice: Choice): void;
  /** @returns true if the sequence's end is its answer's; `onChoiceEnd` follows */
  endsChoice(choice: Choice, reason: EndReason): boolean;
  onChoiceEnd(choice: Choice, reason: EndReason): void;
  /** After all of that. */
  onEnded(): void;
  /** The engine's process is gone. */
  onDied(): void;
}

/**
 * Hears one engine: writes the request log and the engine's metrics, and passes on what concerns requests. To the
 * metrics each of its sequences is a request of its own, as to vLLM's: every choice, and every leg of an answer.
 * Whatever an engine is given, the gateway has made: its sequences are choices.
 */
export class EngineTap implements EngineListener {
  readonly metrics = new EngineMetrics();
  readonly #kernel: Kernel;
  readonly #log: RequestLog;
  readonly #hooks: TapHooks;

  constructor(kernel: Kernel, log: RequestLog, hooks: TapHooks) {
    this.#kernel = kernel;
    this.#log = log;
    this.#hooks = hooks;
  }

  admitted(sequence: Sequence): void {
    const choice = sequence as Choice;
    choice.admittedAt = this.#kernel.now;
    if (choice.leg !== 'decode') {
      choice.cachedTokens = choice.computed;
      this.#logged(choice)?.admitted(choice.request);
    } else {
      this.metrics.takenOverTokens += choice.promptTokens;
      // All but what makes the next token is there, unless the transfer has failed.
      if (choice.pending === 1) this.metrics.fetchedTokens += choice.promptTokens;
    }
    this.#hooks.onAdmitted(choice);
  }

  firstToken(sequence: Sequence): void {
    const choice = sequence as Choice;
    const { now } = this.#kernel;
    choice.firstTokenAt = now;
    this.metrics.ttft.observe(seconds(choice.arrivedAt, now));
    if (choice.leg !== 'decode') {
      this.metrics.ownPromptTokens += choice.promptTokens;
      this.metrics.cachedPromptTokens += choice.cachedTokens;
    }
    if (!this.#hooks.showsFirstToken(choice)) return;
    this.#logged(choice)?.firstToken(choice.request);
    this.#hooks.onFirstToken(choice);
  }

  preempted(sequence: Sequence): void {
    const choice = sequence as Choice;
    choice.preemptions++;
    this.#logged(choice)?.preempted(choice.request);
  }

  prefilled(sequence: Sequence): void {
    const choice = sequence as Choice;
    // Asked for one token, it has answered, whoever fetches its keys and values and when.
    if (!choice.leaving) this.#observe(choice, 'finished');
    this.#hooks.onPrefilled(choice);
  }

  receiving(sequence: Sequence): void {
    this.#hooks.onReceiving(sequence as Choice);
  }

  ended(sequence: Sequence, reason: EndReason): void {
    const choice = sequence as Choice;
    this.#observe(choice, reason);
    if (this.#hooks.endsChoice(choice, reason)) this.#hooks.onChoiceEnd(choice, reason);
    this.#hooks.onEnded();
  }

  died(): void {
    this.#hooks.onDied();
  }

  /** A copy, or what a client waits for no more, is in no log. */
  #logged(choice: Choice): RequestLog | undefined {
    return choice.attempt.request === undefined ? undefined : this.#log;
  }

  #observe(choice: Choice, reason: EndReason): void {
    if (choice.told) return;
    choice.told = true;
    const { metrics } = this;
    const { firstTokenAt, admittedAt, siblings } = choice;
    const { now } = this.#kernel;
    const tokens = choice.pooling ? 0 : choice.generated;
    if (siblings !== undefined) {
      siblings.left--;
      siblings.longest = Math.max(siblings.longest, tokens);
    }
    if (tokens > 1) observeGaps(metrics, choice, now);
    if (reason !== 'finished') {
      metrics.finished[reason === 'aborted' ? 'abort' : 'error']++;
      return;
    }
    metrics.finished[choice.leg === 'prefill' ? 'length' : choice.finishReason]++;
    metrics.e2e.observe(seconds(choice.arrivedAt, now));
    metrics.queue.observe(seconds(choice.arrivedAt, admittedAt));
    metrics.inference.observe(seconds(admittedAt, now));
    metrics.prefill.observe(seconds(admittedAt, Math.max(admittedAt, firstTokenAt)));
    metrics.decode.observe(seconds(firstTokenAt, now));
    metrics.tpot.observe(tokens > 1 ? seconds(firstTokenAt, now) / (tokens - 1) : 0);
    metrics.promptTokens.observe(choice.promptTokens);
    metrics.computedTokens.observe(choice.leg === 'decode' ? 0 : choice.promptTokens - choice.cachedTokens);
    metrics.generationTokens.observe(tokens);
    metrics.preemptions.observe(choice.preemptions);
    if (choice.maxTokens !== undefined) metrics.maxTokens.observe(choice.maxTokens);
    if (siblings === undefined || siblings.left === 0) {
      metrics.n.observe(siblings?.n ?? 1);
      metrics.longest.observe(siblings?.longest ?? tokens);
    }
  }
}

/** Times between tokens; where nobody has watched them, as many of their mean. */
function observeGaps({ itl }: EngineMetrics, { tokenTimes, generated, firstTokenAt }: Choice, now: number): void {
  if (tokenTimes === undefined) {
    itl.observe(seconds(firstTokenAt, now) / (generated - 1), generated - 1);
    return;
  }
  for (let token = 1; token < tokenTimes.length; token++) {
    itl.observe(seconds(tokenTimes[token - 1]!, tokenTimes[token]!));
  }
}

function seconds(from: number, to: number): number {
  return (to - from) / 1e6;
}

/** The HTTP status that a client saw, or would have: an application's is its own. */
export function statusOf(reason: EndReason, tokens: number, [choice]: readonly PlannedChoice[] = []): number {
  if (reason === 'aborted') return CLIENT_CLOSED_REQUEST;
  return reason === 'cut' && tokens === 0 ? 502 : (choice?.answer?.status ?? 200);
}
