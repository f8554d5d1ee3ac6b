import { percentile } from '../../src/telemetry/index.ts';

export function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    50,
  );
}
