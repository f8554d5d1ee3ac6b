import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EngineSpec, Speculation } from '../../src/engine/index.ts';
import { STORY_MICROS, tightSpec } from '../support/engine-run.ts';
import { constantSteps, type Sent, serve } from '../support/serve.ts';

const roomy = (speculation?: Speculation): EngineSpec => ({
  maxNumSeqs: 8,
  maxNumBatchedTokens: 1_000,
  blockSize: 16,
  kvBlocks: 100_000,
  maxModelLen: 100_000,
  stepTime: constantSteps(10),
  ...(speculation === undefined ? {} : { speculation }),
});

/** Tokens that came together, step by step. */
function bursts(tokenTimes: readonly number[]): number[] {
  const sizes: number[] = [];
  for (const [index, time] of tokenTimes.entries()) {
    if (index > 0 && time === tokenTimes[index - 1]) sizes[sizes.length - 1]!++;
    else sizes.push(1);
  }
  return sizes;
}

const speculation: fc.Arbitrary<Speculation> = fc.record({
  draftTokens: fc.integer({ min: 1, max: 6 }),
  acceptance: fc.double({ min: 0, max: 1, noNaN: true }),
});

const sent: fc.Arbitrary<Sent[]> = fc.array(
  fc.record({
    at: fc.nat(STORY_MICROS),
    promptTokens: fc.integer({ min: 1, max: 40 }),
    outputTokens: fc.integer({ min: 1, max: 30 }),
    watched: fc.constant(true),
  }),
  { minLength: 1, maxLength: 20, size: 'max' },
);

describe('speculative decoding', () => {
  const grid = [1, 3, 5].flatMap((drafts) => [0.2, 0.6, 0.9].map((acceptance) => [drafts, acceptance] as const));

  test.each(grid)('%i drafts of which each is accepted at %d give (1 - a^(k+1)) / (1 - a) tokens a step', (k, a) => {
    const asked = { at: 0, promptTokens: 10, outputTokens: 60_000, watched: true };
    const { served } = serve(roomy({ draftTokens: k, acceptance: a }), [asked]);
    // The first comes with the prompt, and the last step may be cut.
    const sizes = bursts(served[0]!.sequence.tokenTimes!).slice(1, -1);
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    const variance = sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / (sizes.length - 1);
    const expected = (1 - a ** (k + 1)) / (1 - a);
    // 99.7 %: nine of these run, always with the same draws.
    expect(Math.abs(mean - expected)).toBeLessThan(3 * Math.sqrt(variance / sizes.length));
  });

  test('gives everybody as many tokens as asked for, none before its time, whatever is drawn', () => {
    fc.assert(
      fc.property(tightSpec(fc.constant(constantSteps(7))), speculation, sent, (plain, drafts, asks) => {
        const { served, engine } = serve({ ...plain, speculation: drafts }, asks);
        for (const { sequence, ends } of served) {
          expect(ends).toEqual(['finished']);
          expect(sequence.tokenTimes!.length).toBe(sequence.outputTokens);
          for (const size of bursts(sequence.tokenTimes!)) expect(size).toBeLessThanOrEqual(1 + drafts.draftTokens);
        }
        expect(engine.figures()).toMatchObject({ running: 0, waiting: 0, kvBlocksUsed: 0 });
      }),
    );
  });

  test('with no draft ever accepted gives the tokens that no speculation gives, when it gives them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), sent, (draftTokens, asks) => {
        const times = (spec: EngineSpec) => serve(spec, asks).served.map(({ sequence }) => sequence.tokenTimes);
        expect(times(roomy({ draftTokens, acceptance: 0 }))).toEqual(times(roomy()));
      }),
    );
  });

  test('with every draft accepted gives all of them in each step', () => {
    const asked = { at: 0, promptTokens: 10, outputTokens: 17, watched: true };
    const { served } = serve(roomy({ draftTokens: 3, acceptance: 1 }), [asked]);
    expect(bursts(served[0]!.sequence.tokenTimes!)).toEqual([1, 4, 4, 4, 4]);
  });

  test('what is drawn for a sequence does not depend on who else runs', () => {
    fc.assert(
      fc.property(speculation, sent, (drafts, asks) => {
        const asked = { at: 100, promptTokens: 5, outputTokens: 200, watched: true };
        const ofFirst = (all: Sent[]) => bursts(serve(roomy(drafts), all).served[0]!.sequence.tokenTimes!);
        expect(ofFirst([asked, ...asks])).toEqual(ofFirst([asked]));
      }),
    );
  });
});
