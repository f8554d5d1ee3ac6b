import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Received } from './vllm-bench.ts';

/** One answer that passed. Moments are milliseconds since 1970, finer than a millisecond. */
export interface Passed {
  readonly askedAt: number;
  readonly received: Received[];
}

/** Passes everything on to a server, and keeps what came back of each POST, and when. */
export class Tap {
  readonly url: string;
  readonly passed: Passed[] = [];
  /** How long each GET took from here to its answer's head: what the way alone takes. */
  readonly tripsMs: number[] = [];
  readonly #close: () => void;

  private constructor(url: string, close: () => void) {
    this.url = url;
    this.#close = close;
  }

  /**
   * @param target asked for every time, where it is not known yet: until it is, connections break
   * @param pieceBytes cuts what comes back into pieces of so many bytes; default: as it comes
   */
  static async before(target: string | (() => string | undefined), pieceBytes?: number): Promise<Tap> {
    const server = createServer((asked, answer) => {
      const passed: Passed = { askedAt: now(), received: [] };
      if (asked.method === 'POST') tap.passed.push(passed);
      const to = typeof target === 'string' ? target : target();
      if (to === undefined) {
        answer.destroy();
        return;
      }
      const onward = request(to + asked.url, { method: asked.method, headers: asked.headers }, (reply) => {
        if (asked.method === 'GET') tap.tripsMs.push(now() - passed.askedAt);
        answer.writeHead(reply.statusCode!, reply.headers);
        // What breaks there breaks here.
        reply.on('close', () => reply.complete || answer.destroy());
        answer.on('close', () => onward.destroy());
        if (pieceBytes !== undefined) {
          void inPieces(reply, pieceBytes, answer);
          return;
        }
        reply.setEncoding('utf8').on('data', (text: string) => {
          passed.received.push({ atMs: now(), text });
          answer.write(text);
        });
        reply.on('end', () => answer.end());
      });
      onward.setNoDelay(true);
      onward.on('error', () => answer.destroy());
      asked.pipe(onward);
    });
    server.on('connection', (socket) => socket.setNoDelay(true));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const tap = new Tap(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => {
      server.close();
      server.closeAllConnections();
    });
    return tap;
  }

  stop(): void {
    this.#close();
  }
}

/** Each piece is on its way before the next is written. */
async function inPieces(from: IncomingMessage, bytes: number, to: ServerResponse): Promise<void> {
  for await (const chunk of from as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; at += bytes) {
      await new Promise((resolve) => to.write(chunk.subarray(at, at + bytes), resolve));
    }
  }
  to.end();
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
