import { type Block, contains, parseAddress, parseBlock } from './address.ts';

/**
 * Who may call a service, by IP address (guide 248, 3384). The guide calls the entries CIDR blocks and regular
 * expressions in two sentences running; they are CIDR blocks, or addresses.
 */
export interface AccessSpec {
  /** When there are any, only these may. */
  readonly whitelist?: readonly string[];
  /** These may not, white or not. */
  readonly blacklist?: readonly string[];
}

/** Entries of a list (guide 248). */
export const MOST_ACCESS_ENTRIES = 10;

/** What is wrong with access lists; undefined when nothing is. */
export function accessProblem({ whitelist = [], blacklist = [] }: AccessSpec): string | undefined {
  for (const [name, entries] of Object.entries({ whitelist, blacklist })) {
    if (entries.length > MOST_ACCESS_ENTRIES) {
      return `a ${name} has at most ${MOST_ACCESS_ENTRIES} entries, not ${entries.length}`;
    }
    const bad = entries.find((entry) => parseBlock(entry) === undefined);
    if (bad !== undefined) return `"${bad}" in the ${name} is no CIDR block, as in "10.0.0.0/8" or "2001:db8::/32"`;
  }
  return undefined;
}

/** The access lists of a service, read once. Their entries have no problem. */
export class AccessControl {
  readonly #white: readonly Block[];
  readonly #black: readonly Block[];

  constructor({ whitelist = [], blacklist = [] }: AccessSpec) {
    this.#white = whitelist.map((entry) => parseBlock(entry)!);
    this.#black = blacklist.map((entry) => parseBlock(entry)!);
  }

  /** @param clientIp undefined where the caller has none: then it is on no list */
  admits(clientIp: string | undefined): boolean {
    if (this.#white.length === 0 && this.#black.length === 0) return true;
    const address = clientIp === undefined ? undefined : parseAddress(clientIp);
    const listed = (blocks: readonly Block[]): boolean =>
      address !== undefined && blocks.some((block) => contains(block, address));
    return !listed(this.#black) && (this.#white.length === 0 || listed(this.#white));
  }
}
