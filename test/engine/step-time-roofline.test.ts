import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accelerator, checkpointOf, MODELS, model } from '../../src/catalog/index.ts';
import {
  kvBytesPerToken,
  type Parallelism,
  RooflineModel,
  type StepWork,
  weightBytes,
} from '../../src/engine/index.ts';
import { IDEAL } from '../support/ideal-scalars.ts';

const H100 = accelerator('h100');

const ideal = (id: string, parallelism: Parallelism = { devices: 1 }, scalars = IDEAL): RooflineModel =>
  new RooflineModel(model(id), H100, scalars, parallelism);

function decode(sequences: number, contextTokens: number): StepWork {
  return { sequences, newTokens: sequences, contextTokens, attentionPairs: contextTokens + sequences / 2 };
}

function prompt(tokens: number, cached = 0): StepWork {
  const pairs = tokens * (cached + tokens / 2);
  return {
    sequences: 1,
    newTokens: tokens,
    contextTokens: cached,
    attentionPairs: pairs,
    promptSequences: 1,
    promptTokens: tokens,
    promptContext: cached,
    promptPairs: pairs,
  };
}

/** Work of both kinds. */
function together(a: StepWork, b: StepWork): StepWork {
  const sum: StepWork = { ...a };
  for (const key of Object.keys(b) as (keyof StepWork)[]) sum[key] = (a[key] ?? 0) + b[key]!;
  return sum;
}

