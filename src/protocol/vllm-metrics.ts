import { encodePrometheus, type Family, type HistogramValue, histogramSamples, type Labels } from './prometheus.ts';

/**
 * The metrics of one vLLM engine, as gateways and autoscalers scrape them. Names, help and bounds are vLLM's
 * (vllm/v1/metrics/loggers.py); keys are the metric names without `vllm:` and `_total`.
 */
export const VLLM_GAUGES = {
  num_requests_running: 'Number of requests in model execution batches.',
  num_requests_waiting: 'Number of requests waiting to be processed.',
  kv_cache_usage_perc: 'KV-cache usage. 1 means 100 percent usage.',
} as const;

export const VLLM_COUNTERS = {
  num_preemptions: 'Cumulative number of preemption from the engine.',
  prompt_tokens: 'Number of prefill tokens processed.',
  generation_tokens: 'Number of generation tokens processed.',
} as const;

/** Upper bounds of the buckets, in seconds; above the last there is one more bucket. */
export const VLLM_BUCKETS = {
  timeToFirstToken: [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
  ],
  timePerOutputToken: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80],
  requestLatency: [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680],
} as const satisfies Record<string, readonly number[]>;

interface HistogramRow {
  readonly help: string;
  readonly bounds: readonly number[];
}

export const VLLM_HISTOGRAMS = {
  time_to_first_token_seconds: {
    help: 'Histogram of time to first token in seconds.',
    bounds: VLLM_BUCKETS.timeToFirstToken,
  },
  request_time_per_output_token_seconds: {
    help: 'Histogram of time_per_output_token_seconds per request.',
    bounds: VLLM_BUCKETS.timePerOutputToken,
  },
  e2e_request_latency_seconds: {
    help: 'Histogram of e2e request latency in seconds.',
    bounds: VLLM_BUCKETS.requestLatency,
  },
  request_queue_time_seconds: {
    help: 'Histogram of time spent in WAITING phase for request.',
    bounds: VLLM_BUCKETS.requestLatency,
  },
} as const satisfies Record<string, HistogramRow>;

/** The values of the label `finished_reason`. */
export const VLLM_FINISHED_REASONS = ['stop', 'length', 'abort', 'error'] as const;

export type VllmGauge = keyof typeof VLLM_GAUGES;
export type VllmCounter = keyof typeof VLLM_COUNTERS;
export type VllmHistogram = keyof typeof VLLM_HISTOGRAMS;
export type VllmFinishedReason = (typeof VLLM_FINISHED_REASONS)[number];

/** One engine's metrics at one instant. Counters and histograms count from the engine's start. */
export interface VllmSnapshot {
  readonly modelName: string;
  /** The engine's index in its server; `'0'` where there is one. */
  readonly engine: string;
  readonly gauges: Readonly<Record<VllmGauge, number>>;
  readonly cacheConfig: { readonly blockSize: number; readonly numGpuBlocks: number };
  readonly counters: Readonly<Record<VllmCounter, number>>;
  readonly requestSuccess: Readonly<Record<VllmFinishedReason, number>>;
  /** Counts by the bounds in {@link VLLM_HISTOGRAMS}, and one above them. */
  readonly histograms: Readonly<Record<VllmHistogram, HistogramValue>>;
}

/** The body of an engine's `GET /metrics`. */
export function renderVllmMetrics(snapshot: VllmSnapshot): string {
  const labels = { model_name: snapshot.modelName, engine: snapshot.engine };
  return encodePrometheus([
    ...entries(VLLM_GAUGES).map(([key, help]) => single(key, help, 'gauge', labels, snapshot.gauges[key])),
    cacheConfig(snapshot),
    ...entries(VLLM_COUNTERS).map(([key, help]) => {
      return single(`${key}_total`, help, 'counter', labels, snapshot.counters[key]);
    }),
    requestSuccess(snapshot, labels),
    ...entries(VLLM_HISTOGRAMS).map(([key, { help, bounds }]) => {
      return family(key, help, 'histogram', histogramSamples(labels, bounds, snapshot.histograms[key]));
    }),
  ]);
}

function family(name: string, help: string, type: Family['type'], samples: Family['samples']): Family {
  return { name: `vllm:${name}`, help, type, samples };
}

function single(name: string, help: string, type: Family['type'], labels: Labels, value: number): Family {
  return family(name, help, type, [{ labels, value }]);
}

/** An info metric: the facts are its labels. It carries no model name, as vLLM's does not. */
function cacheConfig({ engine, cacheConfig: { blockSize, numGpuBlocks } }: VllmSnapshot): Family {
  const labels = { engine, block_size: String(blockSize), num_gpu_blocks: String(numGpuBlocks) };
  return single('cache_config_info', 'Information of the LLMEngine CacheConfig', 'gauge', labels, 1);
}

function requestSuccess(snapshot: VllmSnapshot, labels: Labels): Family {
  const samples = VLLM_FINISHED_REASONS.map((reason) => {
    return { labels: { ...labels, finished_reason: reason }, value: snapshot.requestSuccess[reason] };
  });
  return family('request_success_total', 'Count of successfully processed requests.', 'counter', samples);
}

function entries<Table extends object>(table: Table): [keyof Table & string, Table[keyof Table]][] {
  return Object.entries(table) as [keyof Table & string, Table[keyof Table]][];
}
