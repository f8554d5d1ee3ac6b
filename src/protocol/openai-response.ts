/**
 * The bodies vLLM answers with, key by key (chat_completion/protocol.py, completion/protocol.py). What vLLM leaves
 * unset stays out of a chat chunk; in all other bodies it is null.
 */

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
  readonly cachedTokens?: number | undefined;
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
  const { promptTokens, completionTokens } = usage;
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completionTokens,
    completion_tokens: completionTokens,
    prompt_tokens_details: promptDetails(usage),
  };
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

/** The chunk after the last, without choices, where `include_usage` was asked for. */
export function chatUsageChunk(head: ReplyHead, usage: TokenUsage) {
  return { ...envelope(head, 'chat.completion.chunk'), choices: [], usage: finalUsage(usage) };
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
