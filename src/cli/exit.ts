import { UserError } from '../kernel/index.ts';

/** What the process tells its caller. */
export const ExitCode = { pass: 0, fail: 1, usage: 2, internal: 3 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Runs a command; turns what it throws into a message and an exit code. No stack trace for a user's mistake. */
export async function runCommand(work: () => Promise<ExitCode> | ExitCode): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    if (error instanceof UserError) {
      process.stderr.write(`inferlab: ${error.message}\n`);
      process.exitCode = ExitCode.usage;
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`inferlab: internal error, a fault of InferLab's own; please report it\n${text}\n`);
    process.exitCode = ExitCode.internal;
  }
}
