import { type ChildProcess, spawn } from 'node:child_process';
import { alone } from './lock.ts';

/** Keeps one core busy for as long as `body` takes: never while another file measures. */
export async function whileBusy<Result>(body: () => Promise<Result>): Promise<Result> {
  return alone('machine', async () => {
    const child: ChildProcess = spawn(process.execPath, ['-e', 'for (;;) Math.sqrt(2)'], { stdio: 'ignore' });
    try {
      return await body();
    } finally {
      child.kill('SIGKILL');
    }
  });
}
