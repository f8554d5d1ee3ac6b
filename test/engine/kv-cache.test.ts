import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Sequence } from '../../src/engine/index.ts';
import { KvCache } from '../../src/engine/kv-cache.ts';

const BLOCK = 4;
const UNIT_BLOCKS = 2;
const UNIT = BLOCK * UNIT_BLOCKS;
const TOTAL = 40;
const BRANCHES = 2;

/** What happens to the cache: a prompt along a path of the tree of prefixes begins, one goes on, one ends. */
type Deed =
  | { readonly kind: 'begin'; readonly path: readonly number[]; readonly more: number; readonly chunk: number }
  | { readonly kind: 'go on'; readonly who: number; readonly tokens: number }
  | { readonly kind: 'end'; readonly who: number };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({
    kind: fc.constant('begin' as const),
    path: fc.array(fc.nat(BRANCHES - 1), { maxLength: 4 }),
    more: fc.nat(UNIT - 1),
    chunk: fc.integer({ min: 1, max: 5 * UNIT }),
  }),
  fc.record({ kind: fc.constant('go on' as const), who: fc.nat(20), tokens: fc.integer({ min: 1, max: 2 * UNIT }) }),
  fc.record({ kind: fc.constant('end' as const), who: fc.nat(20) }),
);

const deeds = fc.array(deed, { maxLength: 60, size: 'max' });

/** One number for everything up to the end of a unit. */
function hashes(path: readonly number[]): number[] {
  let hash = 1;
  return path.map((branch) => (hash = hash * BRANCHES + branch));
}

/** All units that there can be, with the path to each. */
const paths: number[][] = [[]];
for (let at = 0; at < paths.length; at++) {
  if (paths[at]!.length < 4) for (let branch = 0; branch < BRANCHES; branch++) paths.push([...paths[at]!, branch]);
}
const UNITS = paths.slice(1).map((path) => ({ path, hash: hashes(path).at(-1)! }));

/** A cache, those who hold some of it, and what a reader of the rules would expect of it. */
class Story {
  readonly cache = new KvCache(TOTAL, BLOCK, UNIT);
  readonly running: Sequence[] = [];
  /** When a unit was last given up, by hash: later numbers are later, and a chain's tail goes before its head. */
  readonly givenUp = new Map<number, number>();
  /** Blocks that the last deed took. */
  taken = 0;
  #moment = 0;

  found({ path }: { readonly path: readonly number[] }): boolean {
    const probe = new Sequence({ request: 0, promptTokens: 9 * UNIT, outputTokens: 1, prefix: hashes(path) });
    return this.cache.cachedTokens(probe) === path.length * UNIT;
  }

  foundUnits(): Set<number> {
    return new Set(UNITS.filter((unit) => this.found(unit)).map(({ hash }) => hash));
  }

  unitsInUse(): Set<number> {
    return new Set(this.running.flatMap(({ prefix, sharedUnits }) => prefix!.slice(0, sharedUnits)));
  }

  do(deed: Deed): void {
    this.taken = 0;
    if (deed.kind === 'begin') {
      this.#begin(deed);
      return;
    }
    const sequence = this.running[deed.who % Math.max(1, this.running.length)];
    if (sequence === undefined) return;
    if (deed.kind === 'end') this.#end(sequence);
    else this.#compute(sequence, deed.tokens);
  }

  endAll(): void {
    for (const sequence of [...this.running]) this.#end(sequence);
  }

  #begin({ path, more, chunk }: Deed & { kind: 'begin' }): void {
    const promptTokens = Math.max(1, path.length * UNIT + more);
    const sequence = new Sequence({ request: 0, promptTokens, outputTokens: 1_000, prefix: hashes(path) });
    this.cache.share(sequence, this.cache.cachedTokens(sequence));
    expect(sequence.pending).toBeGreaterThanOrEqual(1);
    this.running.push(sequence);
    this.#compute(sequence, Math.min(chunk, sequence.pending));
  }

  #compute(sequence: Sequence, tokens: number): void {
    const { free } = this.cache;
    const had = sequence.blocks;
    const got = this.cache.reserve(sequence, sequence.computed + tokens);
    expect(got).toBe(Math.ceil((sequence.computed + tokens) / BLOCK) - had <= free);
    if (!got) {
      expect([sequence.blocks, this.cache.free]).toEqual([had, free]);
      this.#end(sequence);
      return;
    }
    this.taken = sequence.blocks - had;
    sequence.computed += tokens;
    this.cache.publish(sequence);
  }

  #end(sequence: Sequence): void {
    this.running.splice(this.running.indexOf(sequence), 1);
    const mine = sequence.prefix!.slice(0, sequence.sharedUnits);
    this.cache.release(sequence);
    const used = this.unitsInUse();
    for (const hash of mine.toReversed()) if (!used.has(hash)) this.givenUp.set(hash, this.#moment++);
  }
}

