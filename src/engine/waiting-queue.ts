import { type Sequence, SequenceState } from './sequence.ts';

/**
 * Sequences waiting for a place in the batch. A preempted one goes back to the front of those of its rank. Those that
 * hold blocks already (their keys and values have come over a link) go before all others: behind one that waits for
 * the blocks that they hold, neither would ever run.
 */
export interface WaitingQueue {
  /** Sequences that wait, those whose clients have left not counted. */
  readonly size: number;
  push(sequence: Sequence): void;
  /** Puts a sequence that has been in the batch back before those that have not. */
  putBack(sequence: Sequence): void;
  peek(): Sequence | undefined;
  shift(): Sequence | undefined;
  /** To be called once for a waiting sequence that has ended; it is skipped when its turn comes. */
  forget(): void;
}

/** First come, first served: vLLM's default policy. */
export class FirstComeQueue implements WaitingQueue {
  #items: (Sequence | undefined)[] = [];
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(sequence: Sequence): void {
    this.#items.push(sequence);
    this.#size++;
  }

  putBack(sequence: Sequence): void {
    this.#size++;
    this.#skipEnded();
    let place = this.#head;
    while (this.#items[place]?.state === SequenceState.ended || (this.#items[place]?.blocks ?? 0) > 0) place++;
    if (place > this.#head || this.#head === 0) this.#items.splice(place, 0, sequence);
    else this.#items[--this.#head] = sequence;
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

  forget(): void {
    this.#size--;
  }

  #skipEnded(): void {
    while (this.#head < this.#items.length && this.#items[this.#head]!.state === SequenceState.ended) {
      this.#items[this.#head++] = undefined;
    }
  }
}

/** By priority, then by arrival: vLLM's policy `priority`. Lower numbers first. */
export class PriorityQueue implements WaitingQueue {
  readonly #items: Sequence[] = [];
  #forgotten = 0;

  get size(): number {
    return this.#items.length - this.#forgotten;
  }

  push(sequence: Sequence): void {
    this.#dropEnded();
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rank(sequence, this.#items[middle]!) < 0) high = middle;
      else low = middle + 1;
    }
    this.#items.splice(low, 0, sequence);
  }

  /** Its order of arrival puts it where it was. */
  putBack(sequence: Sequence): void {
    this.push(sequence);
  }

  peek(): Sequence | undefined {
    this.#dropEnded();
    return this.#items[0];
  }

  shift(): Sequence | undefined {
    this.#dropEnded();
    return this.#items.shift();
  }

  forget(): void {
    this.#forgotten++;
  }

  #dropEnded(): void {
    if (this.#forgotten === 0) return;
    const left = this.#items.filter(({ state }) => state !== SequenceState.ended);
    this.#items.splice(0, this.#items.length, ...left);
    this.#forgotten = 0;
  }
}

/** Negative when `a` goes before `b`. */
export function rank(a: Sequence, b: Sequence): number {
  return Number(b.blocks > 0) - Number(a.blocks > 0) || a.priority - b.priority || a.order - b.order;
}
