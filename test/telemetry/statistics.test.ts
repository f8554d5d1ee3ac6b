import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { distribution, Histogram, percentile } from '../../src/telemetry/index.ts';

const samples = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 100 });

describe('percentiles', () => {
  // numpy.percentile(samples, percent), method "linear".
  test.each([
    [[1, 2, 3, 4], 50, 2.5],
    [[1, 2, 3, 4], 25, 1.75],
    [[1, 2, 3, 4], 90, 3.7],
    [[15, 20, 35, 40, 50], 40, 29],
    [[10, 20], 99, 19.9],
    [[7], 99, 7],
    [[1, 2, 3], 0, 1],
    [[1, 2, 3], 100, 3],
  ])('of %j at %i is %d, as numpy says', (sorted, percent, expected) => {
    expect(percentile(sorted, percent)).toBeCloseTo(expected, 12);
  });

  test('lie within the samples and never fall as the percentage grows', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }), (values, a, b) => {
        const sorted = Float64Array.from(values).sort();
        const low = percentile(sorted, Math.min(a, b));
        const high = percentile(sorted, Math.max(a, b));
        expect(low).toBeLessThanOrEqual(high + 1e-6);
        expect(low).toBeGreaterThanOrEqual(sorted[0]! - 1e-6);
        expect(high).toBeLessThanOrEqual(sorted.at(-1)! + 1e-6);
      }),
    );
  });
});

describe('a distribution', () => {
  test('does not depend on the order of its samples', () => {
    fc.assert(
      fc.property(samples, (values) => {
        const { mean: _, ...figures } = distribution(Float64Array.from(values));
        expect(distribution(Float64Array.from(values.toReversed()))).toMatchObject(figures);
        expect(figures.max).toBe(Math.max(...values));
      }),
    );
  });

  test('of nothing has no figures', () => {
    expect(distribution(new Float64Array())).toEqual({
      count: 0,
      mean: null,
      p50: null,
      p90: null,
      p99: null,
      max: null,
    });
  });
});

describe('a histogram', () => {
  test('counts every observation once, in the first bucket whose bound it does not exceed', () => {
    fc.assert(
      fc.property(samples, (values) => {
        const bounds = [-1_000, -1, 0, 1, 1_000];
        const histogram = new Histogram(bounds);
        for (const value of values) histogram.observe(value);
        const expected = [...bounds, Number.POSITIVE_INFINITY].map(
          (bound, index) =>
            values.filter((value) => value <= bound && value > (bounds[index - 1] ?? Number.NEGATIVE_INFINITY)).length,
        );
        expect(histogram.counts).toEqual(expected);
        expect(histogram.count).toBe(values.length);
        expect(histogram.sum).toBeCloseTo(
          values.reduce((sum, value) => sum + value, 0),
          3,
        );
      }),
    );
  });

  test('a bound belongs to its own bucket, as in Prometheus', () => {
    const histogram = new Histogram([0.1, 0.5]);
    for (const value of [0.1, 0.5, 0.500001]) histogram.observe(value);
    expect(histogram.counts).toEqual([1, 1, 1]);
  });
});
