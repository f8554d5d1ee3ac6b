import { parentPort } from 'node:worker_threads';
import { WireError } from '../protocol/index.ts';
import type { BodyResult, BodyTask } from './body-reader.ts';
import { OPERATIONS, readBody } from './operations.ts';

/** The thread that reads large bodies; see `BodyReader`. */
parentPort?.on('message', ({ id, path, body }: BodyTask) => {
  const read = readBody(OPERATIONS.get(path)!, body);
  const result: BodyResult = read instanceof WireError ? { id, error: read.fields } : { id, read };
  parentPort?.postMessage(result);
});
