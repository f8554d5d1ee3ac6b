import { type AccessSpec, type Block, contains, parseAddress, parseBlock } from '../platform/index.ts';

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