describe('a step of the roofline', () => {
  test('of one sequence of a dense model takes the time of reading its weights once', () => {
    const llama = model('llama-3.1-8b');
    const read = ((weightBytes(llama) - 2 * llama.embeddingParameters) / H100.memoryBandwidth) * 1e6;
    const step = ideal('llama-3.1-8b').stepMicros(decode(1, 1));
    expect(step / read).toBeGreaterThan(1);
    expect(step / read).toBeLessThan(1.01);
  });

  test('of a long prompt takes the time of its multiplications', () => {
    const llama = model('llama-3.1-8b');
    const tokens = 8_192;
    const linear = 2 * tokens * (llama.attentionParameters + llama.mlpParameters);
    const attention = 2 * llama.layers * llama.heads * llama.headDim * tokens ** 2;
    const expected = ((linear + attention) / H100.flops) * 1e6;
    expect(ideal('llama-3.1-8b').stepMicros(prompt(tokens)) / expected).toBeCloseTo(1, 2);
  });

  test('never takes less than either side of its roofline, nor more than a fifth above the larger', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4_096 }), (tokens) => {
        const llama = model('llama-3.1-8b');
        const step = ideal('llama-3.1-8b').stepMicros(prompt(tokens));
        const attention = (2 * llama.layers * llama.heads * llama.headDim * tokens ** 2 * 1e6) / H100.flops;
        const compute = (2 * tokens * (llama.attentionParameters + llama.mlpParameters) * 1e6) / H100.flops;
        const memory = ((weightBytes(llama) - 2 * llama.embeddingParameters) * 1e6) / H100.memoryBandwidth;
        const linear = step - attention;
        expect(linear).toBeGreaterThanOrEqual(Math.max(compute, memory) * (1 - 1e-9));
        expect(linear).toBeLessThan(1.2 * Math.max(compute, memory));
      }),
    );
  });

  test('of a model with experts touches between top-k and all of them', () => {
    const qwen = model('qwen3-30b-a3b');
    const { count, topK } = qwen.experts!;
    const one = qwen.expertLayers * qwen.expertParameters * 2;
    // Compute free of charge: what remains above a dense step is expert weights.
    const free = { ...IDEAL, compute: 1e9, expertCompute: 1e9 };
    const shared = ((qwen.attentionParameters + qwen.headParameters) * 2) / H100.memoryBandwidth;
    const touched = (sequences: number): number => {
      const step = ideal('qwen3-30b-a3b', { devices: 1 }, free).stepMicros(decode(sequences, 0)) / 1e6;
      return ((step - shared) * H100.memoryBandwidth) / one;
    };
    expect(touched(1)).toBeCloseTo(topK, 6);
    expect(touched(16)).toBeGreaterThan(topK);
    expect(touched(16)).toBeLessThan(16 * topK);
    expect(touched(10_000)).toBeCloseTo(count, 3);
  });

  test('reads 576 L c bytes of a token of latent context, on every device of the group', () => {
    const deepseek = model('deepseek-v3');
    const slope = (devices: number): number => {
      const steps = ideal('deepseek-v3', { devices });
      return (steps.stepMicros(decode(1, 100_000)) - steps.stepMicros(decode(1, 0))) / 100_000;
    };
    expect(kvBytesPerToken(deepseek)).toBe(576 * deepseek.layers * 2);
    const read = (kvBytesPerToken(deepseek) / H100.memoryBandwidth) * 1e6;
    expect(slope(8)).toBeCloseTo(read, 6);
  });

  test('reads keys and values on each device that has a head, and no faster once heads are replicated', () => {
    const slope = (devices: number): number => {
      const steps = ideal('qwen2.5-7b', { devices });
      return (steps.stepMicros(decode(1, 100_000)) - steps.stepMicros(decode(1, 0))) / 100_000;
    };
    expect(slope(4)).toBeCloseTo(slope(1) / 4, 9);
    expect(slope(8)).toBeCloseTo(slope(4), 9);
  });

  test('reads at most the window on the layers that have one', () => {
    const steps = ideal('gpt-oss-120b');
    const slope = (from: number, to: number): number =>
      (steps.stepMicros(decode(1, to)) - steps.stepMicros(decode(1, from))) / (to - from);
    expect(slope(1_000, 2_000)).toBeCloseTo(slope(0, 100) / 2, 9);
  });

  test('with data-parallel attention costs a rank its own sequences alone', () => {
    const one = ideal('deepseek-v3', { devices: 8, attentionRanks: 8 });
    const contexts = (sequences: number): number =>
      one.decodeMicros(sequences, sequences * 4_000, 1) - one.decodeMicros(sequences, 0, 1);
    expect(contexts(8)).toBeCloseTo(contexts(1), 6);
    expect(contexts(9)).toBeCloseTo(2 * contexts(8), 6);
  });

  test('of prompts and decoding together takes no less than either, and no more than both', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...MODELS.map(({ id }) => id)),
        fc.integer({ min: 2, max: 8_192 }),
        fc.integer({ min: 1, max: 256 }),
        fc.integer({ min: 1, max: 4_000 }),
        (id, tokens, sequences, context) => {
          const steps = ideal(id, { devices: 8 });
          const [a, b] = [prompt(tokens), decode(sequences, sequences * context)];
          const both = steps.stepMicros(together(a, b));
          expect(both).toBeGreaterThanOrEqual(Math.max(steps.stepMicros(a), steps.stepMicros(b)) * (1 - 1e-9));
          expect(both).toBeLessThanOrEqual((steps.stepMicros(a) + steps.stepMicros(b)) * (1 + 1e-9));
        },
      ),
    );
  });

  test('with drafts costs the drafts, and less than as many steps', () => {
    const steps = ideal('deepseek-v3', { devices: 8 });
    const verify: StepWork = { sequences: 4, newTokens: 16, contextTokens: 4_000, attentionPairs: 16_032 };
    expect(steps.stepMicros(verify)).toBeGreaterThan(steps.stepMicros(decode(4, 4_000)));
    expect(steps.stepMicros(verify)).toBeLessThan(4 * steps.stepMicros(decode(4, 4_000)));
  });

  test('of narrower weights is shorter', () => {
    const llama = model('llama-3.1-70b');
    const at = (precision: 'bf16' | 'fp8'): number =>
      new RooflineModel(llama, H100, IDEAL, { devices: 4 }, checkpointOf(llama, precision)).decodeMicros(8, 8_000, 1);
    expect(at('fp8')).toBeLessThan(0.6 * at('bf16'));
  });
});
