import type { Reply } from '../gateway/index.ts';
import { type Micros, NEVER } from '../kernel/index.ts';
import type { GenerationRequest, ReplyHead, TokenUsage } from '../protocol/index.ts';
import { type AnswerFormat, runningUsage, SSE_DONE } from './answer-format.ts';
import { type Delivery, type Exchange, lengthOf } from './exchange.ts';

/** How a door (the gateway, or a pod's own endpoint) presents an answer. */
export interface Presentation {
  readonly head: ReplyHead;
  readonly format: AnswerFormat;
  readonly request: GenerationRequest;
  readonly streamHeaders: Readonly<Record<string, string>>;
  readonly wholeHeaders: Readonly<Record<string, string>>;
  /** The answer to a backend that was lost before its first byte; absent when the connection just breaks. */
  readonly lost?: { readonly status: number; readonly body: unknown };
  /** The answer's text, one piece a token. */
  readonly pieces: readonly string[];
  readonly onAbort: () => void;
}

/**
 * A generated answer as it comes. Streamed: head and first piece when the first token is there, one piece a token,
 * the last one with the finish reason, then usage and `[DONE]`. Whole: all of it with the last token.
 */
export class ReplyExchange implements Exchange {
  readonly #reply: Reply;
  readonly #how: Presentation;
  #sent = 0;
  #over = false;

  constructor(reply: Reply, how: Presentation) {
    this.#reply = reply;
    this.#how = how;
  }

  pull(now: Micros): Delivery[] {
    if (this.#over) return [];
    return this.#how.request.stream ? this.#pullStream(now) : this.#pullWhole(now);
  }

  nextDue(): Micros {
    if (this.#over) return NEVER;
    const { state, endedAt, outputTokens } = this.#reply;
    const token = this.#reply.tokenTime(this.#how.request.stream ? this.#sent : outputTokens - 1);
    return token === NEVER && state !== 'open' ? endedAt : token;
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#how.onAbort();
  }

  #pullStream(now: Micros): Delivery[] {
    const due: Delivery[] = [];
    const reply = this.#reply;
    const { head, format, request, pieces, streamHeaders } = this.#how;
    const { outputTokens, promptTokens } = reply;
    while (this.#sent < outputTokens) {
      const at = reply.tokenTime(this.#sent);
      if (at > now) break;
      if (this.#sent === 0) {
        due.push({ at, kind: 'head', status: 200, headers: streamHeaders });
        const opening = format.opening(head, runningUsage(request, promptTokens, 0));
        if (opening !== '') due.push({ at, kind: 'body', text: opening });
      }
      const text = pieces[this.#sent++]!;
      const last = this.#sent === outputTokens;
      const usage = runningUsage(request, promptTokens, this.#sent);
      due.push({ at, kind: 'body', text: format.piece(head, text, last ? reply.finishReason : null, usage) });
      if (last) {
        const ending = request.includeUsage ? format.usage(head, this.#usage()) + SSE_DONE : SSE_DONE;
        due.push({ at, kind: 'body', text: ending }, { at, kind: 'end' });
        this.#over = true;
      }
    }
    if (!this.#over && this.#lostBy(now)) this.#breakOff(due, this.#sent > 0);
    return due;
  }

  #pullWhole(now: Micros): Delivery[] {
    const due: Delivery[] = [];
    const { head, format, pieces } = this.#how;
    const reply = this.#reply;
    const at = reply.tokenTime(reply.outputTokens - 1);
    if (at <= now) {
      const whole = { text: pieces.join(''), finishReason: reply.finishReason, usage: this.#usage() };
      this.#answer(due, at, 200, format.whole(head, whole));
    } else if (this.#lostBy(now)) {
      this.#breakOff(due, false);
    }
    return due;
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
    this.#answer(due, at, lost.status, lost.body);
  }

  #answer(due: Delivery[], at: Micros, status: number, body: unknown): void {
    const text = JSON.stringify(body);
    const headers = { ...this.#how.wholeHeaders, ...lengthOf(text) };
    due.push({ at, kind: 'head', status, headers }, { at, kind: 'body', text }, { at, kind: 'end' });
    this.#over = true;
  }

  #usage(): TokenUsage {
    return { promptTokens: this.#reply.promptTokens, completionTokens: this.#reply.outputTokens };
  }
}
