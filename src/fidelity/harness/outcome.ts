import type { EndReason, EngineListener, Sequence } from '../../engine/index.ts';
import type { Kernel } from '../../kernel/index.ts';
import { distribution } from '../../telemetry/index.ts';

/** What a load came to. Latencies in milliseconds over all requests, throughput in output tokens per second. */
export interface Outcome {
  readonly requests: number;
  readonly ttftMs: number;
  readonly ttftP50Ms: number;
  readonly ttftP99Ms: number;
  readonly tpotMs: number;
  readonly tpotP50Ms: number;
  readonly tpotP99Ms: number;
  readonly e2eMs: number;
  readonly outputTokensPerSecond: number;
}

/** The moments of requests, as the engines report them. */
export class Stopwatch {
  readonly #kernel: Kernel;
  readonly #sent: Float64Array;
  readonly #first: Float64Array;
  readonly #last: Float64Array;
  #open = 0;
  #ended = 0;
  /** The most requests that were ever under way at once. */
  mostOpen = 0;

  constructor(kernel: Kernel, requests: number) {
    this.#kernel = kernel;
    this.#sent = new Float64Array(requests);
    this.#first = new Float64Array(requests).fill(Number.NaN);
    this.#last = new Float64Array(requests).fill(Number.NaN);
  }

  get ended(): number {
    return this.#ended;
  }

  sent(request: number): void {
    this.#sent[request] = this.#kernel.now;
    this.#open++;
    this.mostOpen = Math.max(this.mostOpen, this.#open);
  }

  first(request: number): void {
    this.#first[request] = this.#kernel.now;
  }

  last(request: number): void {
    this.#last[request] = this.#kernel.now;
    this.#open--;
    this.#ended++;
  }

  /** A listener for engines that answer whole requests. */
  listener(onEnded: (sequence: Sequence, reason: EndReason) => void): EngineListener {
    return {
      admitted: () => {},
      preempted: () => {},
      firstToken: ({ request }) => this.first(request),
      ended: (sequence, reason) => {
        this.last(sequence.request);
        onEnded(sequence, reason);
      },
    };
  }

  /** TTFT and TPOT of each request, milliseconds; see {@link outcome}. */
  each(outputTokens: ArrayLike<number>, frontEndMs: (request: number) => number): { ttftMs: number; tpotMs: number }[] {
    return Array.from(this.#sent, (sent, request) => ({
      ttftMs: (this.#first[request]! - sent) / 1_000 + frontEndMs(request),
      tpotMs: (this.#last[request]! - this.#first[request]!) / 1_000 / Math.max(1, outputTokens[request]! - 1),
    }));
  }

  /**
   * @param frontEndMs what the server and the client add to a request's first token, and so to its end: it delays
   *   answers, and no step
   */
  outcome(outputTokens: ArrayLike<number>, frontEndMs: (request: number) => number): Outcome {
    const count = this.#sent.length;
    const ttft = new Float64Array(count);
    const e2e = new Float64Array(count);
    const tpot: number[] = [];
    let tokens = 0;
    let began = Number.POSITIVE_INFINITY;
    let ended = 0;
    for (let request = 0; request < count; request++) {
      const decode = this.#last[request]! - this.#first[request]!;
      ttft[request] = (this.#first[request]! - this.#sent[request]!) / 1_000 + frontEndMs(request);
      e2e[request] = ttft[request]! + decode / 1_000;
      const output = outputTokens[request]!;
      if (output > 1) tpot.push(decode / 1_000 / (output - 1));
      tokens += output;
      began = Math.min(began, this.#sent[request]!);
      ended = Math.max(ended, this.#last[request]!);
    }
    const first = distribution(ttft);
    const each = distribution(Float64Array.from(tpot));
    return {
      requests: count,
      ttftMs: first.mean!,
      ttftP50Ms: first.p50!,
      ttftP99Ms: first.p99!,
      tpotMs: each.mean ?? 0,
      tpotP50Ms: each.p50 ?? 0,
      tpotP99Ms: each.p99 ?? 0,
      e2eMs: distribution(e2e).mean!,
      outputTokensPerSecond: (1e6 * tokens) / (ended - began),
    };
  }
}
