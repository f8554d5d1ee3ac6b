import { encodePrometheus, type Family, type HistogramValue, histogramSamples } from './prometheus.ts';
import { VLLM_BUCKETS, type VllmSnapshot } from './vllm-metrics.ts';

/** Engines, or their ages, that call the same figures by other names. */
export type MetricDialect = 'vllm-0.9' | 'sglang' | 'mindie' | 'trtllm';

type Figure = (snapshot: VllmSnapshot) => number;

/** A metric of one figure, or of one histogram. Bounds are vLLM's in every dialect. */
type Row = { readonly name: string; readonly help: string } & (
  | { readonly type: 'gauge' | 'counter'; readonly of: Figure }
  | { readonly of: keyof typeof TIMES }
);

/** The times that all engines measure. */
const TIMES = {
  ttft: { key: 'time_to_first_token_seconds', bounds: VLLM_BUCKETS.timeToFirstToken },
  tpot: { key: 'request_time_per_output_token_seconds', bounds: VLLM_BUCKETS.timePerOutputToken },
  e2e: { key: 'e2e_request_latency_seconds', bounds: VLLM_BUCKETS.requestLatency },
} as const;

const running: Figure = ({ gauges }) => gauges.num_requests_running;
const waiting: Figure = ({ gauges }) => gauges.num_requests_waiting;
const kvUsage: Figure = ({ gauges }) => gauges.kv_cache_usage_perc;
const promptTokens: Figure = ({ counters }) => counters.prompt_tokens;
const generationTokens: Figure = ({ counters }) => counters.generation_tokens;
const preemptions: Figure = ({ counters }) => counters.num_preemptions;
const succeeded: Figure = ({ requestSuccess }) => requestSuccess.stop + requestSuccess.length;
const failed: Figure = ({ requestSuccess }) => requestSuccess.abort + requestSuccess.error;
const received: Figure = (snapshot) => succeeded(snapshot) + failed(snapshot) + running(snapshot) + waiting(snapshot);
const hitRate: Figure = ({ counters: { prefix_cache_hits: hits = 0, prefix_cache_queries: queries = 0 } }) =>
  queries === 0 ? 0 : hits / queries;

const TTFT_HELP = 'Histogram of time to first token in seconds.';
const TPOT_HELP = 'Histogram of time per output token in seconds.';
const E2E_HELP = 'Histogram of e2e request latency in seconds.';

/**
 * - `vllm-0.9`: the two names that vLLM has dropped since and gateways still scrape; beside the current ones.
 * - `sglang`: sglang/srt/metrics/collector.py.
 * - `mindie`: MindIE Motor, `GET /metrics` of the endpoint (prometheus_metrics.cpp).
 * - `trtllm`: as the Gateway API Inference Extension names them (docs/proposals/003).
 */
