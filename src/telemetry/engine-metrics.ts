import { VLLM_BUCKETS } from '../protocol/index.ts';
import { Histogram } from './statistics.ts';

/** The histograms that one engine's `/metrics` shows, in vLLM's buckets; seconds. */
export class EngineMetrics {
  readonly ttft = new Histogram(VLLM_BUCKETS.timeToFirstToken);
  readonly tpot = new Histogram(VLLM_BUCKETS.timePerOutputToken);
  readonly e2e = new Histogram(VLLM_BUCKETS.requestLatency);
  readonly queue = new Histogram(VLLM_BUCKETS.requestLatency);
  readonly finished = { stop: 0, length: 0, abort: 0 };
}