function forEachDeed(look: (story: Story, before: Set<number>) => void, after?: (story: Story) => void): void {
  fc.assert(
    fc.property(deeds, (told) => {
      const story = new Story();
      for (const each of told) {
        const before = story.foundUnits();
        story.do(each);
        look(story, before);
      }
      after?.(story);
    }),
    { numRuns: 200 },
  );
}

describe('the KV cache, whoever shares it', () => {
  test('blocks are conserved: those in use are what sequences have alone and each shared unit once', () => {
    forEachDeed((story) => {
      const { cache, running } = story;
      const alone = running.reduce((sum, { blocks, sharedUnits }) => sum + blocks - sharedUnits * UNIT_BLOCKS, 0);
      const shared = story.unitsInUse().size * UNIT_BLOCKS;
      expect(cache.used).toBe(alone + shared);
      expect(cache.free + cache.used).toBe(TOTAL);
      expect(cache.free).toBeGreaterThanOrEqual(0);
    });
  });

  test('all blocks are free when nobody holds any, and the units that nobody uses are still found', () => {
    forEachDeed(
      () => {},
      (story) => {
        const found = story.foundUnits();
        story.endAll();
        expect(story.cache.free).toBe(TOTAL);
        expect(story.foundUnits()).toEqual(found);
      },
    );
  });

  test('a unit in use is always found', () => {
    forEachDeed((story) => {
      const found = story.foundUnits();
      for (const hash of story.unitsInUse()) expect(found).toContain(hash);
    });
  });

  test('what goes was used by nobody and less recently than all that stays unused; a tail goes before its head', () => {
    let evictions = 0;
    forEachDeed((story, before) => {
      const now = story.foundUnits();
      const used = story.unitsInUse();
      const gone = [...before].filter((hash) => !now.has(hash));
      const idle = [...now].filter((hash) => !used.has(hash) && before.has(hash));
      const lastGone = Math.max(-1, ...gone.map((hash) => story.givenUp.get(hash)!));
      for (const hash of idle) expect(story.givenUp.get(hash)).toBeGreaterThan(lastGone);
      for (const hash of gone) expect(story.givenUp.has(hash)).toBe(true);
      expect(gone.length).toBeLessThanOrEqual(Math.ceil(story.taken / UNIT_BLOCKS));
      evictions += gone.length;
    });
    expect(evictions).toBeGreaterThan(20);
  });

  test('nothing goes while blocks without a name are enough', () => {
    const story = new Story();
    story.do({ kind: 'begin', path: [0, 0], more: 1, chunk: 100 });
    story.endAll();
    story.do({ kind: 'begin', path: [], more: 1, chunk: 1 });
    story.do({ kind: 'go on', who: 0, tokens: (TOTAL - 2 * UNIT_BLOCKS) * BLOCK - 1 });
    expect(story.cache.free).toBe(2 * UNIT_BLOCKS);
    expect(story.found({ path: [0, 0] })).toBe(true);
    story.do({ kind: 'go on', who: 0, tokens: 1 });
    expect(story.found({ path: [0, 0] })).toBe(false);
    expect(story.found({ path: [0] })).toBe(true);
  });

  test('at least one token is left to compute, though the whole prompt is in the cache', () => {
    const story = new Story();
    story.do({ kind: 'begin', path: [0, 1], more: 0, chunk: 100 });
    const same = new Sequence({ request: 1, promptTokens: 2 * UNIT, outputTokens: 1, prefix: hashes([0, 1]) });
    expect(story.cache.cachedTokens(same)).toBe(UNIT);
  });

  test('of two who compute the same at once, one gives its own blocks back', () => {
    const story = new Story();
    const begin: Deed = { kind: 'begin', path: [0, 1], more: 1, chunk: 1 };
    story.do(begin);
    story.do(begin);
    for (const who of [0, 1]) story.do({ kind: 'go on', who, tokens: 2 * UNIT });
    expect(story.cache.used).toBe(2 * UNIT_BLOCKS + 2);
  });
});
