import { assert } from '../kernel/index.ts';

/** The paged KV cache: a number of blocks of `blockSize` tokens each. Blocks are alike, so counts are enough. */
export class BlockPool {
  readonly total: number;
  readonly blockSize: number;
  #free: number;

  constructor(total: number, blockSize: number) {
    this.total = total;
    this.blockSize = blockSize;
    this.#free = total;
  }

  get free(): number {
    return this.#free;
  }

  get used(): number {
    return this.total - this.#free;
  }

  /** Blocks that `tokens` take. */
  blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.blockSize);
  }

  /** Takes blocks, all or none. */
  take(blocks: number): boolean {
    if (blocks > this.#free) return false;
    this.#free -= blocks;
    return true;
  }

  release(blocks: number): void {
    this.#free += blocks;
    assert(this.#free <= this.total, `more KV blocks released than taken: ${this.#free} free of ${this.total}`);
  }
}
