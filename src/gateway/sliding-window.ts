import type { Micros } from '../kernel/index.ts';

/** Entries forgotten before the rest is moved to the front. */
const COMPACT_AT = 1_024;

/** Whole numbers, each with its moment, as long as the moment is less than a width ago. Moments never go back. */
export class SlidingWindow {
  readonly width: Micros;
  readonly #moments: Micros[] = [];
  readonly #values: number[] = [];
  #head = 0;
  #sum = 0;

  constructor(width: Micros) {
    this.width = width;
  }

  get size(): number {
    return this.#moments.length - this.#head;
  }

  get sum(): number {
    return this.#sum;
  }

  /** The moment of the `index`-th that is in it, the oldest first. */
  moment(index: number): Micros {
    return this.#moments[this.#head + index]!;
  }

  add(at: Micros, value: number): void {
    this.forget(at);
    this.#moments.push(at);
    this.#values.push(value);
    this.#sum += value;
  }

  /** Lets go of what is a width ago, or more. */
  forget(now: Micros): void {
    while (this.size > 0 && now - this.moment(0) >= this.width) this.#sum -= this.#values[this.#head++]!;
    if (this.#head < COMPACT_AT || this.#head * 2 < this.#moments.length) return;
    this.#moments.splice(0, this.#head);
    this.#values.splice(0, this.#head);
    this.#head = 0;
  }
}
