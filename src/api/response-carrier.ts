import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Delivery } from './exchange.ts';
import type { Carrier } from './outbox.ts';
import { UNREAD_LIMIT_BYTES } from './wire.ts';

/** For so long a client goes on sending what nobody wants, before its connection is closed (nginx, lingering_timeout). */
const LINGER_MS = 5_000;

/** Carries an answer over HTTP. What is due at one moment goes out in one write, every piece as a chunk of its own. */
export class ResponseCarrier implements Carrier {
  readonly #response: ServerResponse;
  readonly #unread: IncomingMessage | undefined;
  #pieces: (string | Uint8Array)[] = [];
  /** Its head has gone, and its body goes in chunks of our own. */
  #begun = false;
  #ended = false;

  /** @param unread the request, where its client is still sending it: most read an answer when they have sent all */
  constructor(response: ServerResponse, unread?: IncomingMessage) {
    this.#response = response;
    this.#unread = unread;
  }

  deliver(delivery: Delivery): void {
    const response = this.#response;
    if (response.destroyed) return;
    switch (delivery.kind) {
      case 'head':
        response.writeHead(delivery.status, delivery.headers);
        break;
      case 'body':
        this.#pieces.push(delivery.data);
        break;
      case 'end':
        this.#ended = true;
        break;
      case 'cut':
        this.flush();
        if (response.socket !== null) response.socket.resetAndDestroy();
        // It waits for the answer before it: its turn comes, and what there is of it goes out then.
        else response.once('socket', (socket: Socket) => setImmediate(() => socket.resetAndDestroy()));
        break;
    }
  }

  flush(): void {
    const response = this.#response;
    const pieces = this.#pieces;
    this.#pieces = [];
    if (response.destroyed || (pieces.length === 0 && !this.#ended)) return;
    // Of what came before: one body, however large, is its reader's to read.
    if (response.writableLength > UNREAD_LIMIT_BYTES) {
      response.destroy();
      return;
    }
    const { socket } = response;
    // Left to itself, node writes at the end of the turn: too late for whoever measures how late that is.
    socket?.cork();
    this.#write(pieces);
    // The end of a chunked body goes with its last piece; any other has no end to be written once it is out.
    const endsFirst = response.chunkedEncoding;
    if (this.#ended && endsFirst) response.end();
    socket?.uncork();
    if (this.#ended && !endsFirst) this.#end();
  }

  #end(): void {
    const response = this.#response;
    if (this.#unread === undefined) {
      response.end();
      return;
    }
    // With its end goes the connection.
    const limit = setTimeout(() => response.end(), LINGER_MS);
    this.#unread.once('close', () => clearTimeout(limit)).once('end', () => response.end());
  }

  /** Node would make four buffers of each chunk. Those of text are made here, all of a moment in one. */
  #write(pieces: readonly (string | Uint8Array)[]): void {
    const response = this.#response;
    let chunks = '';
    for (const piece of pieces) {
      if (typeof piece === 'string' && this.#writesChunks()) chunks += chunkOf(piece);
      else {
        this.#writeChunks(chunks);
        chunks = '';
        response.write(piece);
      }
    }
    this.#writeChunks(chunks);
  }

  #writesChunks(): boolean {
    const response = this.#response;
    // Before it has its socket, a pipelined answer waits for the one before it: in node's hands, head and all.
    if (this.#begun || response.socket === null || !response.chunkedEncoding) return this.#begun;
    response.flushHeaders();
    this.#begun = true;
    return true;
  }

  #writeChunks(chunks: string): void {
    if (chunks !== '') this.#response.socket?.write(chunks);
  }
}

/** A piece of a chunked body (RFC 9112, 7.1). An empty one would be the body's end. */
function chunkOf(piece: string): string {
  return piece === '' ? '' : `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`;
}
