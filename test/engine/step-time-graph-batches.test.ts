import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AffineModel, GraphBatches } from '../../src/engine/index.ts';

const AFFINE = new AffineModel({ prefill: { a: 10, b: 0.1, c: 0 }, decode: { a: 20, b: 0.001, c: 0.05 } });
const SIZES = [8, 1, 4, 2];

describe('captured graphs', () => {
  const model = new GraphBatches(AFFINE, SIZES);

  test('pad a decode batch to the next captured size, and leave larger ones as they are', () => {
    const millis = (sequences: number): number => model.decodeMicros!(sequences, 0, 1) / 1_000;
    expect([1, 3, 5, 8, 9].map(millis)).toEqual([20.05, 20.2, 20.4, 20.4, 20.45]);
  });

  test('leave steps that compute prompts alone', () => {
    const work = {
      sequences: 3,
      newTokens: 102,
      contextTokens: 0,
      attentionPairs: 0,
      promptSequences: 1,
      promptTokens: 100,
    };
    expect(model.stepMicros(work)).toBe(AFFINE.stepMicros(work));
  });

  test('have a closed form that is the sum of its steps', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.nat(5_000),
        fc.integer({ min: 1, max: 40 }),
        (batch, context, steps) => {
          let sum = 0;
          for (let step = 0; step < steps; step++) {
            const contextTokens = context + step * batch;
            const work = {
              sequences: batch,
              newTokens: batch,
              contextTokens,
              attentionPairs: contextTokens + batch / 2,
            };
            sum += model.stepMicros(work);
          }
          expect(model.decodeMicros!(batch, context, steps)).toBeCloseTo(sum, 3);
        },
      ),
    );
  });
});
