import { closeSync, openSync, writeSync } from 'node:fs';
import { unreadable } from './load-scenario.ts';

/** The canonical trace on its way to a file: two of them show where two runs part. */
export class TraceFile {
  readonly #file: string;
  readonly #descriptor: number;

  /** @throws UserError when the file cannot be written */
  constructor(file: string) {
    this.#file = file;
    try {
      this.#descriptor = openSync(file, 'w');
    } catch (error) {
      throw unreadable(error as Error, file);
    }
  }

  write(line: string): void {
    try {
      writeSync(this.#descriptor, `${line}\n`);
    } catch (error) {
      throw unreadable(error as Error, this.#file, 'write');
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
