import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { WireError, type WireFields } from '../protocol/index.ts';
import { OPERATIONS, type ReadBody, type ReadRequest, readBody } from './operations.ts';
import { textOf } from './wire.ts';

/** A body above this is read in a thread of its own: parsing it here would hold every stream up. */
const LARGE_BYTES = 256 * 1_024;
const WORKER = fileURLToPath(new URL('./body-worker.js', import.meta.url));

export interface BodyTask {
  readonly id: number;
  readonly path: string;
  readonly body: string;
}

export interface BodyResult {
  readonly id: number;
  readonly read?: ReadRequest;
  readonly error?: WireFields;
}

/** Reads large bodies beside the loop that keeps time. */
export class BodyReader {
  #worker: Worker | undefined;
  #tasks = 0;
  readonly #waiting = new Map<number, (read: ReadBody) => void>();

  /** Undefined when the body is small, or of no operation: whoever handles the request then reads it. */
  read(path: string, bytes: Uint8Array): Promise<ReadBody> | undefined {
    const operation = OPERATIONS.get(path);
    if (operation === undefined || bytes.length < LARGE_BYTES) return undefined;
    const body = textOf(bytes);
    // Run from its TypeScript sources, the package has no compiled worker.
    if (!existsSync(WORKER)) return Promise.resolve(readBody(operation, body));
    const id = this.#tasks++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#start().postMessage({ id, path, body } satisfies BodyTask);
    });
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(WORKER);
    worker.on('message', ({ id, read, error }: BodyResult) => {
      this.#waiting.get(id)?.(read ?? new WireError(error!));
      this.#waiting.delete(id);
    });
    // Last: whoever listens to it holds the process again.
    worker.unref();
    this.#worker = worker;
    return worker;
  }
}
