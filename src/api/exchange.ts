import type { Micros } from '../kernel/index.ts';
import { NEVER } from '../kernel/index.ts';

/** What goes over the wire next, and when. */
export type Delivery =
  | {
      readonly at: Micros;
      readonly kind: 'head';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly at: Micros; readonly kind: 'body'; readonly data: string | Uint8Array }
  | { readonly at: Micros; readonly kind: 'end' }
  /** The connection breaks. */
  | { readonly at: Micros; readonly kind: 'cut' };

/**
 * One request's answer, free of any transport: deliveries with the simulated moments at which they are due. Whoever
 * carries it asks what is due and writes that; asking changes nothing in the world.
 */
export interface Exchange {
  /** What has become due by `now` since the last call, in order. After `end` or `cut` there is nothing more. */
  pull(now: Micros): Delivery[];
  /** When the next delivery is due, as far as it is known; NEVER when it is not, or there is none. */
  nextDue(): Micros;
  /** The client has gone. */
  abort(): void;
}

/** An answer that is there at once. */
export class ReadyExchange implements Exchange {
  readonly #at: Micros;
  #left: Delivery[];

  constructor(at: Micros, status: number, headers: Readonly<Record<string, string>>, data: string | Uint8Array) {
    this.#at = at;
    this.#left = [
      { at, kind: 'head', status, headers },
      { at, kind: 'body', data },
      { at, kind: 'end' },
    ];
  }

  static json(
    at: Micros,
    status: number,
    value: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): ReadyExchange {
    const text = JSON.stringify(value);
    return new ReadyExchange(at, status, { 'content-type': 'application/json', ...lengthOf(text), ...headers }, text);
  }

  /** The same answer with headers more. */
  with(headers: Readonly<Record<string, string>>): this {
    this.#left = this.#left.map((each) =>
      each.kind === 'head' ? { ...each, headers: { ...each.headers, ...headers } } : each,
    );
    return this;
  }

  pull(): Delivery[] {
    const left = this.#left;
    this.#left = [];
    return left;
  }

  nextDue(): Micros {
    return this.#left.length > 0 ? this.#at : NEVER;
  }

  abort(): void {
    this.#left = [];
  }
}

/** The header that tells how long a whole body is. */
export function lengthOf(text: string): { readonly 'content-length': string } {
  return { 'content-length': String(Buffer.byteLength(text)) };
}
