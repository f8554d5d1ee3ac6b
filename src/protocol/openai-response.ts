/**
 * The bodies vLLM answers with, key by key (chat_completion/protocol.py, completion/protocol.py). What vLLM leaves
 * unset stays out of a chat chunk; in all other bodies it is null.
 */

export type FinishReason = 'stop' | 'length' | 'abort';

/** What every body and chunk of one reply repeats. `created` is in Unix seconds. */
export interface ReplyHead {
  /** With its prefix: `chatcmpl-...` or `cmpl-...`. */
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Of the prompt, found in the prefix cache; where the engine tells (`--enable-prompt-tokens-details`). */
  readonly cachedTokens?: number;
}

/** A whole reply. */
export interface Reply {
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly usage: TokenUsage;
}

/** The usage as it stands in a chunk. */
export function usageObject({ promptTokens, completionTokens }: TokenUsage) {
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completionTokens,
    completion_tokens: completionTokens,
  };
}

/** The usage as it stands in a whole body: with the details, or null for them. */
export function fullUsage(usage: TokenUsage) {
  return { ...usageObject(usage), prompt_tokens_details: promptDetails(usage) };
}

/** The usage of a stream's last chunk: the details only where they are known. */
export function finalUsage(usage: TokenUsage) {
  const details = promptDetails(usage);
  return details === null ? usageObject(usage) : { ...usageObject(usage), prompt_tokens_details: details };
}

function promptDetails({ cachedTokens }: TokenUsage) {
  return cachedTokens === undefined ? null : { cached_tokens: cachedTokens };
}

/** What every body and chunk begins with. */
export function envelope<Kind extends string>({ id, created, model }: ReplyHead, object: Kind) {
  return { id, object, created, model };
}

/** The body of a chat completion that is not streamed. */
export function chatCompletion(head: ReplyHead, { text, finishReason, usage }: Reply) {
  return {
    ...envelope(head, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text,
          refusal: null,
          annotations: null,
          audio: null,
          function_call: null,
          reasoning: null,
        },
        logprobs: null,
        finish_reason: finishReason,
        stop_reason: null,
        token_ids: null,
      },
    ],
    service_tier: null,
    system_fingerprint: null,
    usage: fullUsage(usage),
    prompt_logprobs: null,
    prompt_token_ids: null,
    kv_transfer_params: null,
  };
}

function chatChunk<Choice extends object>(head: ReplyHead, choice: Choice, usage: TokenUsage | undefined) {
  const body = { ...envelope(head, 'chat.completion.chunk'), choices: [{ index: 0, ...choice }] };
  return usage === undefined ? body : { ...body, usage: usageObject(usage) };
}

/** The first chunk of a chat stream; clients take it for the first token, so send it with that. */
export function chatRoleChunk(head: ReplyHead, usage?: TokenUsage) {
  const delta = { role: 'assistant', content: '' };
  return chatChunk(head, { delta, logprobs: null, finish_reason: null }, usage);
}

/** A chunk of text. Give the usage so far where continuous usage was asked for. */
export function chatContentChunk(head: ReplyHead, content: string, usage?: TokenUsage) {
  return chatChunk(head, { delta: { content }, logprobs: null, finish_reason: null, token_ids: null }, usage);
}

/** The chunk of the last token: its text and the finish reason together. */
export function chatFinalChunk(head: ReplyHead, content: string, finishReason: FinishReason, usage?: TokenUsage) {
  const end = { finish_reason: finishReason, stop_reason: null, token_ids: null };
  return chatChunk(head, { delta: { content }, logprobs: null, ...end }, usage);
}

/** The chunk after the last, without choices, where `include_usage` was asked for. */
export function chatUsageChunk(head: ReplyHead, usage: TokenUsage) {
  return { ...envelope(head, 'chat.completion.chunk'), choices: [], usage: finalUsage(usage) };
}

/** The body of a text completion that is not streamed. */
export function textCompletion(head: ReplyHead, { text, finishReason, usage }: Reply) {
  return {
    ...envelope(head, 'text_completion'),
    choices: [
      {
        index: 0,
        text,
        logprobs: null,
        finish_reason: finishReason,
        stop_reason: null,
        token_ids: null,
        prompt_logprobs: null,
        prompt_token_ids: null,
      },
    ],
    service_tier: null,
    system_fingerprint: null,
    usage: fullUsage(usage),
    kv_transfer_params: null,
  };
}

/** A chunk of a text completion; the last carries its text and the finish reason together. */
export function textChunk(head: ReplyHead, text: string, finishReason: FinishReason | null, usage?: TokenUsage) {
  return {
    ...envelope(head, 'text_completion'),
    choices: [
      {
        index: 0,
        text,
        logprobs: null,
        finish_reason: finishReason,
        stop_reason: null,
        prompt_token_ids: null,
        token_ids: null,
      },
    ],
    usage: usage === undefined ? null : fullUsage(usage),
  };
}

/** The chunk after the last, without choices, where `include_usage` was asked for. */
export function textUsageChunk(head: ReplyHead, usage: TokenUsage) {
  return { ...envelope(head, 'text_completion'), choices: [], usage: finalUsage(usage) };
}

/** A model that an endpoint serves. `created` is in Unix seconds, `maxModelLen` in tokens. */
export interface ServedModel {
  readonly id: string;
  readonly created: number;
  readonly maxModelLen: number;
}

/** The body of `GET /v1/models`: vLLM's model cards. */
export function modelList(models: readonly ServedModel[]) {
  return { object: 'list', data: models.map(modelCard) };
}

function modelCard({ id, created, maxModelLen }: ServedModel) {
  return {
    id,
    object: 'model',
    created,
    owned_by: 'vllm',
    root: id,
    parent: null,
    max_model_len: maxModelLen,
    permission: [
      {
        id: `modelperm-${id}`,
        object: 'model_permission',
        created,
        allow_create_engine: false,
        allow_sampling: true,
        allow_logprobs: true,
        allow_search_indices: false,
        allow_view: true,
        allow_fine_tuning: false,
        organization: '*',
        group: null,
        is_blocking: false,
      },
    ],
  };
}
