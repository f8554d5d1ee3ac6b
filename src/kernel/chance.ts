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
    const generator = xoroshiro128plus(seedOf(this.seed, name));
    const stream = (): number => uniformFloat64(generator);
    this.#streams.set(name, stream);
    return stream;
  }
}

/** A 32-bit seed for one name under one seed. */
export function seedOf(seed: number, name: string): number {
  const digest = sha256(utf8ToBytes(`${seed}/${name}`));
  return new DataView(digest.buffer).getInt32(0);
}
