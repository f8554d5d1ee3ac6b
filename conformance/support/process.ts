import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

/** A server in front of the simulator, or beside it. */
export interface Running {
  readonly url: string;
  stop(): Promise<void>;
}

export interface Program {
  readonly command: string;
  /** Its configuration file, which `args` may name. */
  readonly config?: (port: number, folder: string) => string;
  /** Other files that stand beside it, by name. */
  readonly more?: Readonly<Record<string, string>>;
  readonly args: (port: number, config: string, folder: string) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Python servers take their time. */
  readonly startMs?: number;
}

/** Starts a server on a free port, and waits until it listens. */
export async function run({ command, config, more = {}, args, env = {}, startMs = 30_000 }: Program): Promise<Running> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'inferlab-conformance-'));
  const file = join(folder, 'config');
  if (config !== undefined) writeFileSync(file, config(port, folder));
  for (const [name, text] of Object.entries(more)) writeFileSync(join(folder, name), text);
  const child = spawn(command, args(port, file, folder), {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4_000)));
  }
  const stop = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(() => {
      if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
      return listens(port);
    }, startMs);
  } catch (error) {
    await stop();
    throw new Error(`${(error as Error).message}: ${output}`);
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const guard = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await exited;
  clearTimeout(guard);
}

/**
 * Ports that the system gives nobody by itself: a server takes its time until it listens, and meanwhile nobody else must
 * come to listen in its place.
 */
const PORTS = { from: 20_000, to: 32_000 } as const;

async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.from + randomInt(PORTS.to - PORTS.from);
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
        .once('error', () => resolve(false))
        .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
