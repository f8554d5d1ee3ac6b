import { closest, distance } from 'fastest-levenshtein';

/** Where in a file something stands. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/**
 * A mistake that a person can make and mend: a bad scenario, a port in use, an unreadable file.
 * Shells print its message and nothing else. Every other error is a fault of InferLab's own.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly place: Place | undefined;
  constructor(message: string, place?: Place) {
    super(place === undefined ? message : `${formatPlace(place)}: ${message}`);
    this.place = place;
  }
}

export function formatPlace(place: Place): string {
  const { file, line, column } = place;
  if (line === undefined) return file;
  return column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
}

/**
 * States an invariant. A failure is a fault of InferLab's own, never of its user.
 * @param message a function where it is asked often: putting a message together takes longer than asking
 */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${typeof message === 'string' ? message : message()}`);
}

/** The candidate nearest to a mistyped name, if one is near enough to be meant. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const found = closest(
    name.toLowerCase(),
    candidates.map((candidate) => candidate.toLowerCase()),
  );
  const candidate = candidates.find((each) => each.toLowerCase() === found);
  const limit = Math.max(2, Math.floor(name.length / 2));
  return candidate !== undefined && distance(name.toLowerCase(), found) <= limit ? candidate : undefined;
}

/** ` Did you mean "x"?` when one candidate is near, else the list of what there is. */
export function suggestion(name: string, candidates: readonly string[]): string {
  const found = nearest(name, candidates);
  if (found !== undefined) return `; did you mean "${found}"?`;
  return candidates.length === 0 ? '' : `; expected one of ${candidates.map((each) => `"${each}"`).join(', ')}`;
}
