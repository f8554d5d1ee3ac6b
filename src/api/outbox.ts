import { type Micros, NEVER } from '../kernel/index.ts';
import type { Delivery, Exchange } from './exchange.ts';

/** Carries the deliveries of one exchange over a transport. */
export interface Carrier {
  deliver(delivery: Delivery): void;
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

  /** Delivers what is due by `now`. @param onDelivery is told of each delivery after it was made */
  flush(now: Micros, onDelivery?: (at: Micros) => void): void {
    for (const [exchange, carrier] of this.#open) {
      for (const delivery of exchange.pull(now)) {
        if (delivery.kind === 'end' || delivery.kind === 'cut') this.#open.delete(exchange);
        carrier.deliver(delivery);
        onDelivery?.(delivery.at);
      }
    }
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
}
