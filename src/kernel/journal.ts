import { type Place, UserError } from './errors.ts';
import type { Micros } from './time.ts';

export const JOURNAL_FORMAT = 1;
/** A file handed in whose text is at least this long is kept in the journal by its digest alone. */
export const JOURNAL_TEXT_LIMIT_BYTES = 1_000_000;

/** A file that the scenario names: its content as it was, or its digest when it is long. */
export interface JournalFile {
  readonly path: string;
  readonly sha256: string;
  readonly text?: string;
}

/** The first line of a journal: all that a replay needs besides the commands. */
export interface JournalHeader {
  readonly inferlabJournal: typeof JOURNAL_FORMAT;
  readonly version: string;
  /** The scenario file's name and text, as read. */
  readonly scenario: { readonly file: string; readonly text: string };
  /** `path=value` settings laid over the scenario. */
  readonly settings: readonly string[];
  readonly seed: number;
  /** The calendar instant of simulated time zero, in milliseconds since 1970. */
  readonly epoch: number;
  readonly files: readonly JournalFile[];
  /** The session ran without the scenario's own traffic and timeline. */
  readonly noTraffic: boolean;
}

/** A command from outside, stamped with the simulated moment at which it was taken. */
export interface Stamped<Command> {
  readonly at: Micros;
  readonly command: Command;
}

/** The last line of a journal: when the session ended, and what its trace hashed to. */
export interface JournalEnd {
  readonly end: Micros;
  readonly traceHash: string;
}

/** A journal read back. `end` is missing when the session was killed before it could close it. */
export interface Journal<Command> {
  readonly header: JournalHeader;
  readonly commands: readonly Stamped<Command>[];
  readonly end?: JournalEnd;
}

/** One journal line, newline included. */
export function journalLine<Command>(line: JournalHeader | Stamped<Command> | JournalEnd): string {
  return `${JSON.stringify(line)}\n`;
}

/** @throws UserError naming the line that is not a journal's. */
export function readJournal<Command>(text: string, file: string): Journal<Command> {
  const lines = text.split('\n');
  // What follows the last newline is nothing, or a line that a killed session did not finish.
  if (lines.length > 1 && !isJson(lines.at(-1)!)) lines.pop();
  const parse = (index: number): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse(lines[index] ?? '');
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    } catch {
      // Told below, with its line.
    }
    throw new UserError('not a line of a journal', { file, line: index + 1 });
  };
  const header = parse(0) as unknown as JournalHeader;
  if (header.inferlabJournal !== JOURNAL_FORMAT) {
    throw new UserError(`not an InferLab journal of format ${JOURNAL_FORMAT}`, { file, line: 1 });
  }
  if (
    typeof header.scenario?.text !== 'string' ||
    typeof header.scenario.file !== 'string' ||
    !Array.isArray(header.settings) ||
    !Array.isArray(header.files) ||
    !Number.isSafeInteger(header.seed) ||
    !Number.isFinite(header.epoch)
  ) {
    throw new UserError('the first line lacks what a replay needs: scenario, settings, files, seed or epoch', {
      file,
      line: 1,
    });
  }
  checkHeaderLists(header, { file, line: 1 });
  const commands: Stamped<Command>[] = [];
  let last = 0;
  for (let index = 1; index < lines.length; index++) {
    const line = parse(index);
    if ('end' in line) {
      if (!Number.isInteger(line.end) || (line.end as number) < last) {
        throw new UserError('expected an end no earlier than the last command', { file, line: index + 1 });
      }
      if (index !== lines.length - 1) throw new UserError('nothing may follow the end', { file, line: index + 2 });
      return { header, commands, end: line as unknown as JournalEnd };
    }
    const stamped = line as unknown as Stamped<Command>;
    if (
      !Number.isInteger(stamped.at) ||
      stamped.at < last ||
      typeof stamped.command !== 'object' ||
      stamped.command === null
    ) {
      throw new UserError('expected a command stamped no earlier than the one before it', { file, line: index + 1 });
    }
    last = stamped.at;
    commands.push(stamped);
  }
  return { header, commands };
}

/** @throws UserError naming the setting or the file of a header that is none */
function checkHeaderLists({ settings, files }: JournalHeader, place: Place): void {
  for (const [index, setting] of settings.entries()) {
    if (typeof setting === 'string') continue;
    throw new UserError(`settings.${index}: expected a text path=value, got ${JSON.stringify(setting)}`, place);
  }
  for (const [index, each] of (files as readonly (Partial<JournalFile> | null)[]).entries()) {
    const { path, sha256, text } = each ?? {};
    if (typeof path === 'string' && typeof sha256 === 'string' && typeof (text ?? '') === 'string') continue;
    throw new UserError(`files.${index}: expected {path, sha256, text}, got ${JSON.stringify(each)}`, place);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
