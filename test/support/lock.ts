import { mkdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A lock that its holder has not touched for so long was left behind. */
const STALE_MS = 10_000;
const PULSE_MS = 1_000;

/**
 * Runs `body` while no other test file runs one of the same name: the files of a run are spread over processes.
 */
export async function alone<Result>(name: string, body: () => Promise<Result>): Promise<Result> {
  const lock = join(fileURLToPath(new URL('../..', import.meta.url)), `node_modules/.inferlab-test-${name}`);
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
      if (since !== undefined && Date.now() - since > STALE_MS) rmSync(lock, { recursive: true, force: true });
      await sleep(50);
    }
  }
  const pulse = setInterval(() => utimesSync(lock, new Date(), new Date()), PULSE_MS);
  try {
    return await body();
  } finally {
    clearInterval(pulse);
    rmSync(lock, { recursive: true, force: true });
  }
}
