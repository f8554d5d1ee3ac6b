import { closeSync, openSync, writeSync } from 'node:fs';
import { unreadable } from './load-scenario.ts';

/** The canonical trace on its way to a file: two of them show where two runs part. */
export class TraceFile {
  readonly #descriptor: number;

  /** @throws UserError when the file cannot be written */
  constructor(file: string) {
    try {
      this.#descriptor = openSync(file, 'w');
    } catch (error) {
      throw unreadable(error as NodeJS.ErrnoException, file);
    }
  }

  write(line: string): void {
    writeSync(this.#descriptor, `${line}\n`);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
