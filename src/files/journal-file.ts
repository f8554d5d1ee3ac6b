import { closeSync, openSync, writeSync } from 'node:fs';
import { JOURNAL_FORMAT, type JournalEnd, type JournalHeader, journalLine, type Stamped } from '../kernel/index.ts';
import type { Command } from '../lab/index.ts';
import { lockJournal } from './journal-lock.ts';
import { type LoadedScenario, unreadable } from './load-scenario.ts';
import { VERSION } from './version.ts';

/** The first line of a session's journal. */
export function journalHeader(loaded: LoadedScenario, noTraffic: boolean): JournalHeader {
  const { file, text, settings, files, description } = loaded;
  return {
    inferlabJournal: JOURNAL_FORMAT,
    version: VERSION,
    scenario: { file, text },
    settings,
    seed: description.seed,
    epoch: description.epoch,
    files,
    noTraffic,
  };
}

/** A journal on its way to a file: each command is there before the world has taken it. */
export class JournalFile {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #release: () => void;

  /** @throws UserError when the file cannot be written, or a session that runs writes it */
  constructor(file: string, header: JournalHeader) {
    this.#file = file;
    this.#release = lockJournal(file);
    try {
      this.#descriptor = openSync(file, 'w');
    } catch (error) {
      this.#release();
      throw unreadable(error as Error, file);
    }
    this.#write(journalLine(header));
  }

  /** @throws UserError when the file takes no more */
  write(entry: Stamped<Command>): void {
    this.#write(journalLine(entry));
  }

  close(end: JournalEnd): void {
    this.#write(journalLine(end));
    closeSync(this.#descriptor);
    this.#release();
  }

  #write(line: string): void {
    try {
      writeSync(this.#descriptor, line);
    } catch (error) {
      throw unreadable(error as Error, this.#file, 'write');
    }
  }
}
