import type { Micros } from '../kernel/index.ts';
import { type Delivery, type Exchange, ReadyExchange } from './exchange.ts';
import type { WireRequest } from './wire.ts';

/** What a browser lets a page of any origin read (Fetch, "CORS protocol"). */
const ANY_ORIGIN = { 'access-control-allow-origin': '*' } as const;

/** Starlette's methods for `"*"` (middleware/cors.py). */
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];
/** For how long a browser may remember a preflight, in seconds (Starlette's default). */
const MAX_AGE_SECONDS = 600;

/** Whether a browser asks if a page of another origin may ask something. */
export function isPreflight({ method, headers }: WireRequest): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
}

/**
 * The answer to a preflight, as vLLM's server gives it unless it is told otherwise: every origin, method and header, on
 * every path, and no cookies. Without credentials, which browsers never send here.
 */
export function preflightAnswer(at: Micros, { headers }: WireRequest, id: string): Exchange {
  const isKnown = METHODS.includes(headers['access-control-request-method']!);
  const text = isKnown ? 'OK' : 'Disallowed CORS method';
  const wanted = headers['access-control-request-headers'];
  return new ReadyExchange(
    at,
    isKnown ? 200 : 400,
    {
      ...ANY_ORIGIN,
      'access-control-allow-methods': METHODS.join(', '),
      'access-control-max-age': String(MAX_AGE_SECONDS),
      ...(wanted === undefined ? {} : { 'access-control-allow-headers': wanted }),
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(text.length),
      'x-request-id': id,
    },
    text,
  );
}

/** An answer that a page of any origin may read, where the request came from one; else the answer itself. */
export function crossOrigin(headers: WireRequest['headers'], answer: Exchange): Exchange {
  return headers.origin === undefined ? answer : new CrossOriginExchange(answer);
}

class CrossOriginExchange implements Exchange {
  readonly #answer: Exchange;

  constructor(answer: Exchange) {
    this.#answer = answer;
  }

  pull(now: Micros): Delivery[] {
    return this.#answer
      .pull(now)
      .map((each) => (each.kind === 'head' ? { ...each, headers: { ...each.headers, ...ANY_ORIGIN } } : each));
  }

  nextDue(): Micros {
    return this.#answer.nextDue();
  }

  abort(): void {
    this.#answer.abort();
  }
}
