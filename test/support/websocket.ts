import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';

/** Nothing here takes nearly as long: what does, hangs. */
const HANG_MS = 20_000;

/** How a handshake that was refused was answered. */
export interface RefusedUpgrade {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A real client's WebSocket, and all that came over it. */
export class Client {
  readonly socket: WebSocket;
  readonly messages: string[] = [];
  /** Once it is over: the code and the reason that its client sees. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #waiting: (() => void)[] = [];

  constructor(url: string, options: WebSocket.ClientOptions) {
    this.socket = new WebSocket(url, options);
    this.socket.on('error', () => {});
    this.socket.on('message', (data: Buffer) => {
      this.messages.push(data.toString());
      for (const look of this.#waiting) look();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code: number, reason: Buffer) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** One whose handshake was taken. */
  static async open(url: string, apiKey?: string, options: WebSocket.ClientOptions = {}): Promise<Client> {
    const client = new Client(url, { ...options, headers: { ...bearer(apiKey), ...options.headers } });
    await within(
      new Promise<void>((resolve, reject) => {
        client.socket.once('open', resolve);
        client.socket.once('error', reject);
      }),
    );
    return client;
  }

  send(body: unknown): void {
    this.socket.send(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  }

  /** Everything up to a message that is such, the messages of which nobody has asked before. */
  async until(last: (message: string) => boolean): Promise<string[]> {
    await within(
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (!this.messages.some(last)) return;
          this.#waiting.splice(this.#waiting.indexOf(look), 1);
          resolve();
        };
        this.#waiting.push(look);
        look();
      }),
    );
    return this.messages.splice(0, this.messages.findIndex(last) + 1);
  }
}

/** A handshake that must be refused. */
export async function refusedUpgrade(
  url: string,
  apiKey?: string,
  options: WebSocket.ClientOptions = {},
): Promise<RefusedUpgrade> {
  const socket = new WebSocket(url, { ...options, headers: { ...bearer(apiKey), ...options.headers } });
  return within(
    new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => reject(new Error('the handshake was taken')));
      socket.on('unexpected-response', (_request, response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (piece: string) => (body += piece));
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      });
    }),
  );
}

export async function within<Result>(work: Promise<Result>): Promise<Result> {
  let guard: NodeJS.Timeout | undefined;
  const hang = new Promise<never>((_, reject) => {
    guard = setTimeout(() => reject(new Error('it hangs')), HANG_MS);
  });
  return Promise.race([work, hang]).finally(() => clearTimeout(guard));
}

function bearer(apiKey: string | undefined): Record<string, string> {
  return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}
