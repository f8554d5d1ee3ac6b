import type { StepFigures } from '../engine/index.ts';
import {
  type HistogramValue,
  type MetricDialect,
  PROMETHEUS_CONTENT_TYPE,
  renderMetricDialect,
  renderVllmMetrics,
  type VllmCounter,
  type VllmHistogram,
  type VllmSnapshot,
  vllmBounds,
} from '../protocol/index.ts';
import type { EngineMetrics } from '../telemetry/index.ts';
import { ReadyExchange } from './exchange.ts';
import type { Asked } from './server-answers.ts';

/** The names that each kind of engine has for its figures; vLLM's own are not a dialect. */
const DIALECTS: Readonly<Partial<Record<string, MetricDialect>>> = {
  sglang: 'sglang',
  mindie: 'mindie',
  trtllm: 'trtllm',
};

/**
 * A pod's `/metrics`, in its engine's own names and vLLM's buckets. `?compat=0.9` adds the two names that vLLM has
 * dropped since and gateways still scrape.
 */
export function podMetrics({ at, world, replica, query }: Asked): ReadyExchange {
  const { metrics } = world.taps[replica.engine!.id]!;
  const snapshot = snapshotOf(replica, metrics);
  const dialect = DIALECTS[replica.modelUnit.engine.kind ?? 'vllm'];
  const own = dialect === undefined ? renderVllmMetrics(snapshot) : renderMetricDialect(dialect, snapshot);
  const old = new URLSearchParams(query).get('compat') === '0.9' ? renderMetricDialect('vllm-0.9', snapshot) : '';
  return new ReadyExchange(at, 200, { 'content-type': PROMETHEUS_CONTENT_TYPE }, own + old);
}

function snapshotOf({ modelUnit: unit, modelEngine: engine }: Asked['replica'], metrics: EngineMetrics): VllmSnapshot {
  const { spec } = engine!;
  const figures = engine!.figures();
  const { maxModelLen } = spec;
  const tokens = (histogram: HistogramValue): HistogramValue => withinContext(histogram, maxModelLen);
  const steps = engine!.stepFigures();
  const { ownPromptTokens, cachedPromptTokens, takenOverTokens, fetchedTokens } = metrics;
  return {
    modelName: unit.servedModelName,
    engine: '0',
    maxModelLen,
    cacheConfig: { blockSize: spec.blockSize, numGpuBlocks: spec.kvBlocks },
    gauges: {
      num_requests_running: figures.running,
      num_requests_waiting: figures.waiting,
      kv_cache_usage_perc: figures.kvBlocksUsed / figures.kvBlocksTotal,
    },
    waitingByReason: { capacity: figures.waiting - figures.receiving, deferred: figures.receiving },
    counters: {
      prefix_cache_queries: figures.prefixQueries,
      prefix_cache_hits: figures.prefixHits,
      num_preemptions: figures.preemptions,
      ...(unit.role === 'decode'
        ? { external_prefix_cache_queries: takenOverTokens, external_prefix_cache_hits: fetchedTokens }
        : {}),
      prompt_tokens: ownPromptTokens + takenOverTokens,
      prompt_tokens_cached: cachedPromptTokens + fetchedTokens,
      generation_tokens: figures.generationTokens,
      ...(spec.speculation === undefined ? {} : draftCounts(steps)),
    },
    promptTokensBySource: {
      local_compute: ownPromptTokens - cachedPromptTokens + takenOverTokens - fetchedTokens,
      local_cache_hit: cachedPromptTokens,
      external_kv_transfer: fetchedTokens,
    },
    ...(spec.speculation === undefined ? {} : { acceptedPerPosition: acceptedPerPosition(steps) }),
    requestSuccess: metrics.finished,
    histograms: {
      iteration_tokens_total: steps.tokens,
      request_prompt_tokens: tokens(metrics.promptTokens),
      request_generation_tokens: tokens(metrics.generationTokens),
      request_max_num_generation_tokens: tokens(metrics.longest),
      request_params_n: metrics.n,
      request_params_max_tokens: tokens(metrics.maxTokens),
      time_to_first_token_seconds: metrics.ttft,
      inter_token_latency_seconds: metrics.itl,
      request_time_per_output_token_seconds: metrics.tpot,
      e2e_request_latency_seconds: metrics.e2e,
      request_queue_time_seconds: metrics.queue,
      request_inference_time_seconds: metrics.inference,
      request_prefill_time_seconds: metrics.prefill,
      request_decode_time_seconds: metrics.decode,
      request_prefill_kv_computed_tokens: tokens(metrics.computedTokens),
      request_num_preemptions: metrics.preemptions,
    },
  };
}

type DraftCounter = VllmCounter & `spec_decode_${string}`;

function draftCounts(steps: StepFigures): Pick<VllmSnapshot['counters'], DraftCounter> {
  return {
    spec_decode_num_drafts: steps.drafts.reduce((all, count) => all + count, 0),
    spec_decode_num_draft_tokens: steps.draftTokens,
    spec_decode_num_accepted_tokens: acceptedPerPosition(steps).reduce((all, count) => all + count, 0),
  };
}

/** A token was accepted if more than those before it were. */
function acceptedPerPosition({ drafts }: StepFigures): number[] {
  return drafts.slice(1).map((_, position) => drafts.slice(position + 1).reduce((all, count) => all + count, 0));
}

const BY_CONTEXT: VllmHistogram = 'request_prompt_tokens';

/** Counts by the bounds up to the longest context; what is above them is in the last bucket. */
function withinContext({ counts, sum }: HistogramValue, maxModelLen: number): HistogramValue {
  const bounds = vllmBounds(BY_CONTEXT, maxModelLen).length;
  return { counts: [...counts.slice(0, bounds), counts.slice(bounds).reduce((all, count) => all + count, 0)], sum };
}
