import { createHash } from 'node:crypto';
import type { RunningHash } from '../kernel/index.ts';

/** SHA-256 by the machine, for the trace of a run: several times as fast as the kernel's own. */
export class MachineHash implements RunningHash {
  readonly #hash = createHash('sha256');

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
