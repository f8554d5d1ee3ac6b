import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EngineSpec } from '../../src/engine/index.ts';
import { integerModel } from '../support/engine-run.ts';
import { p50, type Sent, serve, ttfts } from '../support/serve.ts';

const UNIT = 16;

const engine = (overrides: Partial<EngineSpec> = {}): EngineSpec => ({
  maxNumSeqs: 8,
  maxNumBatchedTokens: 64,
  blockSize: 4,
  kvBlocks: 200,
  maxModelLen: 200,
  prefixUnitTokens: UNIT,
  stepTime: integerModel(50, 10, 0),
  ...overrides,
});

/** A prompt that begins like all others of its family. */
function ask(at: number, family: number, units: number, more: number, outputTokens: number): Sent {
  const prefix = Array.from({ length: units }, (_, index) => family * 100 + index);
  return { at, promptTokens: units * UNIT + more, outputTokens, prefix, watched: true };
}

/** Prompts of a few families that begin alike, over some milliseconds. */
const workload = fc.array(
  fc
    .tuple(
      fc.nat(20_000),
      fc.nat(3),
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 40 }),
    )
    .map((each) => ask(...each)),
  { minLength: 1, maxLength: 30, size: 'max' },
);

/** As few blocks as the longest sequence needs, and some. */
const tight = engine({ kvBlocks: 45, maxModelLen: 156 });

describe('an engine that caches prefixes', () => {
  test('computes only what is not in the cache: the second prompt that begins alike has its first token sooner', () => {
    const sent = [ask(0, 1, 3, 4, 1), ask(10_000, 1, 3, 4, 1), ask(20_000, 2, 3, 4, 1)];
    const { served, engine: ran } = serve(engine(), sent);
    // 50 µs a step and 10 µs a token: 52 tokens of a new prompt, 4 of a known one.
    expect(ttfts(served)).toEqual([570, 90, 570]);
    expect(ran.figures()).toMatchObject({ prefixQueries: 3 * 52, prefixHits: 48, kvBlocksUsed: 0 });
  });

  test('recomputes the last unit of a prompt that is all in the cache', () => {
    const sent = [ask(0, 1, 3, 0, 1), ask(10_000, 1, 3, 0, 1)];
    const { served, engine: ran } = serve(engine(), sent);
    expect(ttfts(served)).toEqual([530, 210]);
    expect(ran.figures().prefixHits).toBe(2 * UNIT);
  });

  test('counts as hits no more than it looked up, and nothing where no prefix is told', () => {
    fc.assert(
      fc.property(workload, (sent) => {
        const { prefixHits, prefixQueries } = serve(engine(), sent).engine.figures();
        expect(prefixQueries).toBe(sent.reduce((sum, { promptTokens }) => sum + promptTokens, 0));
        expect(prefixHits).toBeLessThan(prefixQueries);
        expect(prefixHits % UNIT).toBe(0);
        const untold = sent.map(({ prefix: _, ...rest }) => rest);
        expect(serve(engine(), untold).engine.figures()).toMatchObject({ prefixHits: 0, prefixQueries: 0 });
      }),
    );
  });

  test('gives everybody all tokens and one end, under preemption too, and has all blocks back', () => {
    let preemptions = 0;
    fc.assert(
      fc.property(workload, (sent) => {
        const { served, engine: ran } = serve(tight, sent);
        for (const { sequence, ends } of served) {
          expect(ends).toEqual(['finished']);
          expect(sequence.tokenTimes!.length).toBe(sequence.outputTokens);
        }
        expect(ran.figures()).toMatchObject({ running: 0, waiting: 0, kvBlocksUsed: 0 });
        preemptions += ran.figures().preemptions;
      }),
    );
    expect(preemptions).toBeGreaterThan(0);
  });

  test('never gives a shared-prefix workload a worse median TTFT than without the cache', () => {
    const shared = fc.array(
      fc.tuple(fc.nat(60_000), fc.nat(1), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 40 })),
      { minLength: 20, maxLength: 60, size: 'max' },
    );
    fc.assert(
      fc.property(shared, (told) => {
        const sent = told.map(([at, family, more, outputTokens]) => ask(at, family, 6, more, outputTokens));
        const { prefixUnitTokens: _, ...without } = engine();
        expect(p50(ttfts(serve(engine(), sent).served))).toBeLessThanOrEqual(p50(ttfts(serve(without, sent).served)));
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});
