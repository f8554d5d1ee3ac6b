import type { Reply } from '../gateway/index.ts';
import { type Micros, NEVER } from '../kernel/index.ts';
import type { Delivery, Exchange } from './exchange.ts';

/** How an application's answer is presented at a door. */
export interface ApplicationPresentation {
  /** The head, when the first piece is there; undefined over a connection, where messages have none. @param length of the body, where it is whole */
  readonly head?: (length: number | undefined) => {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
  };
  /** From 1. */
  readonly piece: (n: number) => string | Uint8Array;
  /** The head alone is wanted, or the status has no body. */
  readonly bodiless: boolean;
  /** The answer to a backend that was lost before its first byte; undefined when the connection just breaks. */
  readonly lost?: () => Exchange;
  readonly onAbort: () => void;
}

/** An application's answer as it comes: the head with the first piece, each piece in its own time, and the end with the last. */
export class ApplicationExchange implements Exchange {
  readonly #reply: Reply;
  readonly #how: ApplicationPresentation;
  #sent = 0;
  #lastAt: Micros = NEVER;
  #over = false;

  constructor(reply: Reply, how: ApplicationPresentation) {
    this.#reply = reply;
    this.#how = how;
  }

  pull(now: Micros): Delivery[] {
    if (this.#over) return [];
    const due: Delivery[] = [];
    while (this.#sent < this.#reply.outputTokens) {
      const at = this.#reply.tokenTime(this.#sent);
      if (at > now) break;
      this.#take(due, at);
    }
    if (this.#sent === this.#reply.outputTokens) this.#end(due, { at: this.#lastAt, kind: 'end' });
    else if (this.#lostBy(now)) this.#breakOff(due, now);
    return due;
  }

  nextDue(): Micros {
    if (this.#over) return NEVER;
    const { state, endedAt } = this.#reply;
    const due = this.#reply.tokenTime(this.#sent);
    return due === NEVER && state !== 'open' ? endedAt : due;
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#how.onAbort();
  }

  #take(due: Delivery[], at: Micros): void {
    const { head, piece, bodiless } = this.#how;
    const whole = this.#reply.outputTokens === 1;
    const first = this.#sent++ === 0;
    const data = bodiless && !whole ? undefined : piece(this.#sent);
    if (first && head !== undefined) due.push({ at, kind: 'head', ...head(whole ? data?.length : undefined) });
    this.#lastAt = at;
    if (!bodiless && data !== undefined) due.push({ at, kind: 'body', data });
  }

  #lostBy(now: Micros): boolean {
    const { state, endedAt } = this.#reply;
    return (state === 'cut' || state === 'aborted') && endedAt <= now;
  }

  #breakOff(due: Delivery[], now: Micros): void {
    const { lost } = this.#how;
    if (this.#sent > 0 || lost === undefined) this.#end(due, { at: this.#reply.endedAt, kind: 'cut' });
    else {
      due.push(...lost().pull(now));
      this.#over = true;
    }
  }

  #end(due: Delivery[], last: Delivery): void {
    due.push(last);
    this.#over = true;
  }
}
