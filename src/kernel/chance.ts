import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A source of uniform numbers in [0, 1). */
export type Uniform = () => number;

/**
 * Chance by purpose: one seed, one independent stream per name, so that a new consumer shifts nobody else's draws.
 * A stream is named after what it decides, for example `arrivals/chat`.
 */
export class Chance {
  readonly seed: number;
  readonly #streams = new Map<string, Uniform>();

  constructor(seed: number) {
    this.seed = seed;
  }

  /** The stream of that name; asking again goes on where it stands. */
  stream(name: string): Uniform {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const stream = uniform(seedOf(this.seed, name));
    this.#streams.set(name, stream);
    return stream;
  }
}

/** A source of its own, from a 32-bit seed. */
export function uniform(seed: number): Uniform {
  const generator = xoroshiro128plus(seed);
  return () => uniformFloat64(generator);
}

/** A 32-bit seed for one name under one seed. */
export function seedOf(seed: number, name: string): number {
  const digest = sha256(utf8ToBytes(`${seed}/${name}`));
  return new DataView(digest.buffer).getInt32(0);
}

/**
 * A uniform number in [0, 1) that is a function of what it is for, not of what was drawn before: the `n`-th draw for
 * `subject`. MurmurHash3's 32-bit mixing (Appleby, public domain).
 */
export function counted(seed: number, subject: number, n: number): number {
  let hash = seed | 0;
  for (const word of [subject | 0, n | 0]) {
    let mixed = Math.imul(word, 0xcc9e2d51);
    mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    hash ^= mixed;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
