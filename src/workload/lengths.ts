import { randomLogNormal } from 'd3-random';
import { assert, type Uniform } from '../kernel/index.ts';
import type { LengthSpec } from './spec.ts';

/** The tokens of request `row` of a stream. Asked for in order, each once. */
export type LengthSampler = (row: number) => number;

/**
 * How long prompts or answers are.
 * @param column the trace's lengths, row by row; only `trace` needs it
 */
export function lengthSampler(spec: LengthSpec, stream: Uniform, column?: readonly number[]): LengthSampler {
  switch (spec.kind) {
    case 'fixed':
      return () => spec.tokens;
    case 'lognormal': {
      const draw = randomLogNormal.source(stream)(Math.log(spec.median), spec.sigma);
      return () => Math.min(Math.max(Math.round(draw()), 1), spec.max);
    }
    case 'trace':
      assert(column !== undefined, 'lengths come from a trace only when arrivals do');
      return (row) => column[row]!;
  }
}
