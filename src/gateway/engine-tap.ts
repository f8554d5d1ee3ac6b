import type { EndReason, EngineListener, Sequence } from '../engine/index.ts';
import { EngineMetrics, Outcome, type RequestLog } from '../telemetry/index.ts';

const OUTCOMES = { finished: Outcome.completed, aborted: Outcome.aborted, cut: Outcome.cut } as const;
/** What a client that left would have got (nginx's number). */
const CLIENT_CLOSED_REQUEST = 499;

/** Hears one engine: writes the request log and the engine's histograms, and passes on what has ended. */
export class EngineTap implements EngineListener {
  readonly metrics = new EngineMetrics();
  readonly #log: RequestLog;
  readonly #onEnd: (sequence: Sequence, reason: EndReason) => void;

  constructor(log: RequestLog, onEnd: (sequence: Sequence, reason: EndReason) => void) {
    this.#log = log;
    this.#onEnd = onEnd;
  }

  admitted(sequence: Sequence): void {
    this.#log.admitted(sequence.request);
  }

  firstToken(sequence: Sequence): void {
    this.#log.firstToken(sequence.request);
  }

  preempted(sequence: Sequence): void {
    this.#log.preempted(sequence.request);
  }

  ended(sequence: Sequence, reason: EndReason): void {
    const status =
      reason === 'aborted' ? CLIENT_CLOSED_REQUEST : reason === 'cut' && sequence.generated === 0 ? 502 : 200;
    this.#log.ended(sequence.request, OUTCOMES[reason], status, sequence.generated);
    this.#observe(sequence, reason);
    this.#onEnd(sequence, reason);
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
