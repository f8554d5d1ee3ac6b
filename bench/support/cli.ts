import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import type { Verdict } from '../../src/scenario/index.ts';
import { ROOT } from './built.ts';

export const MAIN = join(ROOT, 'dist/cli/main.js');

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** From the start of the process to its end. */
  readonly wallSeconds: number;
}

/** Starts the built `inferlab`, in the repository's root unless told otherwise. */
export function spawnInferlab(args: readonly string[], cwd = ROOT) {
  return spawn(process.execPath, [MAIN, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs the built `inferlab` to its end. */
export function inferlab(args: readonly string[], cwd = ROOT): Promise<Finished> {
  return runNode([MAIN, ...args], { cwd });
}

/** Runs a script to its end. @param input what it reads from standard input */
export async function runNode(args: readonly string[], { cwd = ROOT, input = '' } = {}): Promise<Finished> {
  const began = performance.now();
  const child = spawn(process.execPath, args, { cwd });
  // One that ends without having read tells why itself.
  child.stdin.on('error', () => {}).end(input);
  const [code, stdout, stderr] = await Promise.all([ended(child), text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr, wallSeconds: (performance.now() - began) / 1_000 };
}

/** Runs a command that prints a verdict. @throws unless it passes */
export async function inferlabVerdict(args: readonly string[]): Promise<Finished & { told: Verdict }> {
  const finished = await inferlab([...args, '--json']);
  if (finished.code !== 0) {
    throw new Error(`inferlab ${args.join(' ')} exited with ${finished.code}: ${finished.stderr.trim()}`);
  }
  return { ...finished, told: JSON.parse(finished.stdout) as Verdict };
}

/** The exit code of a process, -1 when a signal ended it. */
export function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
}

/** Hands `body` an empty folder, which is gone afterwards. */
export async function inFolder<Result>(body: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'inferlab-bench-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
