import { assert, type Kernel, type Micros } from '../kernel/index.ts';
import { WORD } from './trace-words.ts';

/** How a request stands. Codes are part of the trace: they never change. */
export const Outcome = { inFlight: 0, completed: 1, refused: 2, cut: 3, aborted: 4 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

export const OUTCOME_NAMES = ['in-flight', 'completed', 'refused', 'cut', 'aborted'] as const;

/** No trace row. */
export const NO_ROW = -1;
/** No engine has it. */
export const NO_ENGINE = -1;

/** One request's record, as handed out. Moments are µs of simulated time, -1 when they did not come. */
export interface RequestRecord {
  readonly number: number;
  readonly service: number;
  readonly engine: number;
  readonly traceRow: number;
  readonly outcome: Outcome;
  readonly status: number;
  readonly promptTokens: number;
  /** Tokens that the client should get. */
  readonly outputTokensDue: number;
  /** Tokens that it got. */
  readonly outputTokens: number;
  readonly arrivedAt: Micros;
  readonly admittedAt: Micros;
  readonly firstTokenAt: Micros;
  readonly endedAt: Micros;
}

/**
 * Every request of a run, by number in order of arrival: a table of columns, so that a million rows stay small.
 * A request arrives once and ends once; the log asserts it.
 */
export class RequestLog {
  readonly #kernel: Kernel;
  readonly #service: number[] = [];
  readonly #engine: number[] = [];
  readonly #traceRow: number[] = [];
  readonly #outcome: number[] = [];
  readonly #status: number[] = [];
  readonly #promptTokens: number[] = [];
  readonly #outputTokensDue: number[] = [];
  readonly #outputTokens: number[] = [];
  readonly #arrivedAt: number[] = [];
  readonly #admittedAt: number[] = [];
  readonly #firstTokenAt: number[] = [];
  readonly #endedAt: number[] = [];
  #inFlight = 0;
  #preemptions = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get size(): number {
    return this.#arrivedAt.length;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get preemptions(): number {
    return this.#preemptions;
  }

  arrived(service: number, promptTokens: number, outputTokensDue: number, traceRow: number): number {
    const number = this.#arrivedAt.length;
    const now = this.#kernel.now;
    this.#service.push(service);
    this.#engine.push(NO_ENGINE);
    this.#traceRow.push(traceRow);
    this.#outcome.push(Outcome.inFlight);
    this.#status.push(0);
    this.#promptTokens.push(promptTokens);
    this.#outputTokensDue.push(outputTokensDue);
    this.#outputTokens.push(0);
    this.#arrivedAt.push(now);
    this.#admittedAt.push(-1);
    this.#firstTokenAt.push(-1);
    this.#endedAt.push(-1);
    this.#inFlight++;
    this.#kernel.trace.note(now, WORD.arrived, number, service, promptTokens, outputTokensDue);
    return number;
  }

  routed(number: number, engine: number): void {
    this.#engine[number] = engine;
  }

  admitted(number: number): void {
    this.#admittedAt[number] = this.#kernel.now;
    this.#kernel.trace.note(this.#kernel.now, WORD.admitted, number, this.#engine[number]);
  }

  firstToken(number: number): void {
    this.#firstTokenAt[number] = this.#kernel.now;
    this.#kernel.trace.note(this.#kernel.now, WORD.firstToken, number);
  }

  preempted(number: number): void {
    this.#preemptions++;
    this.#kernel.trace.note(this.#kernel.now, WORD.preempted, number);
  }

  ended(number: number, outcome: Outcome, status: number, outputTokens: number): void {
    assert(this.#outcome[number] === Outcome.inFlight, `request ${number} ends twice`);
    assert(
      outcome !== Outcome.completed || outputTokens === this.#outputTokensDue[number],
      `request ${number} completed with ${outputTokens} tokens of ${this.#outputTokensDue[number]}`,
    );
    this.#outcome[number] = outcome;
    this.#status[number] = status;
    this.#outputTokens[number] = outputTokens;
    this.#endedAt[number] = this.#kernel.now;
    this.#inFlight--;
    this.#kernel.trace.note(this.#kernel.now, WORD.ended, number, outcome, status, outputTokens);
  }

  record(number: number): RequestRecord {
    assert(number >= 0 && number < this.size, `no request ${number}`);
    return {
      number,
      service: this.#service[number]!,
      engine: this.#engine[number]!,
      traceRow: this.#traceRow[number]!,
      outcome: this.#outcome[number]! as Outcome,
      status: this.#status[number]!,
      promptTokens: this.#promptTokens[number]!,
      outputTokensDue: this.#outputTokensDue[number]!,
      outputTokens: this.#outputTokens[number]!,
      arrivedAt: this.#arrivedAt[number]! as Micros,
      admittedAt: this.#admittedAt[number]! as Micros,
      firstTokenAt: this.#firstTokenAt[number]! as Micros,
      endedAt: this.#endedAt[number]! as Micros,
    };
  }

  *records(): Generator<RequestRecord> {
    for (let number = 0; number < this.size; number++) yield this.record(number);
  }
}
