import { assert } from '../kernel/index.ts';
import type { Sequence } from './sequence.ts';

/** A prefix unit whose keys and values are in the cache. */
interface Unit {
  /** Sequences that use it; at 0 it stays, until its blocks are needed. */
  users: number;
}

/**
 * The paged KV cache: blocks of `blockSize` tokens. Blocks are alike, so counts are enough; only what can be shared
 * has a name.
 *
 * Prefix caching (vLLM's automatic prefix caching): a prompt is a chain of units of `unitTokens` tokens, each named
 * by the hash of everything up to its end. A unit that has been computed stays in the cache when its last user ends,
 * and is evicted, the least recently used first and a chain's tail before its head, when blocks are needed. Where
 * vLLM mixes freed blocks without a hash into the same queue, here they are taken first.
 */
export class KvCache {
  readonly total: number;
  readonly blockSize: number;
  readonly #unitTokens: number;
  readonly #unitBlocks: number;
  #unnamedFree: number;
  readonly #units = new Map<number, Unit>();
  /** Units without a user, the least recently used first. */
  readonly #idle = new Map<number, Unit>();

  /** @param unitTokens tokens of a prefix unit, a multiple of `blockSize`; 0 for no prefix caching */
  constructor(total: number, blockSize: number, unitTokens: number) {
    assert(unitTokens % blockSize === 0, `a prefix unit of ${unitTokens} tokens is no multiple of ${blockSize}`);
    this.total = total;
    this.blockSize = blockSize;
    this.#unitTokens = unitTokens;
    this.#unitBlocks = unitTokens / blockSize;
    this.#unnamedFree = total;
  }

  /** Blocks that can be had, those of idle units included. */
  get free(): number {
    return this.#unnamedFree + this.#idle.size * this.#unitBlocks;
  }

  get used(): number {
    return this.total - this.free;
  }

  /** Blocks that `tokens` take. */
  blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.blockSize);
  }

  /** Tokens at the head of the prompt that are in the cache; at least one is left to compute (vLLM's rule). */
  cachedTokens(sequence: Sequence): number {
    const { prefix } = sequence;
    if (this.#unitTokens === 0 || prefix === undefined) return 0;
    const most = Math.min(prefix.length, Math.floor((sequence.pending + sequence.computed - 1) / this.#unitTokens));
    let hits = 0;
    while (hits < most && this.#units.has(prefix[hits]!)) hits++;
    return hits * this.#unitTokens;
  }

  /** Lets a sequence that holds nothing share the units of its first `tokens` tokens. */
  share(sequence: Sequence, tokens: number): void {
    if (tokens === 0) return;
    const units = tokens / this.#unitTokens;
    for (let index = 0; index < units; index++) this.#use(sequence.prefix![index]!);
    sequence.sharedUnits = units;
    sequence.blocks = units * this.#unitBlocks;
    sequence.computed = tokens;
  }

  /** Makes a sequence's blocks enough for `tokens` tokens, or takes none. */
  reserve(sequence: Sequence, tokens: number): boolean {
    if (tokens <= sequence.blocks * this.blockSize) return true;
    const more = this.blocksFor(tokens) - sequence.blocks;
    if (more > this.free) return false;
    if (more > this.#unnamedFree) this.#evictUntilFree(more);
    this.#unnamedFree -= more;
    sequence.blocks += more;
    return true;
  }

  /** Takes the blocks of what a sequence has computed, which its plan has made sure are there, and names its units. */
  grow(sequence: Sequence): void {
    this.reserve(sequence, sequence.computed);
    this.publish(sequence);
  }

  /** Names the units of the prompt that have been computed, for others to share. */
  publish(sequence: Sequence): void {
    const { prefix } = sequence;
    if (this.#unitTokens === 0 || prefix === undefined) return;
    const prompt = Math.min(sequence.computed, sequence.promptTokens);
    const computed = Math.min(prefix.length, Math.floor(prompt / this.#unitTokens));
    while (sequence.sharedUnits < computed) {
      const hash = prefix[sequence.sharedUnits]!;
      if (this.#units.has(hash)) {
        // Somebody has computed the same meanwhile: use theirs and give the own blocks back.
        this.#use(hash);
        this.#unnamedFree += this.#unitBlocks;
      } else {
        this.#units.set(hash, { users: 1 });
      }
      sequence.sharedUnits++;
    }
  }

  /** Takes everything back from a sequence; what it shared stays in the cache. */
  release(sequence: Sequence): void {
    for (let index = sequence.sharedUnits - 1; index >= 0; index--) {
      const hash = sequence.prefix![index]!;
      const unit = this.#units.get(hash)!;
      unit.users--;
      if (unit.users === 0) this.#idle.set(hash, unit);
    }
    this.#unnamedFree += sequence.blocks - sequence.sharedUnits * this.#unitBlocks;
    sequence.sharedUnits = 0;
    sequence.blocks = 0;
    assert(this.free <= this.total, () => `more KV blocks released than taken: ${this.free} free of ${this.total}`);
  }

  #use(hash: number): void {
    const unit = this.#units.get(hash)!;
    if (unit.users === 0) this.#idle.delete(hash);
    unit.users++;
  }

  #evictUntilFree(blocks: number): void {
    for (const hash of this.#idle.keys()) {
      if (this.#unnamedFree >= blocks) return;
      this.#idle.delete(hash);
      this.#units.delete(hash);
      this.#unnamedFree += this.#unitBlocks;
    }
  }
}
