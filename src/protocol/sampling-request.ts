import { badRequest, badValue } from './errors.ts';
import type { FieldReader } from './field-reader.ts';
import { checkValues } from './request-rules.ts';
import { readStructure, type Structure } from './structured-output.ts';
import { VOCABULARY } from './token-text.ts';

/** What every generating operation may ask for. Absent optional parameters are undefined. */
export interface SamplingRequest {
  readonly model: string | undefined;
  readonly stream: boolean;
  /** A last chunk with the usage was asked for. */
  readonly includeUsage: boolean;
  /** The usage so far was asked for on every chunk; vLLM obeys only together with `includeUsage`. */
  readonly continuousUsage: boolean;
  /** Undefined: as much as the context has room for. */
  readonly maxTokens: number | undefined;
  readonly minTokens: number;
  readonly ignoreEos: boolean;
  /** Lower is handled earlier. */
  readonly priority: number;
  readonly seed: number | undefined;
  /** Keeps the prompt's cached prefixes apart from those of other salts. */
  readonly cacheSalt: string | undefined;
  /** How many answers to each prompt. */
  readonly n: number;
  readonly temperature: number | undefined;
  /** Texts that end an answer, none of them empty. */
  readonly stop: readonly string[];
  /** The text that ended the answer stays in it. */
  readonly includeStop: boolean;
  /** How many likely tokens to tell beside each sampled one; undefined tells nothing, not even of the sampled. */
  readonly logprobs: number | undefined;
  /** The same for the prompt's tokens. */
  readonly promptLogprobs: number | undefined;
  /** The prompt, or in a chat the message to be continued, goes before the answer. */
  readonly echo: boolean;
  readonly structure: Structure | undefined;
  readonly kvTransferParams: Readonly<Record<string, unknown>> | undefined;
}

/** vLLM's default `--max-logprobs`. */
const MAX_LOGPROBS = 20;

/** vLLM bounds it as well (VLLM_MAX_N_SEQUENCES); the number is OpenAI's. */
const MAX_N = 128;

/** vLLM bounds the list as well (VLLM_MAX_STOP_STRINGS); the number is ours. */
const MAX_STOPS = 1_024;

/** vllm/entrypoints/generate/base/protocol.py, validate_cache_salt. */
const MAX_CACHE_SALT_LENGTH = 128;
const CACHE_SALT_FORBIDDEN = ['@', '/', '\\', '\0'];

/** The fields of one operation that differ from the others'. */
export interface SamplingFields {
  readonly maxTokens: number | undefined;
  /** `logprobs` means a flag in a chat and a number in a completion: whoever reads the body knows. */
  readonly logprobs: number | undefined;
  readonly stop?: string;
}

/**
 * Reads what chat and text completions share, then applies vLLM's rules on values
 * (chat_completion/protocol.py, completion/protocol.py, sampling_params.py). Unknown fields are ignored, as vLLM does.
 * All other fields must have been read before: this ends the reading of types.
 * @throws WireError 400, "Bad Request" for missing or mistyped fields, "BadRequestError" for values out of rule.
 */
