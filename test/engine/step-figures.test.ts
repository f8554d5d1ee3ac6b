import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EngineCounters } from '../../src/engine/counters.ts';
import { micros } from '../../src/kernel/index.ts';
import { VLLM_BUCKETS } from '../../src/protocol/index.ts';
import { Histogram } from '../../src/telemetry/index.ts';
import { type Heard, runEngine, STORY_MICROS, story } from '../support/engine-run.ts';
import { constantSteps, serve } from '../support/serve.ts';

/** What a step-by-step count of all that had left by a moment says; steps of one engine never end together. */
function countedBySteps(heard: readonly Heard[], by: number): Histogram {
  const steps = new Map<number, number>();
  for (const { sequence } of heard) {
    for (const [index, time] of sequence.tokenTimes!.entries()) {
      if (time > by) continue;
      steps.set(time, (steps.get(time) ?? 0) + 1 + (index === 0 ? sequence.promptTokens : 0));
    }
  }
  const histogram = new Histogram(VLLM_BUCKETS.iterationTokens);
  for (const tokens of steps.values()) histogram.observe(tokens);
  return histogram;
}

describe('tokens a step', () => {
  test('are at every moment what counting step by step gives', () => {
    const moments = fc.array(fc.nat(3 * STORY_MICROS), { maxLength: 30 });
    fc.assert(
      fc.property(story(), moments, (told, asked) => {
        const watched = { ...told, arrivals: told.arrivals.map((arrival) => ({ ...arrival, watched: true })) };
        const seen: { at: number; counts: readonly number[]; sum: number }[] = [];
        const { heard, engine, kernel } = runEngine(watched, {
          moments: asked,
          look(engine, kernel) {
            const { counts, sum } = engine.stepFigures().tokens;
            seen.push({ at: kernel.now, counts: [...counts], sum });
          },
        });
        seen.push({ at: kernel.now, ...engine.stepFigures().tokens });
        for (const { at, counts, sum } of seen) {
          const expected = countedBySteps(heard, at);
          expect({ counts, sum }).toEqual({ counts: expected.counts, sum: expected.sum });
        }
      }),
    );
  });

  test("are in the buckets of vLLM's bounds, whatever a step comes to", () => {
    const prompts = [1, ...VLLM_BUCKETS.iterationTokens.flatMap((bound) => [bound - 1, bound, bound + 1]), 60_000];
    const counters = new EngineCounters(micros(0), undefined);
    const expected = new Histogram(VLLM_BUCKETS.iterationTokens);
    for (const tokens of prompts.filter((each) => each > 0)) {
      counters.countSteps(1, 1, tokens);
      expected.observe(1 + tokens);
      counters.countSteps(3, 3 * tokens, 0);
      expected.observe(tokens, 3);
    }
    expect(counters.stepFigures(0, 0).tokens).toEqual({ counts: expected.counts, sum: expected.sum });
  });

  test('add up to the prompts and the answers of all that have been served', () => {
    const { served, engine } = serve(SPEC, [
      { at: 0, promptTokens: 300, outputTokens: 20, watched: false },
      { at: 5, promptTokens: 40, outputTokens: 1, watched: false },
    ]);
    expect(served.flatMap(({ ends }) => ends)).toEqual(['finished', 'finished']);
    expect(engine.stepFigures().tokens.sum).toBe(300 + 20 + 40 + 1);
  });
});

/** Tokens that came together, step by step. */
function bursts(tokenTimes: readonly number[]): number[] {
  const sizes = new Map<number, number>();
  for (const time of tokenTimes) sizes.set(time, (sizes.get(time) ?? 0) + 1);
  return [...sizes.values()];
}

describe('drafts', () => {
  test('are counted as what came of them: a verified step emits one token and those accepted', () => {
    const speculation = fc.record({
      draftTokens: fc.integer({ min: 1, max: 6 }),
      acceptance: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(speculation, fc.integer({ min: 1, max: 60 }), (drafted, outputTokens) => {
        const asked = { at: 0, promptTokens: 10, outputTokens, watched: true };
        const { served, engine } = serve({ ...SPEC, speculation: drafted }, [asked]);
        const steps = bursts(served[0]!.sequence.tokenTimes!).slice(1);
        const { drafts, draftTokens } = engine.stepFigures();
        const accepted = steps.reduce((sum, tokens) => sum + tokens - 1, 0);
        expect(drafts).toHaveLength(drafted.draftTokens + 1);
        expect(drafts.reduce((sum, count, tokens) => sum + count * tokens, 0)).toBe(accepted);
        // The last token needs no draft.
        expect(drafts.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(steps.length - 1);
        expect(draftTokens).toBeGreaterThanOrEqual(accepted);
        expect(draftTokens).toBeLessThanOrEqual(steps.length * drafted.draftTokens);
      }),
    );
  });

  test('come to none where nothing is drafted', () => {
    const { engine } = serve(SPEC, [{ at: 0, promptTokens: 10, outputTokens: 20, watched: false }]);
    expect(engine.stepFigures()).toMatchObject({ draftTokens: 0, drafts: [0] });
  });
});

const SPEC = {
  maxNumSeqs: 8,
  maxNumBatchedTokens: 100,
  blockSize: 16,
  kvBlocks: 1_000,
  maxModelLen: 1_000,
  stepTime: constantSteps(10),
};
