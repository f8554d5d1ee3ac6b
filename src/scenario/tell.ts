import { suggestion } from '../kernel/index.ts';
import type { Problem } from './messages.ts';

/** What the checks of a scenario share. */

export type Path = Problem['path'];

/** Takes a problem down: where it is and what is wrong. */
export type Tell = (path: Path, message: string) => void;

export function checkUnique(list: readonly { readonly name: string }[], path: Path, what: string, tell: Tell): void {
  for (const [index, { name }] of list.entries()) {
    const first = list.findIndex((each) => each.name === name);
    if (first < index)
      tell([...path, index, 'name'], `there is already a ${what} "${name}" (${path.join('.')}.${first})`);
  }
}

/** The entry of that name; tells the nearest when there is none. */
export function find<Entry extends { readonly name: string }>(
  list: readonly Entry[],
  name: string,
  what: string,
  path: Path,
  tell: Tell,
): Entry | undefined {
  const found = list.find((each) => each.name === name);
  if (found === undefined)
    tell(
      path,
      unknown(
        what,
        name,
        list.map((each) => each.name),
      ),
    );
  return found;
}

export function unknown(what: string, name: string, known: readonly string[]): string {
  return `unknown ${what} "${name}"${suggestion(name, known)}`;
}
