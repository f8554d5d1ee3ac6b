import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Addresses } from '../../src/api/index.ts';
import type { Verdict } from '../../src/scenario/index.ts';
import { ended, spawnInferlab } from './cli.ts';

/** A session that has not ended this long after SIGTERM is killed. */
const DRAIN_LIMIT_MS = 120_000;

/**
 * Serves a scenario in a process of its own while `body` runs, then drains it.
 * @param args what comes after `inferlab serve`; `--json` and `--port 0` are added
 * @returns what `body` returned, and the session's verdict
 * @throws when the session does not start or does not end in a verdict
 */
export async function whileServing<Result>(
  args: readonly string[],
  body: (addresses: Addresses) => Promise<Result>,
): Promise<{ result: Result; verdict: Verdict }> {
  const child = spawnInferlab(['serve', ...args, '--json', '--port', '0']);
  const end = ended(child);
  const errors = text(child.stderr);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async <Told>(): Promise<Told> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`inferlab serve exited with ${await end}: ${(await errors).trim()}`);
    return JSON.parse(line.value) as Told;
  };
  let limit: NodeJS.Timeout | undefined;
  try {
    const result = await body(await next<Addresses>());
    child.kill('SIGTERM');
    limit = setTimeout(() => child.kill('SIGKILL'), DRAIN_LIMIT_MS);
    const verdict = await next<Verdict>();
    await end;
    return { result, verdict };
  } finally {
    clearTimeout(limit);
    child.kill('SIGKILL');
  }
}

/** Runs `body` while as many processes as there are cores do nothing but compute. */
export async function underLoad<Result>(body: () => Promise<Result>): Promise<Result> {
  const others = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ['-e', 'for (;;);']));
  try {
    return await body();
  } finally {
    for (const other of others) other.kill('SIGKILL');
  }
}
