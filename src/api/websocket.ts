import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ConnectionEnd } from '../gateway/index.ts';
import { GATEWAY_ERRORS } from '../protocol/index.ts';
import { BodyReader } from './body-reader.ts';
import type { DataPlane } from './data-plane.ts';
import type { Delivery, Exchange } from './exchange.ts';
import type { Live } from './live.ts';
import type { ReadBody } from './operations.ts';
import type { Carrier } from './outbox.ts';
import { ResponseCarrier } from './response-carrier.ts';
import type { Conversation } from './websocket-plane.ts';
import { BODY_LIMIT_BYTES, type Door, UNREAD_LIMIT_BYTES } from './wire.ts';

const BODIES = new BodyReader();
/** Bytes of one frame: it must stay under 64 KB (guide 2774), and so short a one has a header of four. */
const FRAME_BYTES = 64 * 1_024 - 1 - 4;
/** Messages of a client that wait for the answers to others; beyond it nothing more is read. */
const MOST_WAITING = 64;
/** What a handshake must have (RFC 6455, 4.2.1). */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const VERSIONS: readonly (string | undefined)[] = ['13', '8'];

/** How a connection is closed that has ended so: the code (RFC 6455, 7.4.1), and the reason in the gateway's words. */
const CLOSES: Readonly<Partial<Record<ConnectionEnd, readonly [code: number, reason: string]>>> = {
  'going-away': [1001, 'The service is going away'],
  'too-large': [1009, GATEWAY_ERRORS.bodyTooLarge.message],
  'timed-out': [1011, GATEWAY_ERRORS.backendTimeout.message],
};

/** The WebSockets of one port: handshakes to conversations, messages to frames and back. */
export class WebSocketDoor {
  readonly #live: Live;
  readonly #plane: DataPlane;
  readonly #door: Door;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: BODY_LIMIT_BYTES });
  readonly #open = new Set<OpenSocket>();

  constructor(live: Live, plane: DataPlane, door: Door) {
    this.#live = live;
    this.#plane = plane;
    this.#door = door;
  }

  /** Takes a connection over that asks for another protocol. */
  readonly upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      readOn(request, socket as Socket, head);
      return;
    }
    if (isHandshake(request)) this.#accept(request, socket as Socket, head);
    // The library has the answer to what is wrong.
    else this.#server.handleUpgrade(request, socket, head, () => {});
  };

  /** Lets sockets follow their connections: what has ended in the world is closed. */
  follow(): void {
    for (const socket of this.#open) socket.follow();
  }

  /** Tells clients that nothing more comes. */
  end(): void {
    for (const socket of this.#open) {
      socket.follow();
      socket.goAway();
    }
  }

  #accept(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const headers = request.headers as Record<string, string | undefined>;
    const clientIp = socket.remoteAddress;
    const path = request.url ?? '/';
    const wire = { method: 'GET', path, headers, body: new Uint8Array(), clientIp };
    const opened = this.#plane.connect(wire, this.#door);
    this.#live.wake();
    if ('pull' in opened) {
      this.#refuse(request, socket, opened);
      return;
    }
    const named = (lines: string[]): void => {
      lines.push(`x-request-id: ${opened.requestId}`);
    };
    let upgraded = false;
    this.#server.once('headers', named);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      upgraded = true;
      const open: OpenSocket = new OpenSocket(this.#live, webSocket, opened, () => this.#open.delete(open));
      this.#open.add(open);
    });
    this.#server.off('headers', named);
    if (!upgraded) opened.hangUp();
  }

  /** Answers as to any other request over HTTP; after it the port has no more to say to this client. */
  #refuse(request: IncomingMessage, socket: Socket, refusal: Exchange): void {
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.shouldKeepAlive = false;
    response.on('finish', () => socket.destroySoon());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#live.outbox.drop(refusal));
    this.#live.outbox.add(refusal, new ResponseCarrier(response));
  }
}

/** One client's WebSocket: its messages are asked in order, and answered so. */
class OpenSocket implements Carrier {
  readonly #live: Live;
  readonly #socket: WebSocket;
  readonly #conversation: Conversation;
  /** What has come and is not asked yet, in order: a large message is being read before them. */
  readonly #unread: Buffer[] = [];
  /** Of those, what was not sent as text. */
  readonly #binary = new WeakSet<Buffer>();
  /** What has been asked and is not answered, in order. Of all but the first nothing is sent yet. */
  readonly #asked: Exchange[] = [];
  /** What the server sends of its own, until it has: it goes beside the answers. */
  #pushed: Exchange | undefined;
  #closing = false;
  /** The session is over: nothing that happens here enters it any more. */
  #over = false;

