import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EngineSpec, StepTimeModel } from '../../src/engine/index.ts';
import { Chance } from '../../src/kernel/index.ts';
import { constantSteps, e2es, p50, type Sent, serve, ttfts } from '../support/serve.ts';

/** A step of some fixed time, some for each new token and some for each cached one, on hardware `speed` times as fast. */
function steps(fixed: number, perToken: number, perContext: number, speed = 1): StepTimeModel {
  return {
    stepMicros: ({ newTokens, contextTokens }) => (fixed + perToken * newTokens + perContext * contextTokens) / speed,
  };
}

const engine = (stepTime: StepTimeModel, overrides: Partial<EngineSpec> = {}): EngineSpec => ({
  maxNumSeqs: 8,
  maxNumBatchedTokens: 128,
  blockSize: 8,
  kvBlocks: 200,
  maxModelLen: 200,
  stepTime,
  ...overrides,
});

const workload: fc.Arbitrary<Sent[]> = fc.array(
  fc.record({
    at: fc.nat(200_000),
    promptTokens: fc.integer({ min: 1, max: 100 }),
    outputTokens: fc.integer({ min: 1, max: 60 }),
  }),
  { minLength: 1, maxLength: 40, size: 'max' },
);
const speed = fc.double({ min: 1, max: 4, noNaN: true });
const slower = (sent: readonly Sent[], factor: number): Sent[] =>
  sent.map((each) => ({ ...each, at: Math.round(each.at * factor) }));
const stretch = speed;

/** Rounding to whole µs, once a segment. */
const ROUNDING = 100;

function never(better: readonly number[], than: readonly number[]): void {
  for (const [index, value] of better.entries()) expect(value).toBeLessThanOrEqual(than[index]! + ROUNDING);
}

/**
 * Where sequences do not run together the queue is Lindley's: shorter services or later arrivals make no wait longer.
 * This holds for each request, for any workload.
 */
describe('one sequence at a time, for every single request', () => {
  const alone = (speed = 1, overrides: Partial<EngineSpec> = {}): EngineSpec =>
    engine(steps(500, 20, 1, speed), { maxNumSeqs: 1, ...overrides });

  test('a faster accelerator makes no TTFT and no E2E worse', () => {
    fc.assert(
      fc.property(workload, speed, (sent, factor) => {
        const before = serve(alone(), sent).served;
        const after = serve(alone(factor), sent).served;
        never(ttfts(after), ttfts(before));
        never(e2es(after), e2es(before));
      }),
    );
  });

  test('a lower load makes no TTFT and no E2E worse', () => {
    fc.assert(
      fc.property(workload, stretch, (sent, factor) => {
        const before = serve(alone(), slower(sent, 1)).served;
        const after = serve(alone(), slower(sent, factor)).served;
        // Sorted by arrival, which rounding keeps.
        never(ttfts(after), ttfts(before));
        never(e2es(after), e2es(before));
      }),
    );
  });

  test('a bigger cache of prefixes makes no TTFT and no E2E worse', () => {
    const shared = fc.array(
      fc.tuple(fc.nat(200_000), fc.nat(5), fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 60 })),
      { minLength: 1, maxLength: 40, size: 'max' },
    );
    fc.assert(
      fc.property(shared, fc.nat(100), (told, more) => {
        const sent = told.map(([at, family, units, outputTokens]) => ({
          at,
          promptTokens: 16 * units + 1,
          outputTokens,
          prefix: Array.from({ length: units }, (_, index) => family * 100 + index),
        }));
        const cached = (kvBlocks: number) => alone(1, { prefixUnitTokens: 16, kvBlocks });
        const before = serve(cached(25), sent).served;
        const after = serve(cached(25 + more), sent).served;
        never(ttfts(after), ttfts(before));
        never(e2es(after), e2es(before));
      }),
    );
  });
});

/**
 * In a batch it does not hold for each request, nor for the median of a few: an arrival waits for the step in
 * progress, and a faster engine may be at the beginning of a step where the slower one was at an end (see the
 * counter-example). A wait for a boundary is less than a step, so a speed-up that outweighs one step of each always
 * shows. Steps of constant time, with room for all: TTFT lies in [s, 2s), E2E of n tokens in [n s, (n + 1) s).
 */
