import { createServer, request } from 'node:http';
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

  static async before(target: string): Promise<Tap> {
    const server = createServer((asked, answer) => {
      const passed: Passed = { askedAt: now(), received: [] };
      if (asked.method === 'POST') tap.passed.push(passed);
      const onward = request(target + asked.url, { method: asked.method, headers: asked.headers }, (reply) => {
        if (asked.method === 'GET') tap.tripsMs.push(now() - passed.askedAt);
        answer.writeHead(reply.statusCode!, reply.headers);
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

function now(): number {
  return performance.timeOrigin + performance.now();
}
