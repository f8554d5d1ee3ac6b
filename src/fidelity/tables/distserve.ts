import type { AffineCoefficients } from '../../engine/index.ts';
import { UserError } from '../../kernel/index.ts';
import { readTable } from './table.ts';

/** DistServe's own coefficients of one model and tensor parallelism, milliseconds. */
export interface DistServeProfile {
  /** a + b (sum of prompt lengths) + c (sum of their squares). */
  readonly prefill: AffineCoefficients;
  /** a + b (sum of contexts) + c (sequences), up to `smallBatch` sequences. */
  readonly decodeSmall: AffineCoefficients;
  readonly decodeLarge: AffineCoefficients;
  readonly smallBatch: number;
  /** Tokens that the KV cache holds without pipeline parallelism. */
  readonly kvTokens: number;
}

/** By tensor parallelism. */
export function readDistServe(
  json: string,
  tokens: string,
  model: string,
  file: string,
): Map<number, DistServeProfile> {
  const all = JSON.parse(json) as Record<string, Record<string, Record<string, unknown>>>;
  const profiles = all[model];
  if (profiles === undefined) throw new UserError(`no model "${model}"`, { file });
  const capacities = readTable(tokens, file, ['model', 'tp', 'pp', 'max_num_tokens']);
  return new Map(
    Object.entries(profiles).map(([tp, profile]) => {
      const capacity = capacities.find(
        (row) => row.text('model') === model && row.text('tp') === tp && row.text('pp') === '1',
      );
      if (capacity === undefined) throw new UserError(`no capacity for "${model}" at TP ${tp}`, { file });
      const three = (key: string): AffineCoefficients => {
        const [a, b, c] = profile[key] as [number, number, number];
        return { a, b, c };
      };
      return [
        Number(tp),
        {
          prefill: three('prefill'),
          decodeSmall: three('decoding_smallbs'),
          decodeLarge: three('decoding_largebs'),
          smallBatch: profile.decoding_large_small_bs_threshold as number,
          kvTokens: capacity.number('max_num_tokens'),
        },
      ];
    }),
  );
}
