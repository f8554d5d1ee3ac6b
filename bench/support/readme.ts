import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './built.ts';

export const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** A number that the README states: what the pattern captures. @throws when it states none */
export function stated(pattern: RegExp, text = README): number {
  const number = pattern.exec(text)?.[1];
  if (number === undefined) throw new Error(`README.md states nothing like ${pattern}; its row must go with it`);
  return Number(number.replaceAll(',', ''));
}
