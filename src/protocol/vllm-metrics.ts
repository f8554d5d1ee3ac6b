import { assert } from '../kernel/index.ts';
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
  prefix_cache_queries: 'Prefix cache queries, in terms of number of queried tokens.',
  prefix_cache_hits: 'Prefix cache hits, in terms of number of cached tokens.',
  external_prefix_cache_queries:
    'External prefix cache queries from KV connector cross-instance cache sharing, in terms of number of queried tokens.',
  external_prefix_cache_hits:
    'External prefix cache hits from KV connector cross-instance cache sharing, in terms of number of cached tokens.',
  mm_cache_queries: 'Multi-modal cache queries, in terms of number of queried items.',
  mm_cache_hits: 'Multi-modal cache hits, in terms of number of cached items.',
  num_preemptions: 'Cumulative number of preemption from the engine.',
  prompt_tokens: 'Number of prefill tokens processed.',
  prompt_tokens_cached: 'Number of cached prompt tokens (local + external).',
  generation_tokens: 'Number of generation tokens processed.',
  spec_decode_num_drafts: 'Number of spec decoding drafts.',
  spec_decode_num_draft_tokens: 'Number of draft tokens.',
  spec_decode_num_accepted_tokens: 'Number of accepted tokens.',
} as const;

/** Upper bounds of the buckets, times in seconds; above the last there is one more bucket. */
export const VLLM_BUCKETS = {
  timeToFirstToken: [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
  ],
  timePerOutputToken: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80],
  requestLatency: [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680],
  iterationTokens: [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384],
  choices: [1, 2, 5, 10, 20],
  preemptions: [1, 2, 3, 4, 5, 10, 20],
} as const satisfies Record<string, readonly number[]>;

interface HistogramRow {
  readonly help: string;
  /** Or counts of tokens: 1, 2, 5, 10 and so on up to the longest context. */
  readonly bounds: readonly number[] | 'max_model_len';
}

