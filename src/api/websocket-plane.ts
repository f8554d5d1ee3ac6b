import type { Connection, Handshake } from '../gateway/index.ts';
import type { Session } from '../lab/index.ts';
import type { Application } from './application.ts';
import { type Exchange, ReadyExchange } from './exchange.ts';
import type { Asked, LanguageModel } from './language-model.ts';
import type { ReadBody } from './operations.ts';
import type { Refusals } from './refusals.ts';
import { MessageExchange } from './websocket-messages.ts';

/**
 * Answers one message of a connection: each body that the exchange delivers is a message to its client.
 * A text is delivered as a string.
 * @param read what the message says, when it has been read already; see `BodyReader`
 */
type Answerer = (message: Uint8Array, read: ReadBody | undefined, isBinary: boolean) => Exchange;

/** A connection as its client's transport has it. */
export class Conversation {
  readonly connection: Connection;
  /** What its client has asked for behind the service, or the pod's address. */
  readonly path: string;
  readonly requestId: string;
  /** What the server sends of its own now that the connection is open. */
  readonly pushed: Exchange | undefined;
  readonly #session: Session;
  readonly #answer: Answerer;

  constructor(
    session: Session,
    connection: Connection,
    path: string,
    requestId: string,
    answer: Answerer,
    pushed?: Exchange,
  ) {
    this.#session = session;
    this.connection = connection;
    this.path = path;
    this.requestId = requestId;
    this.#answer = answer;
    this.pushed = pushed;
  }

  /** The client has sent a message; whether in text or in bytes, what counts is what it says. */
  take(message: Uint8Array, read?: ReadBody, isBinary = false): Exchange {
    return this.#answer(message, read, isBinary);
  }

  /** The client has gone; what it has asked is of no use to anybody any more. */
  hangUp(): void {
    const { end, number } = this.connection;
    if (end === undefined) this.#session.command({ kind: 'hang-up', connection: number });
  }
}

/** WebSocket's part of the data plane, free of any transport: a handshake in, a {@link Conversation} out, or a refusal. */
export class WebSocketPlane {
  readonly #session: Session;
  readonly #refusals: Refusals;
  readonly #languageModel: LanguageModel;
  readonly #application: Application;

  constructor(session: Session, refusals: Refusals, languageModel: LanguageModel, application: Application) {
    this.#session = session;
    this.#refusals = refusals;
    this.#languageModel = languageModel;
    this.#application = application;
  }

  /** @returns an answer over HTTP to who is refused, before any upgrade (guide 2832: its status tells him why) */
  open(handshake: Handshake, asked: Asked): Conversation | Exchange {
    const { connections } = this.#session.world.gateway;
    this.#session.command({ kind: 'connect', handshake });
    const latest = connections.latest!;
    if ('refusal' in latest) {
      const { refusal, request } = latest;
      const id = this.#refusals.requestId(request);
      if (refusal.by === 'gateway') return this.#refusals.refused(refusal, id);
      return new ReadyExchange(this.#session.now, 503, { 'x-request-id': id }, '');
    }
    const answer = this.#answererOf(latest, handshake.to, asked);
    const id = this.#refusals.asideId();
    if (answer !== undefined) {
      const pushed = this.#pushed(latest, handshake.to, asked);
      return new Conversation(this.#session, latest, asked.path, id, answer, pushed);
    }
    // What the image does not serve it answers as what it is, a request over HTTP (guide 2832).
    this.#session.command({ kind: 'hang-up', connection: latest.number });
    return ReadyExchange.json(this.#session.now, 404, { detail: 'Not Found' }, { 'x-request-id': id });
  }

  #pushed(connection: Connection, to: Handshake['to'], asked: Asked): Exchange | undefined {
    const { unit } = connection.replica;
    return unit.application === undefined ? undefined : this.#application.pushed(asked, to, connection);
  }

  /** Who answers what comes over a connection that asks for such a path; undefined when nobody does. */
  #answererOf(connection: Connection, to: Handshake['to'], asked: Asked): Answerer | undefined {
    const { unit } = connection.replica;
    if (unit.application !== undefined) {
      const answer = this.#application.answererOf(asked, to, connection);
      return answer && ((message, _, isBinary) => answer(message, isBinary));
    }
    // A model's server takes over a connection what it takes by POST: the body of the path's operation.
    if (!this.#languageModel.takes(asked.path)) return undefined;
    const headers = { ...asked.wire.headers, 'content-type': 'application/json' };
    return (body, read) => {
      const wire = { ...asked.wire, method: 'POST', headers, body, ...(read && { read }) };
      return new MessageExchange(this.#languageModel.overConnection({ ...asked, wire }, to, connection));
    };
  }
}
