import { badValue } from './errors.ts';
import { FieldReader } from './field-reader.ts';
import { readContent } from './message-content.ts';
import { type Prompt, readPrompts } from './prompts.ts';
import { checkSupported, checkTools, checkValues } from './request-rules.ts';

/** What chat and text completion requests have in common. Absent optional parameters are undefined. */
export interface GenerationRequest {
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
  /** This endpoint serves one choice a request. */
  readonly n: 1;
  /** Lower is handled earlier. */
  readonly priority: number;
  readonly seed: number | undefined;
  /** Keeps the prompt's cached prefixes apart from those of other salts. */
  readonly cacheSalt: string | undefined;
}

export interface ChatMessage {
  readonly role: string;
  /** The message's text parts, joined by line ends as vLLM hands them to a chat template. */
  readonly text: string;
}

export interface ChatRequest extends GenerationRequest {
  readonly messages: readonly ChatMessage[];
}

export interface CompletionRequest extends GenerationRequest {
  readonly prompt: Prompt;
}

/** vLLM's default `max_tokens` of a text completion (completion/protocol.py). */
const COMPLETION_MAX_TOKENS = 16;

/**
 * Reads the body of `POST /v1/chat/completions` by vLLM's rules.
 * @throws WireError 400, "Bad Request" for missing or mistyped fields, "BadRequestError" for values out of rule.
 */
export function parseChatRequest(body: unknown): ChatRequest {
  const fields = new FieldReader(body);
  const messages = fields.required('messages', fields.objects('messages'))?.map(readMessage) ?? [];
  const request = readGeneration(fields, fields.integer('max_completion_tokens') ?? fields.integer('max_tokens'));
  if (messages.length === 0) throw badValue('`messages` must not be an empty array.', 'messages');
  checkTools(fields);
  return { ...request, messages };
}

/**
 * Reads the body of `POST /v1/completions` by vLLM's rules.
 * @throws WireError 400, as {@link parseChatRequest} does.
 */
export function parseCompletionRequest(body: unknown): CompletionRequest {
  const fields = new FieldReader(body);
  const prompts = readPrompts(fields, 'prompt');
  const request = readGeneration(fields, fields.integer('max_tokens') ?? COMPLETION_MAX_TOKENS);
  const [prompt] = prompts;
  if (prompt === undefined || prompt.length === 0) {
    throw badValue('Either prompt or prompt_embeds must be provided and non-empty.', 'prompt');
  }
  if (prompts.length > 1) {
    throw badValue('More than one prompt in a request is not supported by this endpoint.', 'prompt');
  }
  return { ...request, prompt };
}

function readGeneration(fields: FieldReader, maxTokens: number | undefined): GenerationRequest {
  const stream = fields.boolean('stream') ?? false;
  const options = fields.object('stream_options');
  // vLLM's StreamOptions defaults to including the usage: naming the options at all asks for it.
  const includeUsage = options !== undefined && (options.boolean('include_usage') ?? true);
  const continuousUsage = includeUsage && (options.boolean('continuous_usage_stats') ?? false);
  const minTokens = fields.integer('min_tokens') ?? 0;
  const request: GenerationRequest = {
    model: fields.text('model'),
    stream,
    includeUsage: stream && includeUsage,
    continuousUsage: stream && continuousUsage,
    maxTokens,
    minTokens,
    ignoreEos: fields.boolean('ignore_eos') ?? false,
    n: 1,
    priority: fields.integer('priority') ?? 0,
    seed: fields.integer('seed'),
    cacheSalt: fields.text('cache_salt'),
  };
  checkValues(fields, { stream, maxTokens, minTokens });
  checkSupported(fields);
  return request;
}

function readMessage(message: FieldReader): ChatMessage {
  const role = message.required('role', message.text('role')) ?? '';
  return { role, text: readContent(message, 'content') };
}