describe('a batch with room for all, whose steps take a constant time', () => {
  const roomy = (stepMicros: number): EngineSpec =>
    engine(constantSteps(stepMicros), { maxNumSeqs: 64, maxNumBatchedTokens: 10_000, kvBlocks: 10_000 });

  test('twice as fast makes no TTFT worse, and (n + 1) / n times as fast no E2E of n tokens', () => {
    fc.assert(
      fc.property(workload, fc.integer({ min: 10, max: 5_000 }), fc.integer({ min: 1, max: 60 }), (asks, step, n) => {
        const sent = asks.map((each) => ({ ...each, outputTokens: n }));
        const before = serve(roomy(step), sent).served;
        never(ttfts(serve(roomy(step / 2), sent).served), ttfts(before));
        never(e2es(serve(roomy((step * n) / (n + 1)), sent).served), e2es(before));
      }),
    );
  });

  test('the counter-example: a tenth faster, and one who comes just after a boundary waits longer', () => {
    const sent = [
      { at: 0, promptTokens: 10, outputTokens: 20 },
      { at: 990, promptTokens: 10, outputTokens: 20 },
    ];
    const [, slow] = serve(roomy(1_000), sent).served;
    const [, fast] = serve(roomy(900), sent).served;
    expect([slow!.firstTokenAt, fast!.firstTokenAt]).toEqual([2_000, 2_700]);
  });
});

/** What is left of the boundaries at the median of some hundred requests. */
const PHASE = 1.01;

/** Poisson arrivals of many requests, whose boundaries even out. */
function poisson(seed: number, ratePerSecond: number, count: number): Sent[] {
  const draw = new Chance(seed).stream('monotone');
  let at = 0;
  return Array.from({ length: count }, () => {
    at -= (Math.log(1 - draw()) / ratePerSecond) * 1e6;
    return {
      at: Math.round(at),
      promptTokens: 1 + Math.floor(draw() * 100),
      outputTokens: 1 + Math.floor(draw() * 60),
    };
  });
}

describe('a batch under random traffic of many requests, at the median', () => {
  const seeds = Array.from({ length: 8 }, (_, index) => index + 1);
  const loads = [5, 60, 110];
  const medians = (spec: EngineSpec, sent: readonly Sent[]) => {
    const { served } = serve(spec, sent);
    return [p50(ttfts(served)), p50(e2es(served))] as const;
  };
  const noWorse = (spec: EngineSpec, sent: readonly Sent[], thanSpec: EngineSpec, than: readonly Sent[]): void => {
    const [ttft, e2e] = medians(spec, sent);
    const [ttftThan, e2eThan] = medians(thanSpec, than);
    expect(ttft).toBeLessThanOrEqual(ttftThan * PHASE);
    expect(e2e).toBeLessThanOrEqual(e2eThan * PHASE);
  };
  const base = engine(steps(500, 20, 0.2));

  test.each(loads)('an accelerator faster by a tenth is no worse, at %i requests a second', (rate) => {
    for (const seed of seeds) {
      const sent = poisson(seed, rate, 600);
      noWorse(engine(steps(500, 20, 0.2, 1.1)), sent, base, sent);
    }
  });

  test.each(loads)('a tenth less load is no worse, at %i requests a second', (rate) => {
    for (const seed of seeds) {
      const sent = poisson(seed, rate, 600);
      noWorse(base, slower(sent, 1.1), base, sent);
    }
  });

  /** Where a step's fixed time outweighs what each sequence adds; else a batch of few is as quick as one of many. */
  test.each(loads)('twice the cache is no worse, at %i requests a second', (rate) => {
    for (const seed of seeds) {
      const sent = poisson(seed, rate, 600);
      noWorse({ ...base, kvBlocks: 50 }, sent, { ...base, kvBlocks: 25 }, sent);
    }
  });

  test('the counter-example: where steps take no fixed time, a bigger cache only makes all share what one had', () => {
    const sent = Array.from({ length: 2 }, () => ({ at: 0, promptTokens: 57, outputTokens: 7 }));
    const compute = engine(steps(0, 100, 0));
    const median = (kvBlocks: number) => p50(e2es(serve({ ...compute, kvBlocks, maxModelLen: 64 }, sent).served));
    expect(median(16)).toBeGreaterThan(median(8) * 1.2);
  });
});
