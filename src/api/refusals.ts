import { hash } from 'node:crypto';
import type { Refusal } from '../gateway/index.ts';
import type { Session } from '../lab/index.ts';
import { type GatewayErrorKey, gatewayError } from '../protocol/index.ts';
import { type Exchange, ReadyExchange } from './exchange.ts';

/** Numbers and words for what the gateway refuses, and for what is answered without being a request to the simulation. */
export class Refusals {
  readonly #session: Session;
  #asides = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /** See {@link requestId}. */
  requestId(request: number): string {
    return requestId(this.#session.world.description.seed, request);
  }

  /** As {@link requestId}, of what is no request to the simulation: those have numbers of their own. */
  asideId(): string {
    return idOf(this.#session.world.description.seed, `aside/${this.#asides++}`);
  }

  /** The gateway's answer when it takes no request at all: too large a body, say. */
  refuse(error: GatewayErrorKey, detail?: string): Exchange {
    const { status, body } = gatewayError(error, this.asideId(), detail);
    return ReadyExchange.json(this.#session.now, status, body, { 'x-request-id': body.request_id });
  }

  /** The gateway's answer to a request that it refuses. */
  refused(refusal: Refusal & { by: 'gateway' }, id: string): Exchange {
    const { status, body } = gatewayError(refusal.error, id, refusal.detail);
    const after = refusal.retryAfterSeconds;
    const headers = after === undefined ? {} : { 'retry-after': String(after) };
    return ReadyExchange.json(this.#session.now, refusal.status ?? status, body, { 'x-request-id': id, ...headers });
  }
}

/** 32 hexadecimal digits: the id that the gateway gives the request of a number; the same in every run of a session. */
export function requestId(seed: number, number: number): string {
  return idOf(seed, `request/${number}`);
}

function idOf(seed: number, what: string): string {
  return hash('sha256', `${seed}/${what}`).slice(0, 32);
}
