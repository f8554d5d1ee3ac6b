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

/** The cells of a request's row. */
const CELL = {
  service: 0,
  engine: 1,
  traceRow: 2,
  outcome: 3,
  status: 4,
  promptTokens: 5,
  outputTokensDue: 6,
  outputTokens: 7,
  arrivedAt: 8,
  admittedAt: 9,
  firstTokenAt: 10,
  endedAt: 11,
} as const;
const ROW_CELLS = Object.keys(CELL).length;
const FIRST_ROWS = 1_024;

/**
 * Every request of a run, by number in order of arrival: one flat table, so that a million rows stay small and the
 * garbage collector has nothing to look at. A request arrives once and ends once; the log asserts it.
 */
export class RequestLog {
  readonly #kernel: Kernel;
  #cells = new Float64Array(FIRST_ROWS * ROW_CELLS);
  #size = 0;
  #inFlight = 0;
  #preemptions = 0;
  #movedAt = 0 as Micros;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get size(): number {
    return this.#size;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** When a request last arrived, was admitted, had its first token or ended. */
  get movedAt(): Micros {
    return this.#movedAt;
  }

  get preemptions(): number {
    return this.#preemptions;
  }

  arrived(service: number, promptTokens: number, outputTokensDue: number, traceRow: number): number {
    const number = this.#size++;
    const now = this.#kernel.now;
    const row = number * ROW_CELLS;
    if (row === this.#cells.length) this.#grow();
    const cells = this.#cells;
    cells[row + CELL.service] = service;
    cells[row + CELL.engine] = NO_ENGINE;
    cells[row + CELL.traceRow] = traceRow;
    cells[row + CELL.outcome] = Outcome.inFlight;
    cells[row + CELL.promptTokens] = promptTokens;
    cells[row + CELL.outputTokensDue] = outputTokensDue;
    cells[row + CELL.arrivedAt] = now;
    cells[row + CELL.admittedAt] = -1;
    cells[row + CELL.firstTokenAt] = -1;
    cells[row + CELL.endedAt] = -1;
    this.#inFlight++;
    this.#movedAt = now;
    this.#kernel.trace.note(now, WORD.arrived, number, service, promptTokens, outputTokensDue);
    return number;
  }

  routed(number: number, engine: number): void {
    this.#cells[number * ROW_CELLS + CELL.engine] = engine;
  }

  /** One of its choices is in a batch. The first counts. */
  admitted(number: number): void {
    const row = number * ROW_CELLS;
    if (this.#cells[row + CELL.admittedAt]! >= 0) return;
    this.#cells[row + CELL.admittedAt] = this.#kernel.now;
    this.#movedAt = this.#kernel.now;
    this.#kernel.trace.note(this.#kernel.now, WORD.admitted, number, this.#cells[row + CELL.engine]);
  }

  /** One of its choices has its first token. The first counts. */
  firstToken(number: number): void {
    if (this.#cells[number * ROW_CELLS + CELL.firstTokenAt]! >= 0) return;
    this.#cells[number * ROW_CELLS + CELL.firstTokenAt] = this.#kernel.now;
    this.#movedAt = this.#kernel.now;
    this.#kernel.trace.note(this.#kernel.now, WORD.firstToken, number);
  }

  preempted(number: number): void {
    this.#preemptions++;
    this.#kernel.trace.note(this.#kernel.now, WORD.preempted, number);
  }

  ended(number: number, outcome: Outcome, status: number, outputTokens: number): void {
    const row = number * ROW_CELLS;
    const cells = this.#cells;
    assert(cells[row + CELL.outcome] === Outcome.inFlight, () => `request ${number} ends twice`);
    assert(
      outcome !== Outcome.completed || outputTokens === cells[row + CELL.outputTokensDue],
      () => `request ${number} completed with ${outputTokens} tokens of ${cells[row + CELL.outputTokensDue]}`,
    );
    cells[row + CELL.outcome] = outcome;
    cells[row + CELL.status] = status;
    cells[row + CELL.outputTokens] = outputTokens;
    cells[row + CELL.endedAt] = this.#kernel.now;
    this.#inFlight--;
    this.#movedAt = this.#kernel.now;
    this.#kernel.trace.note(this.#kernel.now, WORD.ended, number, outcome, status, outputTokens);
  }

  record(number: number): RequestRecord {
    assert(number >= 0 && number < this.size, () => `no request ${number}`);
    const row = number * ROW_CELLS;
    const cells = this.#cells;
    return {
      number,
      service: cells[row + CELL.service]!,
      engine: cells[row + CELL.engine]!,
      traceRow: cells[row + CELL.traceRow]!,
      outcome: cells[row + CELL.outcome]! as Outcome,
      status: cells[row + CELL.status]!,
      promptTokens: cells[row + CELL.promptTokens]!,
      outputTokensDue: cells[row + CELL.outputTokensDue]!,
      outputTokens: cells[row + CELL.outputTokens]!,
      arrivedAt: cells[row + CELL.arrivedAt]! as Micros,
      admittedAt: cells[row + CELL.admittedAt]! as Micros,
      firstTokenAt: cells[row + CELL.firstTokenAt]! as Micros,
      endedAt: cells[row + CELL.endedAt]! as Micros,
    };
  }

  *records(): Generator<RequestRecord> {
    for (let number = 0; number < this.size; number++) yield this.record(number);
  }

  #grow(): void {
    const grown = new Float64Array(this.#cells.length * 2);
    grown.set(this.#cells);
    this.#cells = grown;
  }
}
