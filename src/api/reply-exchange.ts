import type { Reply } from '../gateway/index.ts';
import { type Micros, NEVER } from '../kernel/index.ts';
import type { StreamWriter } from '../protocol/index.ts';
import type { Delivery, Exchange } from './exchange.ts';

/** How a door (the gateway, or a pod's own endpoint) presents an answer. */
export interface Presentation {
  /** Called when the first token is there; absent where the answer comes whole. */
  readonly writer?: (() => StreamWriter) | undefined;
  /** The whole answer; called when the last token is there. */
  readonly body: () => object;
  /** The request's id, as its client sees it. */
  readonly id: string;
  /** The content type of a stream. */
  readonly streamType: string;
  /** The answer to a backend that was lost before its first byte; absent when the connection just breaks. */
  readonly lost?: (() => { readonly status: number; readonly body: unknown }) | undefined;
  readonly onAbort: () => void;
}

/**
 * A generated answer as it comes. Streamed: head and first piece when the first token is there, one piece a token, each
 * choice's in its own time, and the end right after the last. Whole: all of it with the last token.
 */
export class ReplyExchange implements Exchange {
  readonly #reply: Reply;
  readonly #how: Presentation;
  /** Tokens sent, by choice. */
  readonly #sent: number[];
  #writer: StreamWriter | undefined;
  #over = false;

  constructor(reply: Reply, how: Presentation) {
    this.#reply = reply;
    this.#how = how;
    this.#sent = reply.choices.map(() => 0);
  }

  pull(now: Micros): Delivery[] {
    if (this.#over) return [];
    return this.#how.writer === undefined ? this.#pullWhole(now) : this.#pullStream(now, this.#how.writer);
  }

  nextDue(): Micros {
    if (this.#over) return NEVER;
    const { state, endedAt } = this.#reply;
    const due = this.#how.writer === undefined ? this.#lastTokenAt() : this.#tokenAt(this.#nextChoice());
    return due === NEVER && state !== 'open' ? endedAt : due;
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#how.onAbort();
  }

  #pullStream(now: Micros, open: () => StreamWriter): Delivery[] {
    const due: Delivery[] = [];
    for (let choice = this.#nextChoice(); choice >= 0; choice = this.#nextChoice()) {
      const at = this.#tokenAt(choice);
      if (at > now) break;
      let text = '';
      if (this.#writer === undefined) {
        this.#writer = open();
        due.push({ at, kind: 'head', status: 200, headers: streamHeaders(this.#how) });
        text = this.#writer.open();
      }
      text += this.#writer.token(choice, this.#sent[choice]!++);
      if (text !== '') due.push({ at, kind: 'body', data: text });
      if (this.#nextChoice() >= 0) continue;
      due.push({ at, kind: 'body', data: this.#writer.close() }, { at, kind: 'end' });
      this.#over = true;
      return due;
    }
    if (this.#lostBy(now)) this.#breakOff(due, this.#writer !== undefined);
    return due;
  }

  #pullWhole(now: Micros): Delivery[] {
    const due: Delivery[] = [];
    const at = this.#lastTokenAt();
    if (at <= now) this.#answer(due, at, 200, this.#how.body());
    else if (this.#lostBy(now)) this.#breakOff(due, false);
    return due;
  }

  /** Whose token is due first of those that are left, as far as is known; -1 when none is left. */
  #nextChoice(): number {
    const { choices } = this.#reply;
    let next = -1;
    for (let choice = 0; choice < choices.length; choice++) {
      if (this.#sent[choice] === choices[choice]!.outputTokens) continue;
      if (next < 0 || this.#tokenAt(choice) < this.#tokenAt(next)) next = choice;
    }
    return next;
  }

  /** When a choice's next token is due; NEVER for none. */
  #tokenAt(choice: number): Micros {
    return choice < 0 ? NEVER : this.#reply.choices[choice]!.tokenTime(this.#sent[choice]!);
  }

  #lastTokenAt(): Micros {
    let last = 0 as Micros;
    for (const choice of this.#reply.choices) {
      const at = choice.tokenTime(choice.outputTokens - 1);
      if (at > last) last = at;
    }
    return last;
  }

  #lostBy(now: Micros): boolean {
    const { state, endedAt } = this.#reply;
    return (state === 'cut' || state === 'aborted') && endedAt <= now;
  }

  #breakOff(due: Delivery[], begun: boolean): void {
    const at = this.#reply.endedAt;
    const { lost } = this.#how;
    this.#over = true;
    if (begun || lost === undefined) {
      due.push({ at, kind: 'cut' });
      return;
    }
    const { status, body } = lost();
    this.#answer(due, at, status, body);
  }

  #answer(due: Delivery[], at: Micros, status: number, body: unknown): void {
    const text = JSON.stringify(body);
    const length = String(Buffer.byteLength(text));
    const headers = { 'content-type': 'application/json', 'x-request-id': this.#how.id, 'content-length': length };
    due.push({ at, kind: 'head', status, headers }, { at, kind: 'body', data: text }, { at, kind: 'end' });
    this.#over = true;
  }
}

function streamHeaders({ id, streamType }: Presentation): Readonly<Record<string, string>> {
  return {
    'content-type': streamType,
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    'x-request-id': id,
  };
}
