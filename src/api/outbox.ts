import { type Micros, NEVER } from '../kernel/index.ts';
import type { Delivery, Exchange } from './exchange.ts';

/** Carries the deliveries of one exchange over a transport. */
export interface Carrier {
  deliver(delivery: Delivery): void;
  /** All that is due now has been handed over: whoever gathers it sends it. */
  flush?(): void;
}

/** The exchanges in progress, each with its carrier: what is due of them, and when more will be. */
export class Outbox {
  readonly #open = new Map<Exchange, Carrier>();

  get size(): number {
    return this.#open.size;
  }

  add(exchange: Exchange, carrier: Carrier): void {
    this.#open.set(exchange, carrier);
  }

  /** The client has gone: nothing more is delivered. */
  drop(exchange: Exchange): void {
    if (this.#open.delete(exchange)) exchange.abort();
  }

  /**
   * Delivers what is due by `now`.
   * @param onSent is told of each delivery once it has been sent
   * @returns the next moment at which something is due, as far as is known
   */
  flush(now: Micros, onSent?: (at: Micros) => void): Micros {
    let next = NEVER;
    for (const [exchange, carrier] of this.#open) {
      let due = exchange.nextDue();
      if (due <= now) {
        this.#deliver(exchange.pull(now), exchange, carrier, onSent);
        due = exchange.nextDue();
      }
      if (due < next) next = due;
    }
    return next;
  }

  /** The next moment at which something is due, as far as is known. */
  nextDue(): Micros {
    let next = NEVER;
    for (const exchange of this.#open.keys()) {
      const due = exchange.nextDue();
      if (due < next) next = due;
    }
    return next;
  }

  #deliver(due: readonly Delivery[], exchange: Exchange, carrier: Carrier, onSent?: (at: Micros) => void): void {
    for (const delivery of due) {
      if (delivery.kind === 'end' || delivery.kind === 'cut') this.#open.delete(exchange);
      carrier.deliver(delivery);
    }
    carrier.flush?.();
    if (onSent !== undefined) for (const { at } of due) onSent(at);
  }
}
