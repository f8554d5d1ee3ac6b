import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';
import type { Addresses } from '../../src/api/index.ts';
import { alone } from './lock.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const SMALL = 'test/fixtures/small.yaml';
const MAIN = join(ROOT, 'dist/cli/main.js');
/** Nothing here takes nearly as long: what does, hangs. */
const HANG_MS = 60_000;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Builds dist when a source is newer; one test file does so, the others wait. */
async function build(): Promise<void> {
  if (isFresh()) return;
  await alone('build', async () => {
    if (!isFresh()) await promisify(execFile)('npm', ['run', '-s', 'build'], { cwd: ROOT });
  });
}

function isFresh(): boolean {
  const built = statSync(MAIN, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return sources.every((path) => statSync(join(ROOT, 'src', path)).mtimeMs <= built);
}

/** Runs the command to its end. */
export async function inferlab(
  args: readonly string[],
  options: { input?: string; cwd?: string } = {},
): Promise<Finished> {
  await build();
  const child = launch(args, options.cwd ?? ROOT);
  child.stdin!.on('error', () => {
    // It did not want its input.
  });
  child.stdin!.end(options.input ?? '');
  return finished(child);
}

/** A live `inferlab serve --json`. */
export class Serving {
  readonly addresses: Addresses;
  readonly child: ChildProcess;
  readonly #finished: Promise<Finished>;

  private constructor(addresses: Addresses, child: ChildProcess, end: Promise<Finished>) {
    this.addresses = addresses;
    this.child = child;
    this.#finished = end;
  }

  static async start(args: readonly string[]): Promise<Serving> {
    await build();
    const child = launch(['serve', ...args, '--json'], ROOT);
    const end = finished(child);
    const ready = new Promise<string>((resolve) => createInterface(child.stdout!).once('line', resolve));
    const line = await Promise.race([ready, end.then((all) => Promise.reject(new Error(JSON.stringify(all))))]);
    return new Serving(JSON.parse(line) as Addresses, child, end);
  }

  /** The base URL, key and model of the only service, as an OpenAI client takes them. */
  get client(): { baseURL: string; apiKey: string; model: string } {
    const { url, apiKey, model } = this.addresses.services[0]!;
    return { baseURL: `${url}/v1`, apiKey: apiKey!, model };
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** How it ended. */
  ended(): Promise<Finished> {
    return this.#finished;
  }

  async stop(): Promise<Finished> {
    this.signal('SIGTERM');
    return this.ended();
  }
}

const children = new Set<ChildProcess>();

function launch(args: readonly string[], cwd: string): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

async function finished(child: ChildProcess): Promise<Finished> {
  const text = { stdout: '', stderr: '' };
  child.stdout!.setEncoding('utf8').on('data', (part: string) => (text.stdout += part));
  child.stderr!.setEncoding('utf8').on('data', (part: string) => (text.stderr += part));
  const guard = setTimeout(() => child.kill('SIGKILL'), HANG_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(guard);
      resolve({ code, ...text });
    });
  });
}

/** A folder for one test file, gone after it. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'inferlab-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What these tests read of a line of `--requests FILE`, of a request that had its first token. */
export interface RequestLine {
  readonly request: number;
  readonly outcome: string;
  readonly promptTokens: number;
  readonly outputTokensDue: number;
  readonly outputTokens: number;
  readonly arrivedMicros: number;
  readonly firstTokenMicros: number;
  readonly endedMicros: number;
}

export function readLines(file: string): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});
