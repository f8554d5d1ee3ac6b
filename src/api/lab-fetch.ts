import type { DataPlane } from './data-plane.ts';
import type { Delivery } from './exchange.ts';
import type { Carrier, Outbox } from './outbox.ts';
import { BODY_LIMIT_BYTES, type Door, type WireRequest } from './wire.ts';

/** Statuses that have no body (WHATWG fetch). */
const NULL_BODY = new Set([101, 204, 205, 304]);

/** A WHATWG fetch into a lab, with no socket: what the data plane delivers, a client sees as a Response. */
export class LabFetch {
  readonly #plane: DataPlane;
  readonly #outbox: Outbox;
  readonly #doorOf: (url: URL) => Door | undefined;
  readonly #onActivity: () => void;

  /**
   * @param doorOf which door of the lab a URL's host names
   * @param onActivity told whenever a client does something: the lab's time must not move on meanwhile
   */
  constructor(plane: DataPlane, outbox: Outbox, doorOf: (url: URL) => Door | undefined, onActivity: () => void) {
    this.#plane = plane;
    this.#outbox = outbox;
    this.#doorOf = doorOf;
    this.#onActivity = onActivity;
  }

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const door = this.#doorOf(url);
    if (door === undefined)
      throw new TypeError('fetch failed', { cause: new Error(`getaddrinfo ENOTFOUND ${url.hostname}`) });
    this.#onActivity();
    if (!this.#plane.listens(door)) throw refusedConnection(url);
    const body = new Uint8Array(await request.arrayBuffer());
    this.#onActivity();
    request.signal.throwIfAborted();
    const asked = wire(request, url, body);
    const exchange =
      body.length > BODY_LIMIT_BYTES ? this.#plane.bodyTooLarge(asked, door) : this.#plane.handle(asked, door);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#onActivity();
        this.#outbox.drop(exchange);
        carrier.fail(request.signal.reason);
      };
      const carrier = new FetchCarrier(
        resolve,
        reject,
        () => this.#outbox.drop(exchange),
        this.#onActivity,
        () => request.signal.removeEventListener('abort', onAbort),
      );
      this.#outbox.add(exchange, carrier);
      request.signal.addEventListener('abort', onAbort);
    });
  };
}

class FetchCarrier implements Carrier {
  readonly #resolve: (response: Response) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #onCancel: () => void;
  readonly #onActivity: () => void;
  readonly #onEnd: () => void;
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(
    resolve: (response: Response) => void,
    reject: (reason: unknown) => void,
    onCancel: () => void,
    onActivity: () => void,
    onEnd: () => void,
  ) {
    this.#onEnd = onEnd;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onCancel = onCancel;
    this.#onActivity = onActivity;
  }

  deliver(delivery: Delivery): void {
    this.#onActivity();
    switch (delivery.kind) {
      case 'head':
        this.#begin(delivery.status, delivery.headers);
        break;
      case 'body':
        if (delivery.data.length > 0) this.#stream?.enqueue(bytesOf(delivery.data));
        break;
      case 'end':
        this.#onEnd();
        this.#stream?.close();
        break;
      case 'cut':
        this.fail(
          new TypeError('terminated', {
            cause: Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }),
          }),
        );
        break;
    }
  }

  fail(reason: unknown): void {
    this.#onEnd();
    this.#stream?.error(reason);
    this.#reject(reason);
  }

  #begin(status: number, headers: Readonly<Record<string, string>>): void {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#stream = controller;
      },
      cancel: () => {
        this.#onActivity();
        this.#onCancel();
      },
    });
    this.#resolve(new Response(NULL_BODY.has(status) ? null : body, { status, headers }));
  }
}

/** What a real fetch says of a port where nobody listens. */
function refusedConnection({ host }: URL): TypeError {
  const cause = Object.assign(new Error(`connect ECONNREFUSED ${host}`), { code: 'ECONNREFUSED' });
  return new TypeError('fetch failed', { cause });
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data;
}

function wire(request: Request, url: URL, body: Uint8Array): WireRequest {
  return {
    method: request.method,
    path: url.pathname + url.search,
    headers: { ...Object.fromEntries(request.headers), host: url.host },
    body,
  };
}