export function readSampling(fields: FieldReader, own: SamplingFields): SamplingRequest {
  const stream = fields.boolean('stream') ?? false;
  const options = fields.object('stream_options');
  // vLLM's StreamOptions defaults to including the usage: naming the options at all asks for it.
  const includeUsage = options !== undefined && (options.boolean('include_usage') ?? true);
  const continuousUsage = includeUsage && (options.boolean('continuous_usage_stats') ?? false);
  const structure = readStructure(fields);
  const n = fields.integer('n') ?? 1;
  const minTokens = fields.integer('min_tokens') ?? 0;
  const stop = readStop(fields, own.stop ?? 'stop');
  const promptLogprobs = fields.integer('prompt_logprobs');
  const bestOf = fields.integer('best_of');
  const temperature = fields.number('temperature');
  const request = {
    model: fields.text('model'),
    stream,
    includeUsage: stream && includeUsage,
    continuousUsage: stream && continuousUsage,
    maxTokens: own.maxTokens,
    minTokens,
    ignoreEos: fields.boolean('ignore_eos') ?? false,
    n,
    priority: fields.integer('priority') ?? 0,
    seed: fields.integer('seed'),
    cacheSalt: fields.text('cache_salt'),
    temperature,
    stop,
    includeStop: fields.boolean('include_stop_str_in_output') ?? false,
    logprobs: own.logprobs,
    promptLogprobs,
    echo: fields.boolean('echo') ?? false,
    kvTransferParams: fields.fields('kv_transfer_params'),
    // Judged last.
    structure: undefined as Structure | undefined,
  };
  // Prompt only: a completion that echoes may ask for no token of its own.
  const maxTokens = request.echo && own.maxTokens === 0 ? undefined : own.maxTokens;
  checkValues(fields, { stream, n, maxTokens, minTokens });
  if (temperature !== undefined && temperature > 2) {
    throw badValue(`temperature must be in [0, 2], got ${temperature}.`, 'temperature', temperature);
  }
  if (n > MAX_N) {
    const more = 'To increase this limit, set the VLLM_MAX_N_SEQUENCES environment variable.';
    throw badValue(`n must be at most ${MAX_N}, got ${n}. ${more}`, 'n', n);
  }
  if (n > 1 && temperature === 0) throw badRequest(`n must be 1 when using greedy sampling, got ${n}.`);
  // Gone from vLLM V1, which ignores it; the rule is that of V0 (sampling_params.py).
  if (bestOf !== undefined && bestOf < n) {
    throw badRequest(`best_of must be greater than or equal to n, got n=${n} and best_of=${bestOf}.`);
  }
  if (stop.some((text) => text === '')) throw badRequest('stop cannot contain an empty string.');
  checkCacheSalt(request.cacheSalt);
  if (stream && promptLogprobs !== undefined && (promptLogprobs > 0 || promptLogprobs === -1)) {
    throw badValue('`prompt_logprobs` are not available when `stream=True`.', 'prompt_logprobs');
  }
  checkLogprobs('sample', own.logprobs, 'logprobs');
  checkLogprobs('prompt', promptLogprobs, 'prompt_logprobs');
  if (fields.raw('use_beam_search') === true) {
    throw badValue('`use_beam_search` is not supported by this endpoint.', 'use_beam_search');
  }
  request.structure = structure();
  return request;
}

function readStop(fields: FieldReader, name: string): readonly string[] {
  const stop = fields.raw(name);
  if (typeof stop === 'string') return [stop];
  const stops = fields.texts(name) ?? [];
  if (stops.length > MAX_STOPS) {
    const msg = `List should have at most ${MAX_STOPS} items after validation, not ${stops.length}`;
    fields.mismatch(name, 'too_long', msg);
  }
  return stops;
}

function checkCacheSalt(salt: string | undefined): void {
  if (salt === undefined) return;
  if (salt === '') {
    throw badValue("Parameter 'cache_salt' must be a non-empty string if provided.", 'cache_salt');
  }
  if (salt.length > MAX_CACHE_SALT_LENGTH || CACHE_SALT_FORBIDDEN.some((char) => salt.includes(char))) {
    throw badValue(
      "Parameter 'cache_salt' must be at most 128 characters and must not contain '@', '/', '\\\\', or NUL.",
      'cache_salt',
    );
  }
}

/** A count of log probabilities; -1 asks for the whole vocabulary, which is more than any default allows. */
function checkLogprobs(of: 'sample' | 'prompt', count: number | undefined, param: string): void {
  if (count === undefined || (count >= 0 && count <= MAX_LOGPROBS)) return;
  if (count < -1) throw badValue(`\`${param}\` must be a positive value or -1.`, param, count);
  const asked = count === -1 ? VOCABULARY : count;
  // v1/engine/processor.py, _validate_logprobs.
  throw badValue(
    `Requested ${of} logprobs of ${asked}, which is greater than max allowed: ${MAX_LOGPROBS}`,
    param,
    count,
  );
}
