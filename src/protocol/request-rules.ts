import { badValue } from './errors.ts';
import type { FieldReader } from './field-reader.ts';

interface NumberRule {
  readonly field: string;
  readonly kind: 'integer' | 'number';
  readonly holds: (value: number) => boolean;
  readonly must: string;
}

/** Bounds and wording of vLLM's SamplingParams._verify_args (vllm/sampling_params.py). */
const NUMBER_RULES: readonly NumberRule[] = [
  { field: 'presence_penalty', kind: 'number', holds: (x) => x >= -2 && x <= 2, must: 'be in [-2, 2]' },
  { field: 'frequency_penalty', kind: 'number', holds: (x) => x >= -2 && x <= 2, must: 'be in [-2, 2]' },
  { field: 'repetition_penalty', kind: 'number', holds: (x) => x > 0, must: 'be greater than zero' },
  { field: 'temperature', kind: 'number', holds: (x) => x >= 0, must: 'be non-negative' },
  { field: 'top_p', kind: 'number', holds: (x) => x > 0 && x <= 1, must: 'be in (0, 1]' },
  { field: 'top_k', kind: 'integer', holds: (k) => k >= -1, must: 'be 0 (disable), or at least 1' },
  { field: 'min_p', kind: 'number', holds: (x) => x >= 0 && x <= 1, must: 'be in [0, 1]' },
];

/**
 * Ends the reading of types and applies the rules on values.
 * @throws WireError 400 for the mistyped fields, else for the first rule broken.
 */
export function checkValues(
  fields: FieldReader,
  read: {
    readonly stream: boolean;
    readonly n: number;
    readonly maxTokens: number | undefined;
    readonly minTokens: number;
  },
): void {
  const numbers = NUMBER_RULES.map(({ kind, field }) => fields[kind](field));
  fields.finish();
  const { stream, n, maxTokens, minTokens } = read;
  const options = fields.raw('stream_options');
  if (!stream && options !== undefined && Object.keys(options as object).length > 0) {
    throw badValue('Stream options can only be defined when `stream=True`.', 'stream_options');
  }
  if (n < 1) throw badValue(`n must be at least 1, got ${n}.`, 'n', n);
  for (const [index, value] of numbers.entries()) {
    const { field, holds, must } = NUMBER_RULES[index]!;
    if (value === undefined || holds(value)) continue;
    throw badValue(`${field} must ${must}, got ${value}.`, field, value);
  }
  if (maxTokens !== undefined && maxTokens < 1) {
    throw badValue(`max_tokens must be at least 1, got ${maxTokens}.`, 'max_tokens', maxTokens);
  }
  if (minTokens < 0) {
    throw badValue(`min_tokens must be greater than or equal to 0, got ${minTokens}.`, 'min_tokens', minTokens);
  }
  if (maxTokens !== undefined && minTokens > maxTokens) {
    const bound = `min_tokens must be less than or equal to max_tokens=${maxTokens}`;
    throw badValue(`${bound}, got ${minTokens}.`, 'min_tokens', minTokens);
  }
}
