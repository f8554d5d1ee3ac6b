import { Outcome, type RequestRecord } from './requests.ts';
import { type Distribution, distribution } from './statistics.ts';

/** What requests amount to. Latencies are over completed requests, in milliseconds of simulated time. */
export interface RequestFigures {
  readonly requests: {
    readonly total: number;
    readonly completed: number;
    /** Refused, cut before their last token, or answered with an error of the pod's. */
    readonly failed: number;
    readonly refused: number;
    readonly cut: number;
    /** Answered whole, with a status of 5xx. */
    readonly errored: number;
    /** Ended by their clients. */
    readonly aborted: number;
    readonly inFlight: number;
  };
  readonly tokens: { readonly prompt: number; readonly output: number };
  /** Arrival to first token. */
  readonly ttftMs: Distribution;
  /** (E2E - TTFT) / (n - 1); answers of one token are left out. */
  readonly tpotMs: Distribution;
  readonly e2eMs: Distribution;
  /** Arrival to first admission into a batch. */
  readonly queueMs: Distribution;
  /** Tokens that clients got, per second from first arrival to last end. */
  readonly outputTokensPerSecond: number;
  readonly requestsPerSecond: number;
}

/** From this status on an answer that came whole is an error of the pod's: its request has failed. */
const ERRORS_FROM = 500;

/** A whole answer that says that its pod has failed, as an application's own 500 does. */
export function isErrorAnswer({ outcome, status }: Pick<RequestRecord, 'outcome' | 'status'>): boolean {
  return outcome === Outcome.completed && status >= ERRORS_FROM;
}

export function requestFigures(records: Iterable<RequestRecord>): RequestFigures {
  const outcomes = [0, 0, 0, 0, 0];
  const ttft: number[] = [];
  const tpot: number[] = [];
  const e2e: number[] = [];
  const queue: number[] = [];
  let prompt = 0;
  let output = 0;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  let total = 0;
  let errored = 0;
  for (const record of records) {
    total++;
    const isError = isErrorAnswer(record);
    if (isError) errored++;
    else outcomes[record.outcome]!++;
    if (record.admittedAt >= 0) prompt += record.promptTokens;
    output += record.outputTokens;
    if (record.arrivedAt < first) first = record.arrivedAt;
    if (record.endedAt > last) last = record.endedAt;
    if (isError || record.outcome !== Outcome.completed) continue;
    ttft.push((record.firstTokenAt - record.arrivedAt) / 1_000);
    e2e.push((record.endedAt - record.arrivedAt) / 1_000);
    queue.push((record.admittedAt - record.arrivedAt) / 1_000);
    if (record.outputTokens > 1) {
      tpot.push((record.endedAt - record.firstTokenAt) / 1_000 / (record.outputTokens - 1));
    }
  }
  const seconds = last > first ? (last - first) / 1_000_000 : 0;
  const perSecond = (count: number): number => (seconds > 0 ? count / seconds : 0);
  const completed = outcomes[Outcome.completed]!;
  const refused = outcomes[Outcome.refused]!;
  const cut = outcomes[Outcome.cut]!;
  return {
    requests: {
      total,
      completed,
      failed: refused + cut + errored,
      refused,
      cut,
      errored,
      aborted: outcomes[Outcome.aborted]!,
      inFlight: outcomes[Outcome.inFlight]!,
    },
    tokens: { prompt, output },
    ttftMs: distribution(Float64Array.from(ttft)),
    tpotMs: distribution(Float64Array.from(tpot)),
    e2eMs: distribution(Float64Array.from(e2e)),
    queueMs: distribution(Float64Array.from(queue)),
    outputTokensPerSecond: perSecond(output),
    requestsPerSecond: perSecond(completed),
  };
}
