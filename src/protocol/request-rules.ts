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
  { field: 'n', kind: 'integer', holds: (n) => n >= 1, must: 'be at least 1' },
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
  read: { readonly stream: boolean; readonly maxTokens: number | undefined; readonly minTokens: number },
): void {
  const numbers = NUMBER_RULES.map((rule) => ({ rule, value: fields[rule.kind](rule.field) }));
  fields.finish();
  const { stream, maxTokens, minTokens } = read;
  const options = fields.raw('stream_options');
  if (!stream && options !== undefined && Object.keys(options as object).length > 0) {
    throw badValue('Stream options can only be defined when `stream=True`.', 'stream_options');
  }
  for (const { rule, value } of numbers) {
    if (value === undefined || rule.holds(value)) continue;
    throw badValue(`${rule.field} must ${rule.must}, got ${value}.`, rule.field, value);
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

/** vLLM's rules on tools, in its words and order. Tools that a model may leave unused are fine. */
export function checkTools(fields: FieldReader): void {
  const tools = fields.raw('tools');
  const choice = fields.raw('tool_choice');
  if (Array.isArray(tools) && tools.length === 0) {
    throw badValue(
      '`tools` must not be an empty array. Either provide at least one tool or omit the field entirely.',
      'tools',
    );
  }
  if (choice === undefined || choice === 'none') return;
  if (tools === undefined) throw badValue('When using `tool_choice`, `tools` must be set.', 'tool_choice');
  if (choice === 'auto') return;
  if (choice === 'required' || typeof choice === 'object') {
    throw badValue('A `tool_choice` that forces a tool call is not supported by this endpoint.', 'tool_choice');
  }
  throw badValue(
    `Invalid value for \`tool_choice\`: ${choice}! Only named tools, "none", "auto" or "required" are supported.`,
    'tool_choice',
  );
}

interface Unsupported {
  readonly field: string;
  readonly what: string;
  readonly asked: (value: unknown) => boolean;
}

const isSet = (value: unknown): boolean => value !== undefined && value !== false;
const formatType = (value: unknown): unknown => (value as { type?: unknown } | undefined)?.type;

/** What vLLM serves and this endpoint does not: refused in words, since a silent difference costs a person hours. */
const UNSUPPORTED: readonly Unsupported[] = [
  { field: 'n', what: 'A value of `n` above 1', asked: (value) => Number(value) > 1 },
  {
    field: 'response_format',
    what: 'A `response_format` other than text',
    asked: (value) => value !== undefined && formatType(value) !== 'text',
  },
  { field: 'structured_outputs', what: '`structured_outputs`', asked: isSet },
  { field: 'logprobs', what: '`logprobs`', asked: isSet },
  { field: 'prompt_logprobs', what: '`prompt_logprobs`', asked: isSet },
  { field: 'echo', what: '`echo`', asked: isSet },
  { field: 'suffix', what: '`suffix`', asked: isSet },
  { field: 'use_beam_search', what: '`use_beam_search`', asked: isSet },
];

/** @throws WireError 400 for the first thing asked for that this endpoint does not do. */
export function checkSupported(fields: FieldReader): void {
  const topLogprobs = Number(fields.raw('top_logprobs') ?? 0);
  if (topLogprobs !== 0 && !isSet(fields.raw('logprobs'))) {
    throw badValue('when using `top_logprobs`, `logprobs` must be set to true.', 'top_logprobs');
  }
  for (const { field, what, asked } of UNSUPPORTED) {
    if (asked(fields.raw(field))) throw badValue(`${what} is not supported by this endpoint.`, field);
  }
}