export const VLLM_HISTOGRAMS = {
  request_prompt_tokens: { help: 'Number of prefill tokens processed.', bounds: 'max_model_len' },
  request_generation_tokens: { help: 'Number of generation tokens processed.', bounds: 'max_model_len' },
  iteration_tokens_total: {
    help: 'Histogram of number of tokens per engine_step.',
    bounds: VLLM_BUCKETS.iterationTokens,
  },
  request_max_num_generation_tokens: {
    help: 'Histogram of maximum number of requested generation tokens.',
    bounds: 'max_model_len',
  },
  request_params_n: { help: 'Histogram of the n request parameter.', bounds: VLLM_BUCKETS.choices },
  request_params_max_tokens: { help: 'Histogram of the max_tokens request parameter.', bounds: 'max_model_len' },
  time_to_first_token_seconds: {
    help: 'Histogram of time to first token in seconds.',
    bounds: VLLM_BUCKETS.timeToFirstToken,
  },
  inter_token_latency_seconds: {
    help: 'Histogram of inter-token latency in seconds.',
    bounds: VLLM_BUCKETS.timePerOutputToken,
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
  request_inference_time_seconds: {
    help: 'Histogram of time spent in RUNNING phase for request.',
    bounds: VLLM_BUCKETS.requestLatency,
  },
  request_prefill_time_seconds: {
    help: 'Histogram of time spent in PREFILL phase for request.',
    bounds: VLLM_BUCKETS.requestLatency,
  },
  request_decode_time_seconds: {
    help: 'Histogram of time spent in DECODE phase for request.',
    bounds: VLLM_BUCKETS.requestLatency,
  },
  request_prefill_kv_computed_tokens: {
    help: 'Histogram of new KV tokens computed during prefill (excluding cached tokens).',
    bounds: 'max_model_len',
  },
  request_num_preemptions: {
    help: 'Histogram of number of preemptions per request.',
    bounds: VLLM_BUCKETS.preemptions,
  },
} as const satisfies Record<string, HistogramRow>;

/** Where a prompt's tokens come from: the label `source`. */
export const VLLM_PROMPT_SOURCES = ['local_compute', 'local_cache_hit', 'external_kv_transfer'] as const;

/** Why a request waits: the label `reason`. */
export const VLLM_WAITING_REASONS = ['capacity', 'deferred'] as const;

/** The values of the label `finished_reason`. */
export const VLLM_FINISHED_REASONS = ['stop', 'length', 'abort', 'error'] as const;

export type VllmGauge = keyof typeof VLLM_GAUGES;
export type VllmCounter = keyof typeof VLLM_COUNTERS;
export type VllmHistogram = keyof typeof VLLM_HISTOGRAMS;
export type VllmFinishedReason = (typeof VLLM_FINISHED_REASONS)[number];
export type VllmPromptSource = (typeof VLLM_PROMPT_SOURCES)[number];
export type VllmWaitingReason = (typeof VLLM_WAITING_REASONS)[number];

/** What every engine tells of; it may tell of the rest, and what it does not is left out. */
type CoreCounter = 'num_preemptions' | 'prompt_tokens' | 'generation_tokens';
type CoreHistogram =
  | 'time_to_first_token_seconds'
  | 'request_time_per_output_token_seconds'
  | 'e2e_request_latency_seconds'
  | 'request_queue_time_seconds';

type Figures<Key extends string, Core extends Key, Value> = Readonly<Record<Core, Value> & Partial<Record<Key, Value>>>;

/** One engine's metrics at one instant. Counters and histograms count from the engine's start. */
export interface VllmSnapshot {
  readonly modelName: string;
  /** The engine's index in its server; `'0'` where there is one. */
  readonly engine: string;
  readonly gauges: Readonly<Record<VllmGauge, number>>;
  readonly cacheConfig: { readonly blockSize: number; readonly numGpuBlocks: number };
  readonly counters: Figures<VllmCounter, CoreCounter, number>;
  readonly requestSuccess: Readonly<Record<VllmFinishedReason, number>>;
  /** Counts by the bounds that {@link vllmBounds} gives, and one above them. */
  readonly histograms: Figures<VllmHistogram, CoreHistogram, HistogramValue>;
  /** The longest context in tokens: bounds go up to it. Needed for the histograms of a request's tokens. */
  readonly maxModelLen?: number;
  readonly waitingByReason?: Readonly<Record<VllmWaitingReason, number>>;
  readonly promptTokensBySource?: Readonly<Record<VllmPromptSource, number>>;
  /** Accepted tokens by their place in the draft. */
  readonly acceptedPerPosition?: readonly number[];
  /** Adapters by name, and when that was last so, in Unix seconds. */
  readonly lora?: {
    readonly max: number;
    readonly running: readonly string[];
    readonly waiting: readonly string[];
    readonly at: number;
  };
}

/** The bounds of a histogram's buckets (loggers.py, build_1_2_5_buckets). */
export function vllmBounds(histogram: VllmHistogram, maxModelLen: number): readonly number[] {
  const { bounds } = VLLM_HISTOGRAMS[histogram];
  if (bounds !== 'max_model_len') return bounds;
  const steps: number[] = [];
  for (let ten = 1; ten <= maxModelLen; ten *= 10) {
    steps.push(...[ten, 2 * ten, 5 * ten].filter((bound) => bound <= maxModelLen));
  }
  return steps;
}

/** The body of an engine's `GET /metrics`. */
export function renderVllmMetrics(snapshot: VllmSnapshot): string {
  const labels = { model_name: snapshot.modelName, engine: snapshot.engine };
  return encodePrometheus([
    ...entries(VLLM_GAUGES).map(([key, help]) => single(key, help, 'gauge', labels, snapshot.gauges[key])),
    ...waitingByReason(snapshot, labels),
    cacheConfig(snapshot),
    ...loraInfo(snapshot),
    ...entries(VLLM_COUNTERS).flatMap(([key, help]) => {
      const value = snapshot.counters[key];
      return value === undefined ? [] : [single(`${key}_total`, help, 'counter', labels, value)];
    }),
    ...promptSources(snapshot, labels),
    ...acceptedPerPosition(snapshot, labels),
    requestSuccess(snapshot, labels),
    ...entries(VLLM_HISTOGRAMS).flatMap(([key, { help }]) => {
      const value = snapshot.histograms[key];
      if (value === undefined) return [];
      return [family(key, help, 'histogram', histogramSamples(labels, boundsOf(snapshot, key), value))];
    }),
  ]);
}

function boundsOf({ maxModelLen }: VllmSnapshot, key: VllmHistogram): readonly number[] {
  const { bounds } = VLLM_HISTOGRAMS[key];
  if (bounds !== 'max_model_len') return bounds;
  assert(maxModelLen !== undefined, `the bounds of ${key} need the longest context`);
  return vllmBounds(key, maxModelLen);
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

function waitingByReason({ waitingByReason: waiting }: VllmSnapshot, labels: Labels): Family[] {
  if (waiting === undefined) return [];
  const samples = VLLM_WAITING_REASONS.map((reason) => ({ labels: { ...labels, reason }, value: waiting[reason] }));
  return [family('num_requests_waiting_by_reason', 'Number of requests waiting, by reason.', 'gauge', samples)];
}

/** Its value is a time and its facts are labels, as the Gateway API Inference Extension reads it. */
function loraInfo({ lora }: VllmSnapshot): Family[] {
  if (lora === undefined) return [];
  const labels = {
    max_lora: String(lora.max),
    running_lora_adapters: lora.running.join(','),
    waiting_lora_adapters: lora.waiting.join(','),
  };
  return [single('lora_requests_info', 'Running stats on lora requests.', 'gauge', labels, lora.at)];
}

function promptSources({ promptTokensBySource: tokens }: VllmSnapshot, labels: Labels): Family[] {
  if (tokens === undefined) return [];
  const samples = VLLM_PROMPT_SOURCES.map((source) => ({ labels: { ...labels, source }, value: tokens[source] }));
  return [family('prompt_tokens_by_source_total', 'Number of prompt tokens by source.', 'counter', samples)];
}

function acceptedPerPosition({ acceptedPerPosition: accepted }: VllmSnapshot, labels: Labels): Family[] {
  if (accepted === undefined) return [];
  const name = 'spec_decode_num_accepted_tokens_per_pos_total';
  const samples = accepted.map((value, position) => ({ labels: { ...labels, position: String(position) }, value }));
  return [family(name, 'Accepted tokens per draft position.', 'counter', samples)];
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
