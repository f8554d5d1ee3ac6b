import type { Micros } from '../kernel/index.ts';
import type { Delivery, Exchange } from './exchange.ts';

/**
 * An answer as messages of a connection: of a stream each event is one, its data alone; what comes whole is one. Statuses
 * and headers have no place in it.
 */
export class MessageExchange implements Exchange {
  readonly #answer: Exchange;
  readonly #decoder = new TextDecoder();
  #streams = false;
  /** What has come and is not a whole message yet. */
  #text = '';

  constructor(answer: Exchange) {
    this.#answer = answer;
  }

  pull(now: Micros): Delivery[] {
    return this.#answer.pull(now).flatMap((delivery) => this.#messagesOf(delivery));
  }

  nextDue(): Micros {
    return this.#answer.nextDue();
  }

  /** Nothing: its client leaves by hanging up, and what was asked on the connection ends with it. */
  abort(): void {}

  #messagesOf(delivery: Delivery): Delivery[] {
    const { at } = delivery;
    switch (delivery.kind) {
      case 'head':
        this.#streams = delivery.headers['content-type']?.startsWith('text/event-stream') === true;
        return [];
      case 'body': {
        const { data } = delivery;
        this.#text += typeof data === 'string' ? data : this.#decoder.decode(data, { stream: true });
        return this.#streams ? this.#events().map((event) => ({ at, kind: 'body', data: event })) : [];
      }
      case 'end':
        return this.#text === '' ? [delivery] : [{ at, kind: 'body', data: this.#text }, delivery];
      case 'cut':
        return [delivery];
    }
  }

  /** The data of the events that are whole; a comment has none. */
  #events(): string[] {
    const events = this.#text.split('\n\n');
    this.#text = events.pop()!;
    return events.flatMap((event) => {
      const data = event.split('\n').filter((line) => line.startsWith('data:'));
      return data.length === 0 ? [] : [data.map((line) => line.replace(/^data: ?/, '')).join('\n')];
    });
  }
}
