import { type Sequence, SequenceState } from './sequence.ts';

/** Sequences waiting for a place in the batch, first come first served; a preempted one goes back to the front. */
export class WaitingQueue {
  #items: (Sequence | undefined)[] = [];
  #head = 0;
  #size = 0;

  /** Sequences that wait, those whose clients have left not counted. */
  get size(): number {
    return this.#size;
  }

  push(sequence: Sequence): void {
    this.#items.push(sequence);
    this.#size++;
  }

  unshift(sequence: Sequence): void {
    if (this.#head > 0) this.#items[--this.#head] = sequence;
    else this.#items.unshift(sequence);
    this.#size++;
  }

  peek(): Sequence | undefined {
    this.#skipEnded();
    return this.#items[this.#head];
  }

  shift(): Sequence | undefined {
    this.#skipEnded();
    const sequence = this.#items[this.#head];
    if (sequence === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    this.#size--;
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return sequence;
  }

  /** To be called once for a waiting sequence that has ended; it is skipped when its turn comes. */
  forget(): void {
    this.#size--;
  }

  #skipEnded(): void {
    while (this.#head < this.#items.length && this.#items[this.#head]!.state === SequenceState.ended) {
      this.#items[this.#head++] = undefined;
    }
  }
}
