/** A distribution's figures; null where there is no sample. */
export interface Distribution {
  readonly count: number;
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** Sums up samples, which it sorts in place. */
export function distribution(samples: Float64Array): Distribution {
  if (samples.length === 0) return { count: 0, mean: null, p50: null, p90: null, p99: null, max: null };
  samples.sort();
  let sum = 0;
  for (const sample of samples) sum += sample;
  return {
    count: samples.length,
    mean: sum / samples.length,
    p50: percentile(samples, 50),
    p90: percentile(samples, 90),
    p99: percentile(samples, 99),
    max: samples[samples.length - 1]!,
  };
}

/** Percentile of sorted samples by linear interpolation, numpy's default. */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const position = ((sorted.length - 1) * percent) / 100;
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}

/** Counts of observations by bucket; the last bucket takes what exceeds every bound. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** @param times how often it was observed */
  observe(value: number, times = 1): void {
    let low = 0;
    let high = this.bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value > this.bounds[middle]!) low = middle + 1;
      else high = middle;
    }
    this.counts[low]! += times;
    this.sum += value * times;
    this.count += times;
  }
}