export const METRIC_DIALECTS: Readonly<Record<MetricDialect, readonly Row[]>> = {
  'vllm-0.9': [
    {
      name: 'vllm:gpu_cache_usage_perc',
      help: 'GPU KV-cache usage. 1 means 100 percent usage.',
      type: 'gauge',
      of: kvUsage,
    },
    { name: 'vllm:time_per_output_token_seconds', help: TPOT_HELP, of: 'tpot' },
  ],
  sglang: [
    { name: 'sglang:num_running_reqs', help: 'The number of running requests.', type: 'gauge', of: running },
    { name: 'sglang:num_queue_reqs', help: 'The number of requests in the waiting queue.', type: 'gauge', of: waiting },
    { name: 'sglang:token_usage', help: 'The token usage.', type: 'gauge', of: kvUsage },
    { name: 'sglang:cache_hit_rate', help: 'The prefix cache hit rate.', type: 'gauge', of: hitRate },
    {
      name: 'sglang:prompt_tokens_total',
      help: 'Number of prefill tokens processed.',
      type: 'counter',
      of: promptTokens,
    },
    {
      name: 'sglang:generation_tokens_total',
      help: 'Number of generation tokens processed.',
      type: 'counter',
      of: generationTokens,
    },
    { name: 'sglang:num_requests_total', help: 'Number of requests processed.', type: 'counter', of: succeeded },
    { name: 'sglang:time_to_first_token_seconds', help: TTFT_HELP, of: 'ttft' },
    { name: 'sglang:time_per_output_token_seconds', help: TPOT_HELP, of: 'tpot' },
    {
      name: 'sglang:e2e_request_latency_seconds',
      help: 'Histogram of End-to-end request latency in seconds',
      of: 'e2e',
    },
  ],
  mindie: [
    { name: 'request_received_total', help: 'Count of received requests.', type: 'counter', of: received },
    {
      name: 'request_success_total',
      help: 'Count of successfully processed requests.',
      type: 'counter',
      of: succeeded,
    },
    { name: 'request_failed_total', help: 'Count of failed requests.', type: 'counter', of: failed },
    {
      name: 'num_preemptions_total',
      help: 'Cumulative number of preemption from the engine.',
      type: 'counter',
      of: preemptions,
    },
    { name: 'num_requests_running', help: 'Number of requests currently running on NPU.', type: 'gauge', of: running },
    { name: 'num_requests_waiting', help: 'Number of requests waiting to be processed.', type: 'gauge', of: waiting },
    { name: 'num_requests_swapped', help: 'Number of requests swapped to CPU.', type: 'gauge', of: () => 0 },
    { name: 'prompt_tokens_total', help: 'Number of prefill tokens processed.', type: 'counter', of: promptTokens },
    {
      name: 'generation_tokens_total',
      help: 'Number of generation tokens processed.',
      type: 'counter',
      of: generationTokens,
    },
    {
      name: 'failed_request_perc',
      help: 'Requests failure rate. 1 means 100 percent usage.',
      type: 'gauge',
      of: (snapshot) => failed(snapshot) / Math.max(1, received(snapshot)),
    },
    {
      name: 'npu_cache_usage_perc',
      help: 'NPU KV-cache usage. 1 means 100 percent usage.',
      type: 'gauge',
      of: kvUsage,
    },
    {
      name: 'cpu_cache_usage_perc',
      help: 'CPU KV-cache usage. 1 means 100 percent usage.',
      type: 'gauge',
      of: () => 0,
    },
    { name: 'npu_prefix_cache_hit_rate', help: 'NPU prefix cache block hit rate.', type: 'gauge', of: hitRate },
    { name: 'time_to_first_token_seconds', help: TTFT_HELP, of: 'ttft' },
    { name: 'time_per_output_token_seconds', help: TPOT_HELP, of: 'tpot' },
    { name: 'e2e_request_latency_seconds', help: E2E_HELP, of: 'e2e' },
  ],
  trtllm: [
    { name: 'trtllm_num_requests_running', help: 'Number of requests running.', type: 'gauge', of: running },
    { name: 'trtllm_num_requests_waiting', help: 'Number of requests waiting.', type: 'gauge', of: waiting },
    { name: 'trtllm_kv_cache_utilization', help: 'KV cache utilization.', type: 'gauge', of: kvUsage },
  ],
};

/** What a gateway's endpoint picker asks of any model server. */
export interface GatewayMetricNames {
  readonly queued: string;
  readonly running: string;
  readonly kvUsage: string;
}

/**
 * The names by which the Gateway API Inference Extension finds its three gauges (docs/proposals/003). Of vLLM it also
 * reads `vllm:cache_config_info` (labels `block_size`, `num_gpu_blocks`) and `vllm:lora_requests_info`.
 */
export const GATEWAY_EXTENSION_METRICS = {
  vllm: {
    queued: 'vllm:num_requests_waiting',
    running: 'vllm:num_requests_running',
    kvUsage: 'vllm:kv_cache_usage_perc',
  },
  sglang: { queued: 'sglang:num_queue_reqs', running: 'sglang:num_running_reqs', kvUsage: 'sglang:token_usage' },
  trtllm: {
    queued: 'trtllm_num_requests_waiting',
    running: 'trtllm_num_requests_running',
    kvUsage: 'trtllm_kv_cache_utilization',
  },
} as const satisfies Record<string, GatewayMetricNames>;

/** An engine's figures by the names of a dialect; all of them carry the model's name, vLLM's the engine's too. */
export function renderMetricDialect(dialect: MetricDialect, snapshot: VllmSnapshot): string {
  const model = { model_name: snapshot.modelName };
  const labels = dialect === 'vllm-0.9' ? { ...model, engine: snapshot.engine } : model;
  const families = METRIC_DIALECTS[dialect].map((row): Family => {
    const { name, help } = row;
    if ('type' in row) return { name, help, type: row.type, samples: [{ labels, value: row.of(snapshot) }] };
    const { key, bounds } = TIMES[row.of];
    const value: HistogramValue = snapshot.histograms[key];
    return { name, help, type: 'histogram', samples: histogramSamples(labels, bounds, value) };
  });
  return encodePrometheus(families);
}
