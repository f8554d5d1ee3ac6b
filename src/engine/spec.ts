/** What one step of an engine has to do, summed over its batch. */
export interface StepWork {
  /** Sequences in the batch. */
  sequences: number;
  /** Tokens computed in this step: prompt chunks, and one for each decoding sequence. */
  newTokens: number;
  /** Tokens of cached context that attention reads: the sum of S_i. */
  contextTokens: number;
  /** Query-key pairs that attention computes: the sum of q_i (S_i + q_i / 2), q_i new tokens over S_i cached. */
  attentionPairs: number;
  /**
   * Of these, what belongs to prompts in the making: a sequence with more than one token to compute. The rest decodes.
   * Absent in a step that only decodes.
   */
  promptSequences?: number;
  promptTokens?: number;
  promptContext?: number;
  promptPairs?: number;
}

/** How long steps take. Durations are microseconds, not rounded: the engine rounds the sum, never the parts. */
export interface StepTimeModel {
  stepMicros(work: Readonly<StepWork>): number;
  /**
   * The closed form of `steps` decode steps in a row of the same sequences, each of whose contexts grows by one
   * token a step; `contextTokens` is the sum before the first. Without it the engine adds step by step.
   */
  decodeMicros?(sequences: number, contextTokens: number, steps: number): number;
}

/** One serving engine, in vLLM's terms. */
export interface EngineSpec {
  /** The most sequences that run at once (`max_num_seqs`). */
  readonly maxNumSeqs: number;
  /** The token budget of one step (`max_num_batched_tokens`). */
  readonly maxNumBatchedTokens: number;
  /** Tokens in one KV block (`block_size`). */
  readonly blockSize: number;
  /** KV blocks that the cache holds. */
  readonly kvBlocks: number;
  /** The longest context in tokens, prompt and answer together (`max_model_len`). */
  readonly maxModelLen: number;
  readonly stepTime: StepTimeModel;
  /** Who is admitted first, and preempted last; default `fcfs` (vLLM's `--scheduling-policy`). */
  readonly schedulingPolicy?: 'fcfs' | 'priority';
  /** Share of the blocks that admission leaves free, against preemption right after; default 0, as in vLLM v1. */
  readonly watermark?: number;
  /** Tokens of a unit of prefix caching, a multiple of `blockSize`; default 0, none. */
  readonly prefixUnitTokens?: number;
  readonly speculation?: Speculation;
  /** How prompts and decoding share steps; default `vllm`. See {@link BatchingPolicy}. */
  readonly batching?: BatchingPolicy;
  /** What a request goes through before it is in the engine's queue: tokeniser, HTTP. Default: nothing. */
  readonly frontEnd?: FrontEnd;
  /** Bytes of keys and values that a token of context is to another engine. */
  readonly kvBytesPerToken?: number;
}

/**
 * How an engine mixes prompts with decoding.
 * - `vllm`: running ones first, prompts cut into chunks that fill the budget (vllm/v1/core/sched/scheduler.py).
 * - `sglang`: while any prompt is to be computed, steps are of prompts alone, cut into chunks of the budget, and
 *   decoding stalls (sglang/srt/managers/scheduler.py, get_next_batch_to_run; MindIE schedules alike).
 * - `trtllm`: whole prompts beside decoding, and one a step even beyond the budget; blocks are reserved up to the last
 *   token of the answer (TensorRT-LLM's GUARANTEED_NO_EVICT without chunked context).
 */
export type BatchingPolicy = 'vllm' | 'sglang' | 'trtllm';

/** A delay before the queue: fixed, and for each prompt token. Requests pass it side by side. */
export interface FrontEnd {
  readonly fixedMicros: number;
  readonly perTokenMicros: number;
}

/** Speculative decoding: every decode step verifies some drafted tokens and keeps those up to the first refused. */
export interface Speculation {
  /** Tokens drafted for each sequence and step. */
  readonly draftTokens: number;
  /** How likely each drafted token is to be accepted, given that those before it were. */
  readonly acceptance: number;
}
