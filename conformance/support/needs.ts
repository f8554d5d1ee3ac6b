import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, type TestContext, test } from 'vitest';

export const HERE = fileURLToPath(new URL('..', import.meta.url));

/** Where a program is; undefined when this machine does not have it. Debian keeps servers out of users' paths. */
export function which(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

/** A program of one of the Python environments that `run.ts` made. */
export function python(environment: string, program: string): string | undefined {
  const path = join(HERE, '.venv', environment, 'bin', program);
  // Made last, once everything was installed.
  return existsSync(join(HERE, '.venv', environment, 'complete')) && isExecutable(path) ? path : undefined;
}

/** Cases that need a program: a line says so where it is missing. */
export function describeWith(program: string | undefined, name: string, cases: (program: string) => void): void {
  if (program !== undefined) describe(name, () => cases(program));
  else test(name, ({ skip }) => skip('not installed on this machine'));
}

/**
 * What a server says to a request that it does not know: the case is skipped, and the line tells the server's words.
 * Any other failure is one.
 */
export async function unlessUnserved<T>({ skip }: TestContext, feature: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const { status, statusCode, message } = error as { status?: number; statusCode?: number; message: string };
    const code = status ?? statusCode ?? 0;
    if (![400, 404, 501].includes(code)) throw error;
    const words = message
      .replace(/\s+/g, ' ')
      .replace(/^\d{3} /, '')
      .slice(0, 100);
    return skip(`the server does not serve ${feature}: ${code} ${words}`);
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
