import { badRequest, badValue } from './errors.ts';
import { FieldReader } from './field-reader.ts';
import { type Prompt, readPrompts } from './prompts.ts';
import { readSampling, type SamplingRequest } from './sampling-request.ts';

/** A text to be completed, or several: each prompt gets `n` answers, in the order of the prompts. */
export interface CompletionsRequest extends SamplingRequest {
  readonly prompts: readonly Prompt[];
  /** Nothing but the prompt is asked for: `echo` with `max_tokens` 0. The engine still makes one token. */
  readonly promptOnly: boolean;
}

/** vLLM's default `max_tokens` of a text completion (completion/protocol.py). */
const COMPLETION_MAX_TOKENS = 16;

/** vLLM bounds it as well (VLLM_MAX_COMPLETION_PROMPTS); the number is ours. */
const MAX_PROMPTS = 1_024;

/**
 * Reads the body of `POST /v1/completions` by vLLM's rules, all of them (completion/protocol.py, completion/serving.py).
 * @throws WireError 400, "Bad Request" for missing or mistyped fields, "BadRequestError" for values out of rule.
 */
export function readCompletionRequest(body: unknown): CompletionsRequest {
  const fields = new FieldReader(body);
  const prompts = readPrompts(fields, 'prompt');
  const maxTokens = fields.integer('max_tokens') ?? COMPLETION_MAX_TOKENS;
  const logprobs = fields.integer('logprobs');
  const echo = fields.boolean('echo') ?? false;
  const suffix = fields.text('suffix');
  const promptOnly = echo && maxTokens === 0;
  const request = readSampling(fields, { maxTokens, logprobs });
  if (prompts.length === 0 || prompts.some((prompt) => prompt.length === 0)) {
    throw badValue('Either prompt or prompt_embeds must be provided and non-empty.', 'prompt');
  }
  if (prompts.length > MAX_PROMPTS) {
    throw badValue(
      `prompt list length ${prompts.length} exceeds the maximum allowed count of ${MAX_PROMPTS}. To increase this ` +
        'limit, set the VLLM_MAX_COMPLETION_PROMPTS environment variable.',
      'prompt',
    );
  }
  if (suffix !== undefined) throw badRequest('suffix is not currently supported');
  return { ...request, maxTokens: promptOnly ? 1 : maxTokens, prompts, promptOnly };
}
