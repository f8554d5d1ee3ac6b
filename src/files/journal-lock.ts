import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { UserError } from '../kernel/index.ts';

/** Who holds a lock, as its file says. */
interface Holder {
  readonly pid: number;
  readonly host: string;
}

/** Locks of this process. A file that names it and is none of them was left by an earlier one of the same number. */
const held = new Set<string>();

/**
 * Keeps a journal for one session: a file beside it, `JOURNAL.lock`, names the process that writes it, and goes with it.
 * One whose process is gone is taken over.
 * @returns gives it back
 * @throws UserError when a session that runs has it
 */
export function lockJournal(file: string): () => void {
  const path = lockPath(file);
  if (path === undefined) return () => {};
  if (!take(path)) {
    const holder = readHolder(path);
    if (holder === undefined || isAlive(holder, path)) throw inUse(file, path, holder);
    removeStale(path, holder);
    if (!take(path)) throw inUse(file, path, readHolder(path));
  }
  held.add(path);
  const release = (): void => {
    if (!held.delete(path)) return;
    process.off('exit', release);
    rmSync(path, { force: true });
  };
  process.on('exit', release);
  return release;
}

/** Beside the file itself, whatever link leads to it. A device or a pipe has no lock. */
function lockPath(file: string): string | undefined {
  const there = statSync(file, { throwIfNoEntry: false });
  if (there === undefined) return `${file}.lock`;
  return there.isFile() ? `${realpathSync(file)}.lock` : undefined;
}

/** @returns false when somebody has it. Where no lock can be made, opening the journal tells why, or goes without. */
function take(path: string): boolean {
  try {
    writeFileSync(path, JSON.stringify({ pid: process.pid, host: hostname() } satisfies Holder), { flag: 'wx' });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EEXIST';
  }
}

/** Moves it away first: of two that find the same lock stale, one does. */
function removeStale(path: string, stale: Holder): void {
  const away = `${path}.${process.pid}`;
  try {
    renameSync(path, away);
    const moved = readHolder(away);
    if (moved?.pid === stale.pid && moved.host === stale.host) rmSync(away, { force: true });
    // The other one had been quicker, and this is its lock.
    else renameSync(away, path);
  } catch {
    // Gone by now.
  }
}

/** Undefined when it names nobody: it is being written, or is no lock of ours. */
function readHolder(path: string): Holder | undefined {
  try {
    const { pid, host } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder>;
    return Number.isSafeInteger(pid) && typeof host === 'string' ? { pid: pid!, host } : undefined;
  } catch {
    return undefined;
  }
}

/** Of another machine nothing can be known. */
function isAlive({ pid, host }: Holder, path: string): boolean {
  if (host !== hostname()) return true;
  if (pid === process.pid) return held.has(path);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function inUse(file: string, lock: string, holder: Holder | undefined): UserError {
  const who = holder === undefined ? 'another session' : `process ${holder.pid} on ${holder.host}`;
  return new UserError(
    `"${file}" is the journal of a session that runs, of ${who}; expected another file (if that session is gone, delete "${lock}")`,
  );
}
