import { nearest, suggestion } from '../kernel/index.ts';
import type { Problem } from './messages.ts';

export type Path = Problem['path'];

/** Takes a problem down: where it is and what is wrong. */
export type Tell = (path: Path, message: string) => void;

interface Named {
  readonly name: string;
}

/** The entry of that name; tells the nearest when there is none. */
export function find<Entry extends Named>(
  list: readonly Entry[],
  name: string,
  what: string,
  path: Path,
  tell: Tell,
): Entry | undefined {
  const found = list.find((each) => each.name === name);
  const known = list.map((each) => each.name);
  if (found === undefined) tell(path, `unknown ${what} "${name}"${suggestion(name, known)}`);
  return found;
}

/** Names are told apart. @param path of the list */
export function checkUnique(list: readonly Named[], path: Path, what: string, tell: Tell): void {
  for (const [index, { name }] of list.entries()) {
    const first = list.findIndex((each) => each.name === name);
    if (first < index)
      tell([...path, index, 'name'], `there is already a ${what} "${name}" (${path.join('.')}.${first})`);
  }
}

/** What is said of a node that there is none of: of many the nearest, or the first and the last. */
export function unknownNode(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  if (known.length === 1) return `unknown node "${name}"; the only one is "${known[0]}"`;
  const hint = meant === undefined ? `they are "${known[0]}" to "${known.at(-1)}"` : `did you mean "${meant}"?`;
  return `unknown node "${name}"; ${hint}`;
}
