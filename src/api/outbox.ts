import { type Micros, NEVER } from '../kernel/index.ts';
import type { Delivery, Exchange } from './exchange.ts';

/** Carries the deliveries of one exchange over a transport. */
export interface Carrier {
  deliver(delivery: Delivery): void;
  /** All that is due now has been handed over: whoever gathers it sends it. */
  flush?(): void;
}

/** One exchange in progress. */
interface Sending {
  readonly exchange: Exchange;
  readonly carrier: Carrier;
  over: boolean;
}

/** The exchanges in progress, each with its carrier: what is due of them, and when more will be. */
export class Outbox {
  /** In order of arrival; those that are over are left out at the next flush. No Map of objects: see `Turnover`. */
  readonly #open: Sending[] = [];
  #over = 0;

  get size(): number {
    return this.#open.length - this.#over;
  }

  add(exchange: Exchange, carrier: Carrier): void {
    this.#open.push({ exchange, carrier, over: false });
  }

  /** The client has gone: nothing more is delivered. */
  drop(exchange: Exchange): void {
    const sending = this.#open.find((each) => each.exchange === exchange);
    if (sending === undefined || sending.over) return;
    this.#end(sending);
    exchange.abort();
  }

  /**
   * Delivers what is due by `now`.
   * @param onSent is told of each delivery once it has been sent
   * @returns the next moment at which something is due, as far as is known
   */
  flush(now: Micros, onSent?: (at: Micros) => void): Micros {
    let next = NEVER;
    // What a carrier brings about while it delivers may end others, or add some.
    for (let index = 0; index < this.#open.length; index++) {
      const sending = this.#open[index]!;
      if (sending.over) continue;
      let due = sending.exchange.nextDue();
      if (due <= now) {
        this.#deliver(sending.exchange.pull(now), sending, onSent);
        due = sending.over ? NEVER : sending.exchange.nextDue();
      }
      if (due < next) next = due;
    }
    this.#sweep();
    return next;
  }

  /** The next moment at which something is due, as far as is known. */
  nextDue(): Micros {
    let next = NEVER;
    for (const { exchange, over } of this.#open) {
      if (over) continue;
      const due = exchange.nextDue();
      if (due < next) next = due;
    }
    return next;
  }

  #deliver(due: readonly Delivery[], sending: Sending, onSent?: (at: Micros) => void): void {
    const { carrier } = sending;
    for (const delivery of due) {
      if (delivery.kind === 'end' || delivery.kind === 'cut') this.#end(sending);
      carrier.deliver(delivery);
    }
    carrier.flush?.();
    if (onSent !== undefined) for (const { at } of due) onSent(at);
  }

  #end(sending: Sending): void {
    if (sending.over) return;
    sending.over = true;
    this.#over++;
  }

  #sweep(): void {
    if (this.#over === 0) return;
    let kept = 0;
    for (const sending of this.#open) if (!sending.over) this.#open[kept++] = sending;
    this.#open.length = kept;
    this.#over = 0;
  }
}
