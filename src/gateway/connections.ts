import { assert, type EventKind, type Kernel, type Micros, NEVER, Priority } from '../kernel/index.ts';
import type { Service, UnitReplica } from '../platform/index.ts';
import type { Call, Refusal } from './call.ts';
import type { OpenRequest } from './open-request.ts';
import type { Router } from './router.ts';
import type { RoutedRequest } from './routing/index.ts';

/** What a client shows that asks for a connection. Where it goes and who he is hold for every message on it. */
export type Handshake = Pick<Call, 'to' | 'key' | 'token' | 'clientIp' | 'privateConnection' | 'sloClass'>;

/** Why a connection is over, and with that what its client sees. */
export type ConnectionEnd =
  /** Its client has gone. */
  | 'hung-up'
  /** Its backend is lost, and the connection breaks. */
  | 'cut'
  /** An answer has taken longer than its service allows (guide 2775). */
  | 'timed-out'
  /** A message was larger than its service allows (guide 2774). */
  | 'too-large'
  /** No more is taken, and all that was asked has been answered. */
  | 'going-away';

/** A connection asked for and not had. */
export interface RefusedHandshake {
  /** Of the request as which the log has it. */
  readonly request: number;
  readonly refusal: Refusal;
}

/**
 * A client's connection for more than one request, WebSocket's: bound to one backend from its handshake to its end. Its
 * requests are answered in the order in which they came, each when the former is done.
 */
export class Connection {
  readonly number: number;
  readonly service: Service;
  readonly replica: UnitReplica;
  readonly routed: RoutedRequest;
  /** It came to a pod's own endpoint, past the gateway. */
  readonly direct: boolean;
  /** When something last went over it, one way or the other; each piece of an answer on its way not counted. */
  lastDataAt: Micros;
  /** Undefined while it lasts. */
  end: ConnectionEnd | undefined;
  endedAt: Micros = NEVER;
  /** It counts in the figures of its replica. */
  booked = false;
  /**
   * What has been asked on it and is not done, in order: the first is being answered, and beside it what the server sends
   * of its own.
   */
  readonly requests: OpenRequest[] = [];

  constructor(facts: {
    readonly number: number;
    readonly service: Service;
    readonly replica: UnitReplica;
    readonly routed: RoutedRequest;
    readonly direct: boolean;
    readonly openedAt: Micros;
  }) {
    this.number = facts.number;
    this.service = facts.service;
    this.replica = facts.replica;
    this.routed = facts.routed;
    this.direct = facts.direct;
    this.lastDataAt = facts.openedAt;
  }
}

/** What the server sends of its own waits for nobody's turn, and nobody waits for it. */
function isPush({ call }: OpenRequest): boolean {
  return call?.application?.socket === 'push';
}

/** Whose turn it is of those that have asked. */
function first({ requests }: Connection): OpenRequest | undefined {
  return requests.find((request) => !isPush(request));
}

/** What connections have done with their requests. */
export interface ConnectionPorts {
  /** It is a request's turn. */
  readonly begin: (request: OpenRequest) => void;
  /** A request's connection is over before it was done. */
  readonly drop: (request: OpenRequest, end: ConnectionEnd) => void;
}

/** All connections that last, by number: each is opened once, counted at its backend, and ended once. */
export class Connections {
  readonly #kernel: Kernel;
  readonly #router: Router;
  readonly #ports: ConnectionPorts;
  readonly #open = new Map<number, Connection>();
  readonly #turn: EventKind;
  #count = 0;
  #draining = false;
  /** What came of the handshake before. */
  latest: Connection | RefusedHandshake | undefined;

  constructor(kernel: Kernel, router: Router, ports: ConnectionPorts) {
    this.#kernel = kernel;
    this.#router = router;
    this.#ports = ports;
    this.#turn = kernel.kind('gateway/message', Priority.arrival, (number) => this.#onTurn(number));
  }

  /** Those that last, in order of their handshakes. */
  get all(): Connection[] {
    return [...this.#open.values()];
  }

  /** One that lasts; undefined when it is over. */
  at(number: number): Connection | undefined {
    return this.#open.get(number);
  }

  open(facts: Pick<Connection, 'service' | 'replica' | 'routed' | 'direct'>): Connection {
    const { now } = this.#kernel;
    const connection = new Connection({ ...facts, number: this.#count++, openedAt: now });
    this.#open.set(connection.number, connection);
    if (!connection.direct) this.#router.connected(connection);
    this.#kernel.trace.tell(now, `connection ${connection.number} opened ${connection.replica.name}`);
    this.latest = connection;
    return connection;
  }

  /** A client has asked something. @returns whether it is its turn; if not, `begin` tells when it is */
  take(connection: Connection, request: OpenRequest): boolean {
    connection.requests.push(request);
    return isPush(request) || first(connection) === request;
  }

  /** A request is done. @param end what it has brought its connection, if it has not been answered */
  done(request: OpenRequest, end: ConnectionEnd | undefined): void {
    const { connection } = request;
    if (connection === undefined) return;
    const { requests } = connection;
    requests.splice(requests.indexOf(request), 1);
    if (connection.end !== undefined) return;
    connection.lastDataAt = this.#kernel.now;
    if (end !== undefined) this.end(connection, end);
    else if (requests.length === 0) {
      if (this.#draining) this.end(connection, 'going-away');
    } else if (!isPush(request) && first(connection) !== undefined) {
      this.#kernel.schedule(this.#turn, this.#kernel.now, connection.number);
    }
  }

  /** It is over, and so is what has been asked on it. */
  end(connection: Connection, end: ConnectionEnd): void {
    assert(connection.end === undefined, () => `connection ${connection.number} ends twice`);
    const { now } = this.#kernel;
    connection.end = end;
    connection.endedAt = now;
    this.#open.delete(connection.number);
    this.#router.disconnected(connection);
    this.#kernel.trace.tell(now, `connection ${connection.number} ended ${end}`);
    for (const request of [...connection.requests]) this.#ports.drop(request, end);
  }

  /** A backend's process is gone: its connections break at that moment, idle or not. */
  cut(replica: UnitReplica): void {
    for (const connection of this.all) if (connection.replica === replica) this.end(connection, 'cut');
  }

  /** Connections end as soon as all that was asked on them has been answered. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.all) if (connection.requests.length === 0) this.end(connection, 'going-away');
  }

  /** The former request of a connection is done. */
  #onTurn(number: number): void {
    const connection = this.#open.get(number);
    const next = connection && first(connection);
    // Meanwhile the connection may have ended, or the request that was next have gone and left its turn to another.
    if (next !== undefined && next.attempt === undefined) this.#ports.begin(next);
  }
}
