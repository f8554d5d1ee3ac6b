import type { EndReason, EngineListener, Sequence } from '../engine/index.ts';
import { EngineMetrics, Outcome, type RequestLog } from '../telemetry/index.ts';

export const OUTCOMES = { finished: Outcome.completed, aborted: Outcome.aborted, cut: Outcome.cut } as const;
/** What a client that left would have got (nginx's number). */
const CLIENT_CLOSED_REQUEST = 499;

/** What an engine's events mean for the requests behind its sequences. */
export interface TapHooks {
  onAdmitted(sequence: Sequence): void;
  onPrefilled(sequence: Sequence): void;
  onReceiving(sequence: Sequence): void;
  /** Whether a sequence's first token is its client's. */
  showsFirstToken(sequence: Sequence): boolean;
  /** @returns true if the sequence's end is its request's; the log has it then, and `onRequestEnd` follows */
  endsRequest(sequence: Sequence, reason: EndReason): boolean;
  onRequestEnd(sequence: Sequence, reason: EndReason): void;
  /** After all of that. */
  onEnded(): void;
}

/** Hears one engine: writes the request log and the engine's histograms, and passes on what concerns requests. */
export class EngineTap implements EngineListener {
  readonly metrics = new EngineMetrics();
  readonly #log: RequestLog;
  readonly #hooks: TapHooks;

  constructor(log: RequestLog, hooks: TapHooks) {
    this.#log = log;
    this.#hooks = hooks;
  }

  admitted(sequence: Sequence): void {
    if (sequence.leg !== 'decode') this.#log.admitted(sequence.request);
    this.#hooks.onAdmitted(sequence);
  }

  firstToken(sequence: Sequence): void {
    if (this.#hooks.showsFirstToken(sequence)) this.#log.firstToken(sequence.request);
  }

  preempted(sequence: Sequence): void {
    this.#log.preempted(sequence.request);
  }

  prefilled(sequence: Sequence): void {
    this.#hooks.onPrefilled(sequence);
  }

  receiving(sequence: Sequence): void {
    this.#hooks.onReceiving(sequence);
  }

  ended(sequence: Sequence, reason: EndReason): void {
    if (this.#hooks.endsRequest(sequence, reason)) {
      this.#log.ended(sequence.request, OUTCOMES[reason], statusOf(reason, sequence.generated), sequence.generated);
      this.#observe(sequence, reason);
      this.#hooks.onRequestEnd(sequence, reason);
    }
    this.#hooks.onEnded();
  }

  #observe(sequence: Sequence, reason: EndReason): void {
    const { metrics } = this;
    const record = this.#log.record(sequence.request);
    const seconds = (from: number, to: number): number => (to - from) / 1e6;
    if (record.admittedAt >= 0) metrics.queue.observe(seconds(record.arrivedAt, record.admittedAt));
    if (record.firstTokenAt >= 0) metrics.ttft.observe(seconds(record.arrivedAt, record.firstTokenAt));
    if (reason !== 'finished') {
      metrics.finished.abort++;
      return;
    }
    metrics.finished[sequence.finishReason]++;
    metrics.e2e.observe(seconds(record.arrivedAt, record.endedAt));
    if (record.outputTokens > 1) {
      metrics.tpot.observe(seconds(record.firstTokenAt, record.endedAt) / (record.outputTokens - 1));
    }
  }
}

/** The HTTP status that a client saw, or would have. */
export function statusOf(reason: EndReason, tokens: number): number {
  if (reason === 'aborted') return CLIENT_CLOSED_REQUEST;
  return reason === 'cut' && tokens === 0 ? 502 : 200;
}
