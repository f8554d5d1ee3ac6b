import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../support/built.ts';
import { inferlab } from '../support/cli.ts';
import { once } from '../support/once.ts';

const FOLDER = join(ROOT, 'test/fixtures/bad');
const BAD_SCENARIO = 2;

/** Malformed scenarios whose refusal is word for word the tested one, and the names of those with another. */
export const badScenarios = once(async () => {
  const messages = JSON.parse(await readFile(join(FOLDER, 'messages.json'), 'utf8')) as Record<string, string>;
  const left = Object.entries(messages);
  const others: string[] = [];
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const [file, message] = next;
      const { code, stdout, stderr } = await inferlab(['validate', file], FOLDER);
      if (code !== BAD_SCENARIO || stdout !== '' || stderr !== `inferlab: ${message}\n`) others.push(file);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (others.length > 0) process.stderr.write(`another message: ${others.sort().join(', ')}\n`);
  return { exact: Object.keys(messages).length - others.length, others: others.length };
});
