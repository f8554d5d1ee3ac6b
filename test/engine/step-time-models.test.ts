import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accelerator, model, stepTimeFit } from '../../src/catalog/index.ts';
import {
  AffineModel,
  DistributionModel,
  ProfileModel,
  RooflineModel,
  type StepTimeModel,
  type StepWork,
} from '../../src/engine/index.ts';

function decode(sequences: number, contextTokens: number): StepWork {
  return { sequences, newTokens: sequences, contextTokens, attentionPairs: contextTokens + sequences / 2 };
}

function prompt(tokens: number, cached = 0): StepWork {
  const pairs = tokens * (cached + tokens / 2);
  const parts = { promptSequences: 1, promptTokens: tokens, promptContext: cached, promptPairs: pairs };
  return { sequences: 1, newTokens: tokens, contextTokens: cached, attentionPairs: pairs, ...parts };
}

describe("DistServe's coefficients", () => {
  /** OPT-13B on one A100. */
  const opt = new AffineModel({
    prefill: { a: 18.1025, b: 0.101912, c: 7.1223e-6 },
    decode: { a: 19.9347, b: 6.2694e-4, c: 0.038507 },
    decodeLarge: { a: 7.1662, b: 5.798e-4, c: 0.158311 },
  });

  test('give a prompt a + b n + c n², and chunks of it the same squares', () => {
    expect(opt.stepMicros(prompt(512)) / 1e3).toBeCloseTo(18.1025 + 0.101912 * 512 + 7.1223e-6 * 512 ** 2);
    const halves = opt.stepMicros(prompt(256)) + opt.stepMicros(prompt(256, 256));
    expect((halves - opt.stepMicros(prompt(512))) / 1e3).toBeCloseTo(18.1025);
  });

  test('have two regimes of decoding, that meet above 95 sequences', () => {
    expect(opt.stepMicros(decode(95, 10_000)) / 1e3).toBeCloseTo(19.9347 + 6.2694 + 0.038507 * 95);
    expect(opt.stepMicros(decode(96, 10_000)) / 1e3).toBeCloseTo(7.1662 + 5.798 + 0.158311 * 96);
  });

  test('have a closed form that is the sum of their steps', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.nat(100_000),
        fc.integer({ min: 1, max: 300 }),
        (b, c, steps) => {
          let sum = 0;
          for (let step = 0; step < steps; step++) sum += opt.stepMicros(decode(b, c + step * b));
          expect(Math.abs(opt.decodeMicros(b, c, steps) / sum - 1)).toBeLessThan(1e-9);
        },
      ),
    );
  });
});

describe('a measured profile', () => {
  const llama = model('llama-3.1-8b');
  const h100 = accelerator('h100');
  const { scalars } = stepTimeFit({ accelerator: h100, engine: 'vllm', precision: 'bf16', model: llama });
  const base: StepTimeModel = new RooflineModel(llama, h100, scalars, { devices: 1 });
  const profile = new ProfileModel(base, [
    { promptTokens: 2_048, ms: 90 },
    { promptTokens: 512, ms: 30 },
    { batch: 1, context: 1_000, ms: 9 },
    { batch: 1, context: 8_000, ms: 11 },
    { batch: 64, context: 1_000, ms: 15 },
  ]);

  test('is exact at its points', () => {
    expect(profile.stepMicros(prompt(2_048))).toBeCloseTo(90_000, 6);
    expect(profile.stepMicros(prompt(512))).toBeCloseTo(30_000, 6);
    expect(profile.stepMicros(decode(1, 1_000))).toBeCloseTo(9_000, 6);
    expect(profile.stepMicros(decode(1, 8_000))).toBeCloseTo(11_000, 6);
    expect(profile.stepMicros(decode(64, 64_000))).toBeCloseTo(15_000, 6);
  });

  test("goes on with the boundary's utilisation beyond them", () => {
    const use = base.stepMicros(prompt(2_048)) / 90_000;
    expect(base.stepMicros(prompt(8_192)) / profile.stepMicros(prompt(8_192))).toBeCloseTo(use, 9);
  });

  test('keeps the utilisation between that of its neighbours', () => {
    const use = (work: StepWork): number => base.stepMicros(work) / profile.stepMicros(work);
    const ends = [use(decode(1, 1_000)), use(decode(64, 64_000))].sort((a, b) => a - b);
    for (const batch of [2, 8, 32]) {
      expect(use(decode(batch, batch * 1_000))).toBeGreaterThanOrEqual(ends[0]! - 1e-12);
      expect(use(decode(batch, batch * 1_000))).toBeLessThanOrEqual(ends[1]! + 1e-12);
    }
  });

  test('without points of a kind leaves that kind as it is', () => {
    const prompts = new ProfileModel(base, [{ promptTokens: 512, ms: 30 }]);
    expect(prompts.stepMicros(decode(8, 8_000))).toBe(base.stepMicros(decode(8, 8_000)));
  });
});

describe('a distribution of step times', () => {
  test('draws the same for the same step, whoever asks and in whatever order', () => {
    const model = new DistributionModel(7, { medianMs: 300, sigma: 0.3 }, { medianMs: 20, sigma: 0.2 });
    const works = Array.from({ length: 50 }, (_, index) => decode(1 + (index % 4), 100 + index));
    const there = works.map((work) => model.stepMicros(work));
    expect(works.toReversed().map((work) => model.stepMicros(work))).toEqual(there.toReversed());
    expect(new Set(there).size).toBe(there.length);
  });

  test('has the median and the spread asked for', () => {
    const model = new DistributionModel(1, { medianMs: 300, sigma: 0.3 }, { medianMs: 20, sigma: 0.2 });
    const logs = Array.from({ length: 20_000 }, (_, index) => Math.log(model.stepMicros(decode(1, index)) / 20_000));
    const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length;
    const spread = Math.sqrt(logs.reduce((sum, each) => sum + (each - mean) ** 2, 0) / logs.length);
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(Math.abs(spread - 0.2)).toBeLessThan(0.01);
    expect(model.stepMicros(prompt(100))).toBeGreaterThan(100_000);
  });
});