  constructor(live: Live, socket: WebSocket, conversation: Conversation, onClose: () => void) {
    this.#live = live;
    this.#socket = socket;
    this.#conversation = conversation;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#binary.add(data);
      this.#onMessage(data);
    });
    // What breaks the protocol the library closes; what comes of it is the close.
    socket.on('error', () => {});
    socket.on('close', () => {
      onClose();
      this.#onClose();
    });
    this.#pushed = conversation.pushed;
    if (this.#pushed === undefined) return;
    live.outbox.add(this.#pushed, { deliver: (delivery) => this.#deliverPushed(delivery) });
    live.wake();
  }

  /** Its connection may have ended in the world. */
  follow(): void {
    const { end } = this.#conversation.connection;
    if (end === undefined || this.#closing) return;
    // What came before the end is still its client's; all that was asked is over by now.
    const now = this.#live.world.now;
    for (const delivery of this.#pushed?.pull(now) ?? []) this.#deliverPushed(delivery);
    while (this.#asked.length > 0 && !this.#closing) {
      const exchange = this.#asked[0]!;
      const due = exchange.pull(now);
      for (const delivery of due) this.deliver(delivery);
      if (this.#asked[0] === exchange) break;
    }
    this.#close(CLOSES[end]);
  }

  /** The session is over. */
  goAway(): void {
    this.#over = true;
    this.#close(CLOSES['going-away']);
  }

  deliver(delivery: Delivery): void {
    if (this.#closing) return;
    switch (delivery.kind) {
      case 'head':
        break;
      case 'body':
        this.#send(Buffer.from(delivery.data as Uint8Array), typeof delivery.data !== 'string');
        break;
      case 'end':
        this.#next();
        break;
      case 'cut': {
        const { end } = this.#conversation.connection;
        this.#close(end === undefined ? undefined : CLOSES[end]);
        break;
      }
    }
  }

  #deliverPushed(delivery: Delivery): void {
    if (delivery.kind === 'body') this.deliver(delivery);
    // Where it is cut off so is its connection: it is closed once the answers that came before have been sent.
    else this.#dropPushed();
  }

  #dropPushed(): void {
    if (this.#pushed !== undefined) this.#live.outbox.drop(this.#pushed);
    this.#pushed = undefined;
  }

  #onMessage(data: Buffer): void {
    this.#unread.push(data);
    if (this.#unread.length === 1) this.#read();
    if (this.#unread.length + this.#asked.length >= MOST_WAITING) this.#socket.pause();
  }

  /** Asks what has come, in its order; a large message holds up its own connection alone. */
  #read(): void {
    for (let data = this.#unread[0]; data !== undefined; data = this.#unread[0]) {
      const reading = BODIES.read(this.#conversation.path, data);
      if (reading !== undefined) {
        const message = data;
        void reading.then((read) => {
          this.#unread.shift();
          this.#ask(message, read);
          this.#read();
        });
        return;
      }
      this.#unread.shift();
      this.#ask(data);
    }
  }

  #ask(data: Buffer, read?: ReadBody): void {
    if (this.#closing || this.#conversation.connection.end !== undefined) return;
    this.#await(this.#conversation.take(data, read, this.#binary.has(data)));
  }

  #await(answer: Exchange): void {
    this.#asked.push(answer);
    if (this.#asked.length === 1) this.#live.outbox.add(answer, this);
    this.#live.wake();
  }

  #next(): void {
    this.#live.outbox.drop(this.#asked.shift()!);
    const [next] = this.#asked;
    if (next === undefined) return;
    this.#live.outbox.add(next, this);
    this.#live.wake();
    if (this.#unread.length + this.#asked.length < MOST_WAITING) this.#socket.resume();
  }

  /** A message in frames, text or bytes: each but the last says that more comes. */
  #send(message: Buffer, binary: boolean): void {
    for (let from = 0; from === 0 || from < message.length; from += FRAME_BYTES) {
      const fin = from + FRAME_BYTES >= message.length;
      this.#socket.send(message.subarray(from, from + FRAME_BYTES), { binary, fin });
    }
    // Who does not read what he asked for is disconnected.
    if (this.#socket.bufferedAmount > UNREAD_LIMIT_BYTES) this.#socket.terminate();
  }

  /** @param how undefined: it breaks, without a word */
  #close(how: readonly [code: number, reason: string] | undefined): void {
    if (this.#closing) return;
    this.#closing = true;
    if (how === undefined) this.#socket.terminate();
    else this.#socket.close(...how);
  }

  #onClose(): void {
    this.#closing = true;
    if (this.#over) return;
    this.#conversation.hangUp();
    this.#dropPushed();
    for (const exchange of this.#asked.splice(0)) this.#live.outbox.drop(exchange);
    this.#live.wake();
  }
}

function isHandshake({ method, headers }: IncomingMessage): boolean {
  const { 'sec-websocket-key': key = '', 'sec-websocket-version': version } = headers;
  return method === 'GET' && KEY.test(key) && VERSIONS.includes(version);
}

/**
 * A request that offers another protocol than WebSocket (HTTP/2 without TLS, say) is one like any other (RFC 9110, 7.8):
 * its head is read again without the offer.
 */
function readOn({ method, url, httpVersion, rawHeaders }: IncomingMessage, socket: Socket, head: Buffer): void {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (!/^(upgrade|connection|http2-settings)$/i.test(name)) lines.push(`${name}: ${rawHeaders[at + 1]}`);
  }
  const { server } = socket as Socket & { readonly server: Server };
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket);
}
