import { assert } from './errors.ts';
import { type Micros, NEVER } from './time.ts';

/** Names one pending event. Cancelling with a token of an event that has already run does nothing. */
export type EventToken = number & { readonly __token: true };

/** The token of no event. */
export const NO_EVENT = -1 as EventToken;

/**
 * At one instant, what a step of work brings forth comes before what controllers make of it, and both before
 * what arrives anew; commands from outside come last of all (see {@link Journal}).
 */
export const Priority = { cause: 0, progress: 1, control: 2, arrival: 3, script: 4 } as const;
export type Priority = (typeof Priority)[keyof typeof Priority];

const SLOT_BITS = 24;
const SLOT_LIMIT = 2 ** SLOT_BITS;
const INITIAL_CAPACITY = 256;
/** Cancelled events are swept out once they are more than half of the heap, and at least this many. */
const SWEEP_FLOOR = 1_024;

/** A pending event as plain data: what a state written down holds. */
export interface PendingEvent {
  readonly at: Micros;
  readonly priority: number;
  readonly sequence: number;
  readonly kind: number;
  readonly subject: number;
  readonly argument: number;
}

/**
 * Pending events in total order (time, priority, sequence).
 *
 * A binary heap of slots over parallel arrays: nothing is allocated for an event. Push and pop cost O(log n),
 * cancel O(1): the slot is marked, and swept when it comes up or when marked slots outnumber the others.
 */
export class EventQueue {
  #heap: Int32Array = new Int32Array(INITIAL_CAPACITY);
  #size = 0;
  #cancelled = 0;
  #sequence = 0;
  #free: number[] = [];
  #slots = 0;
  #at: Float64Array = new Float64Array(INITIAL_CAPACITY);
  #order: Float64Array = new Float64Array(INITIAL_CAPACITY);
  #kind: Int32Array = new Int32Array(INITIAL_CAPACITY);
  #subject: Float64Array = new Float64Array(INITIAL_CAPACITY);
  #argument: Float64Array = new Float64Array(INITIAL_CAPACITY);
  #generation: Int32Array = new Int32Array(INITIAL_CAPACITY);
  #live: Uint8Array = new Uint8Array(INITIAL_CAPACITY);

  /** Events that will still run. */
  get size(): number {
    return this.#size - this.#cancelled;
  }

  push(at: Micros, priority: Priority, kind: number, subject: number, argument: number): EventToken {
    const slot = this.#free.pop() ?? this.#newSlot();
    this.#at[slot] = at;
    this.#order[slot] = priority * 2 ** 48 + this.#sequence++;
    this.#kind[slot] = kind;
    this.#subject[slot] = subject;
    this.#argument[slot] = argument;
    this.#live[slot] = 1;
    this.#rise(this.#size++, slot);
    return (this.#generation[slot]! * SLOT_LIMIT + slot) as EventToken;
  }

  /** True if the event was still pending. */
  cancel(token: EventToken): boolean {
    if (token < 0) return false;
    const generation = Math.floor(token / SLOT_LIMIT);
    const slot = token - generation * SLOT_LIMIT;
    if (this.#generation[slot] !== generation || this.#live[slot] === 0) return false;
    this.#live[slot] = 0;
    this.#cancelled++;
    if (this.#cancelled > SWEEP_FLOOR && this.#cancelled * 2 > this.#size) this.#sweep();
    return true;
  }

  /** The moment of the next event, or {@link NEVER}. */
  nextAt(): Micros {
    this.#dropCancelled();
    return this.#size === 0 ? NEVER : (this.#at[this.#heap[0]!]! as Micros);
  }

  /** Takes the next event off and hands its fields over; false if there is none. */
  pop(run: (at: Micros, kind: number, subject: number, argument: number) => void): boolean {
    this.#dropCancelled();
    if (this.#size === 0) return false;
    const slot = this.#removeTop();
    const at = this.#at[slot]! as Micros;
    const kind = this.#kind[slot]!;
    const subject = this.#subject[slot]!;
    const argument = this.#argument[slot]!;
    this.#release(slot);
    run(at, kind, subject, argument);
    return true;
  }

  /** Every pending event in the order in which it will run. */
  pending(): PendingEvent[] {
    const slots = Array.from(this.#heap.subarray(0, this.#size)).filter((slot) => this.#live[slot] === 1);
    slots.sort((a, b) => (this.#before(a, b) ? -1 : 1));
    return slots.map((slot) => ({
      at: this.#at[slot]! as Micros,
      priority: Math.floor(this.#order[slot]! / 2 ** 48),
      sequence: this.#order[slot]! % 2 ** 48,
      kind: this.#kind[slot]!,
      subject: this.#subject[slot]!,
      argument: this.#argument[slot]!,
    }));
  }

  #before(a: number, b: number): boolean {
    const atA = this.#at[a]!;
    const atB = this.#at[b]!;
    return atA < atB || (atA === atB && this.#order[a]! < this.#order[b]!);
  }

  #rise(from: number, slot: number): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const other = heap[parent]!;
      if (!this.#before(slot, other)) break;
      heap[index] = other;
      index = parent;
    }
    heap[index] = slot;
  }

  #sink(from: number, slot: number): void {
    const heap = this.#heap;
    const half = this.#size >> 1;
    let index = from;
    while (index < half) {
      let child = 2 * index + 1;
      if (child + 1 < this.#size && this.#before(heap[child + 1]!, heap[child]!)) child++;
      const other = heap[child]!;
      if (!this.#before(other, slot)) break;
      heap[index] = other;
      index = child;
    }
    heap[index] = slot;
  }

  #removeTop(): number {
    const top = this.#heap[0]!;
    const last = this.#heap[--this.#size]!;
    if (this.#size > 0) this.#sink(0, last);
    return top;
  }

  #dropCancelled(): void {
    while (this.#size > 0 && this.#live[this.#heap[0]!] === 0) {
      this.#release(this.#removeTop());
      this.#cancelled--;
    }
  }

  #sweep(): void {
    let kept = 0;
    for (let index = 0; index < this.#size; index++) {
      const slot = this.#heap[index]!;
      if (this.#live[slot] === 1) this.#heap[kept++] = slot;
      else this.#release(slot);
    }
    this.#size = kept;
    this.#cancelled = 0;
    for (let index = (kept >> 1) - 1; index >= 0; index--) this.#sink(index, this.#heap[index]!);
  }

  #release(slot: number): void {
    this.#live[slot] = 0;
    this.#generation[slot] = (this.#generation[slot]! + 1) & 0x0fffffff;
    this.#free.push(slot);
  }

  #newSlot(): number {
    const slot = this.#slots++;
    assert(slot < SLOT_LIMIT, `more than ${SLOT_LIMIT} events pending`);
    if (slot === this.#at.length) this.#grow();
    return slot;
  }

  #grow(): void {
    const capacity = this.#at.length * 2;
    const floats = (old: Float64Array): Float64Array => {
      const grown = new Float64Array(capacity);
      grown.set(old);
      return grown;
    };
    const ints = (old: Int32Array): Int32Array => {
      const grown = new Int32Array(capacity);
      grown.set(old);
      return grown;
    };
    const live = new Uint8Array(capacity);
    live.set(this.#live);
    this.#live = live;
    this.#heap = ints(this.#heap);
    this.#kind = ints(this.#kind);
    this.#generation = ints(this.#generation);
    this.#at = floats(this.#at);
    this.#order = floats(this.#order);
    this.#subject = floats(this.#subject);
    this.#argument = floats(this.#argument);
  }
}
