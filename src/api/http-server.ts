import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { UserError } from '../kernel/index.ts';
import { BodyReader } from './body-reader.ts';
import type { DataPlane } from './data-plane.ts';
import type { Exchange } from './exchange.ts';
import type { Live } from './live.ts';
import { ResponseCarrier } from './response-carrier.ts';
import { BODY_LIMIT_BYTES, type Door, operationPath } from './wire.ts';

/** How often an ending door looks whether its readers have read. */
const FLUSH_POLL_MS = 10;
/** A client must send its headers within this time. */
const HEADERS_TIMEOUT_MS = 30_000;

const BODIES = new BodyReader();

/** What a port has beside the data plane. */
export interface DoorExtras {
  /** The port speaks TLS with these, PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Answers a request itself and returns true, or leaves it to the data plane. */
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Takes a connection over that asks for another protocol; without it such a request is one like any other. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** One listening port of the data plane: bytes to requests, deliveries to bytes. */
export class HttpDoor {
  readonly #live: Live;
  readonly #plane: DataPlane;
  readonly #door: Door;
  readonly #extras: DoorExtras;
  readonly #sockets = new Set<Socket>();
  /** Answers that wait for one before them on their connection: its end is theirs. */
  readonly #queued = new WeakMap<Socket, Set<Exchange>>();
  #server: Server | undefined;
  #port: number;

  /** @param port 0 for any free one; once open, the same port is kept */
  constructor(live: Live, plane: DataPlane, door: Door, port: number, extras: DoorExtras = {}) {
    this.#live = live;
    this.#plane = plane;
    this.#door = door;
    this.#port = port;
    this.#extras = extras;
  }

  get port(): number {
    return this.#port;
  }

  get isOpen(): boolean {
    return this.#server !== undefined;
  }

  /** @throws UserError when the port is in use or may not be opened. */
  async open(host: string): Promise<void> {
    const { tls, upgrade } = this.#extras;
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      toOriginForm(request);
      this.#onRequest(request, response);
    };
    // Of two Authorization headers neither is taken, instead of the first: who sends two is not to be guessed at.
    const how = { joinDuplicateHeaders: true };
    const server = tls === undefined ? createServer(how, onRequest) : createSecureServer({ ...how, ...tls }, onRequest);
    if (upgrade !== undefined) {
      server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        toOriginForm(request);
        upgrade(request, socket, head);
      });
    }
    server.headersTimeout = HEADERS_TIMEOUT_MS;
    server.on('connection', (socket) => {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, this.#port)));
      server.listen(this.#port, host, () => resolve());
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Stops listening and breaks what is open. */
  cut(): void {
    this.#stopListening();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Stops listening and lets what has been answered reach its readers, until `enough` says so; then breaks the rest. */
  async end(enough: () => boolean): Promise<void> {
    this.#stopListening();
    while (!enough() && [...this.#sockets].some((socket) => socket.writableLength > 0)) {
      await new Promise((resolve) => setTimeout(resolve, FLUSH_POLL_MS));
    }
    for (const socket of this.#sockets) socket.destroySoon();
  }

  #stopListening(): void {
    this.#server?.close();
    this.#server?.closeIdleConnections();
    this.#server = undefined;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    if (this.#extras.answer?.(request, response) === true) return;
    const chunks: Buffer[] = [];
    let size = 0;
    let refused = false;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= BODY_LIMIT_BYTES) chunks.push(chunk);
      else if (!refused) {
        refused = true;
        chunks.length = 0;
        response.shouldKeepAlive = false;
        const headers = request.headers as Record<string, string | undefined>;
        this.#carry(this.#plane.bodyTooLarge({ headers }, this.#door), response, request);
      }
    });
    request.on('end', () => {
      if (!refused) this.#handle(request, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), response);
    });
    request.on('error', () => response.destroy());
  }

  #handle(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const path = request.url ?? '/';
    const headers = request.headers as Record<string, string | undefined>;
    const clientIp = request.socket.remoteAddress;
    const wire = { method: request.method ?? 'GET', path, headers, body, clientIp };
    const reading = wire.method === 'POST' ? BODIES.read(operationPath(path), body) : undefined;
    if (reading === undefined) {
      this.#carry(this.#plane.handle(wire, this.#door), response);
      return;
    }
    void reading.then((read) => {
      if (!response.destroyed) this.#carry(this.#plane.handle({ ...wire, read }, this.#door), response);
    });
  }

  /** @param unread see {@link ResponseCarrier} */
  #carry(exchange: Exchange, response: ServerResponse, unread?: IncomingMessage): void {
    const { outbox } = this.#live;
    // An answer that waits for the one before it has no socket yet that would tell it.
    const queue = response.socket === null ? this.#queueOf(response.req.socket) : undefined;
    queue?.add(exchange);
    response.on('error', () => outbox.drop(exchange));
    response.on('close', () => {
      // Looked for among all that are open: not for those that have all they get.
      if (!response.writableFinished) outbox.drop(exchange);
      queue?.delete(exchange);
    });
    outbox.add(exchange, new ResponseCarrier(response, unread));
    this.#live.wake();
  }

  #queueOf(socket: Socket): Set<Exchange> {
    const known = this.#queued.get(socket);
    if (known !== undefined) return known;
    const queue = new Set<Exchange>();
    this.#queued.set(socket, queue);
    socket.once('close', () => {
      for (const exchange of queue) this.#live.outbox.drop(exchange);
    });
    return queue;
  }
}

/** A client that takes the port for a proxy writes the whole URL, whose host goes before the header (RFC 9112, 3.2.2). */
function toOriginForm(request: IncomingMessage): void {
  const [start, host] = /^https?:\/\/([^/?]*)/i.exec(request.url ?? '') ?? [];
  if (start === undefined) return;
  request.url = request.url!.slice(start.length).replace(/^(?!\/)/, '/');
  request.headers.host = host;
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return new UserError(`port ${port} of ${host} is in use; expected a free one (0 takes any)`);
  }
  if (error.code === 'EACCES') {
    return new UserError(`port ${port} of ${host} may not be opened by this user; expected one above 1023`);
  }
  if (error.code === 'ENOTFOUND' || error.code === 'EADDRNOTAVAIL' || error.code === 'EINVAL') {
    return new UserError(`cannot listen on "${host}": it is no address of this machine`);
  }
  return error;
}
