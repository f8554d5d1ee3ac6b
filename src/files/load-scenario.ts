import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { JOURNAL_TEXT_LIMIT_BYTES, type JournalFile, type JournalHeader, UserError } from '../kernel/index.ts';
import type { LabDescription } from '../lab/index.ts';
import { describe, type Expectation, readScenario } from '../scenario/index.ts';

/** What is laid over a scenario when it is loaded. */
export interface LoadOptions {
  readonly seed?: number | undefined;
  /** `path=value` each. */
  readonly settings?: readonly string[] | undefined;
}

/** A scenario with all that it names, read and checked; and what a journal keeps of it. */
export interface LoadedScenario {
  readonly file: string;
  readonly text: string;
  readonly settings: readonly string[];
  readonly description: LabDescription;
  readonly expectations: readonly Expectation[];
  readonly files: readonly JournalFile[];
}

/** The name of standard input. */
const STDIN = '-';

/** Reads a scenario file, or standard input for `-`, and the traces that it names, relative to it. @throws UserError */
export function loadScenarioFile(file: string, options: LoadOptions = {}): LoadedScenario {
  const text = file === STDIN ? readText(0, '<stdin>') : readText(file, file);
  const base = file === STDIN ? '.' : dirname(file);
  return loadScenarioText(text, file === STDIN ? '<stdin>' : file, options, (path) =>
    readText(resolve(base, path), path),
  );
}

/** @param readTrace gives the text of a file that the scenario names @throws UserError */
export function loadScenarioText(
  text: string,
  file: string,
  options: LoadOptions,
  readTrace: (path: string) => string,
): LoadedScenario {
  const settings = options.settings ?? [];
  const overrides = options.seed === undefined ? {} : { seed: options.seed };
  const document = readScenario(text, file, settings, overrides);
  const texts = new Map<string, string>();
  for (const { path, line, column } of document.files) {
    try {
      texts.set(path, readTrace(path));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const place = { file, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
      throw new UserError(error.message, place);
    }
  }
  const { lab, expectations } = describe(document, texts);
  const files = [...texts].map(([path, content]) => ({
    path,
    sha256: sha256(content),
    ...(Buffer.byteLength(content) < JOURNAL_TEXT_LIMIT_BYTES ? { text: content } : {}),
  }));
  return { file, text, settings, description: lab, expectations, files };
}

/** Loads the scenario of a journal: from the journal itself, but for long traces, which must be what they were. */
export function loadJournalled(header: JournalHeader): LoadedScenario {
  const { scenario, settings, seed, epoch } = header;
  const base = dirname(scenario.file);
  const loaded = loadScenarioText(scenario.text, scenario.file, { seed, settings }, (path) => {
    const kept = header.files.find((each) => each.path === path);
    if (kept?.text !== undefined) return kept.text;
    const text = readText(resolve(base, path), path);
    if (kept !== undefined && sha256(text) !== kept.sha256) {
      throw new UserError(
        `"${path}" is not the file of the session any more: its SHA-256 is ${sha256(text)}; expected ${kept.sha256}`,
      );
    }
    return text;
  });
  return { ...loaded, description: { ...loaded.description, epoch } };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** @throws UserError naming the file and why it cannot be read */
export function readText(file: string | 0, name: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(error as Error, name);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is no folder',
  ENOSPC: 'no space is left',
  EFBIG: 'it is larger than a file may be',
};

/** What a person is told of a file that cannot be used. */
export function unreadable(
  error: { readonly code?: string; readonly message: string },
  name: string,
  verb = 'open',
): UserError {
  return new UserError(`cannot ${verb} "${name}": ${REASONS[error.code ?? ''] ?? error.message}`);
}
