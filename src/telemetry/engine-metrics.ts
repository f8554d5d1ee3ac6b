import { VLLM_BUCKETS, vllmBounds } from '../protocol/index.ts';
import { Histogram } from './statistics.ts';

/** Bounds of token counts go so far here; whoever shows them leaves out those beyond the engine's context. */
export const TOKEN_BOUNDS_LIMIT = 10_000_000;

const latency = (): Histogram => new Histogram(VLLM_BUCKETS.requestLatency);
const tokenCount = (): Histogram => new Histogram(vllmBounds('request_prompt_tokens', TOKEN_BOUNDS_LIMIT));

/** What one engine's `/metrics` shows beside its own figures, in vLLM's buckets; times in seconds. */
export class EngineMetrics {
  readonly ttft = new Histogram(VLLM_BUCKETS.timeToFirstToken);
  readonly itl = new Histogram(VLLM_BUCKETS.timePerOutputToken);
  readonly tpot = new Histogram(VLLM_BUCKETS.timePerOutputToken);
  readonly e2e = latency();
  readonly queue = latency();
  readonly inference = latency();
  readonly prefill = latency();
  readonly decode = latency();
  readonly promptTokens = tokenCount();
  /** Of the prompt, those that were not in the cache. */
  readonly computedTokens = tokenCount();
  readonly generationTokens = tokenCount();
  /** Of the answers to one prompt, the longest. */
  readonly longest = tokenCount();
  readonly maxTokens = tokenCount();
  readonly n = new Histogram(VLLM_BUCKETS.choices);
  readonly preemptions = new Histogram(VLLM_BUCKETS.preemptions);
  readonly finished = { stop: 0, length: 0, abort: 0, error: 0 };
  /** Tokens of prompts that it came through, told with the first token as vLLM does; and of these, those in its cache. */
  ownPromptTokens = 0;
  cachedPromptTokens = 0;
  /** Tokens of prompts whose answers it took over from another engine; and those whose keys and values it fetched. */
  takenOverTokens = 0;
  fetchedTokens = 0;
}
