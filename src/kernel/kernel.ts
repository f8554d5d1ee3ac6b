import { Chance } from './chance.ts';
import { assert } from './errors.ts';
import { EventQueue, type EventToken, type PendingEvent, type Priority } from './queue.ts';
import { type Micros, micros } from './time.ts';
import { type RunningHash, Trace, type TraceSink } from './trace.ts';

/** What a kind of event does when its moment comes. */
export type EventHandler = (subject: number, argument: number) => void;

/** A kind of event, known to one kernel. */
export interface EventKind {
  readonly code: number;
  readonly name: string;
  readonly priority: Priority;
}

/**
 * Time, order and chance of one simulated world. It knows nothing of what is simulated.
 *
 * Rooms register kinds of events when the world is composed and schedule them by (moment, subject, argument).
 * Pending events are plain numbers, so a state can be written down.
 */
export class Kernel {
  readonly chance: Chance;
  readonly trace: Trace;
  readonly #queue = new EventQueue();
  readonly #kinds: EventKind[] = [];
  readonly #handlers: EventHandler[] = [];
  #now = micros(0);
  #events = 0;
  readonly #dispatch = (at: Micros, kind: number, subject: number, argument: number): void => {
    this.#now = at;
    this.#events++;
    this.#handlers[kind]!(subject, argument);
  };

  constructor(seed: number, sink?: TraceSink, hash?: RunningHash) {
    this.chance = new Chance(seed);
    this.trace = new Trace(sink, hash);
  }

  /** The simulated moment. */
  get now(): Micros {
    return this.#now;
  }

  /** Events run so far. */
  get events(): number {
    return this.#events;
  }

  kind(name: string, priority: Priority, handler: EventHandler): EventKind {
    const kind = { code: this.#kinds.length, name, priority };
    this.#kinds.push(kind);
    this.#handlers.push(handler);
    return kind;
  }

  /** @throws when `at` is in the past: an event never goes back. */
  schedule(kind: EventKind, at: Micros, subject = 0, argument = 0): EventToken {
    assert(at >= this.#now, () => `event ${kind.name} scheduled at ${at}, before now ${this.#now}`);
    return this.#queue.push(at, kind.priority, kind.code, subject, argument);
  }

  /** True if the event was still pending. */
  cancel(token: EventToken): boolean {
    return this.#queue.cancel(token);
  }

  /** The moment of the next event, or NEVER. */
  nextAt(): Micros {
    return this.#queue.nextAt();
  }

  /** Runs the next event, whatever its moment; false if there is none. */
  step(): boolean {
    return this.#queue.pop(this.#dispatch);
  }

  /**
   * Runs everything due at or before `until`, those that become due meanwhile included, and moves the clock there.
   * Stops early, with the clock where it then stands, once `limit` events have run.
   * @returns true if everything due has run.
   */
  runUntil(until: Micros, limit = Number.POSITIVE_INFINITY): boolean {
    const stop = this.#events + limit;
    while (this.#queue.nextAt() <= until) {
      if (this.#events >= stop) return false;
      if (!this.#queue.pop(this.#dispatch)) break;
    }
    if (until > this.#now && Number.isFinite(until)) this.#now = until;
    return true;
  }

  /** Pending events with the names of their kinds, in order. */
  pending(): (PendingEvent & { readonly name: string })[] {
    return this.#queue.pending().map((event) => ({ ...event, name: this.#kinds[event.kind]!.name }));
  }
}
