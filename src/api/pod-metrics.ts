import type { Micros } from '../kernel/index.ts';
import type { World } from '../lab/index.ts';
import type { UnitReplica } from '../platform/index.ts';
import { PROMETHEUS_CONTENT_TYPE, renderVllmMetrics } from '../protocol/index.ts';
import { type Exchange, ReadyExchange } from './exchange.ts';

/** A pod's `/metrics`, in vLLM's names and buckets. */
export function podMetrics(at: Micros, world: World, replica: UnitReplica): Exchange {
  const engine = replica.engine!;
  const figures = engine.figures();
  const { metrics } = world.taps[engine.id]!;
  const { unit } = replica;
  const text = renderVllmMetrics({
    modelName: unit.servedModelName,
    engine: '0',
    cacheConfig: { blockSize: engine.spec.blockSize, numGpuBlocks: engine.spec.kvBlocks },
    gauges: {
      num_requests_running: figures.running,
      num_requests_waiting: figures.waiting,
      kv_cache_usage_perc: figures.kvBlocksUsed / figures.kvBlocksTotal,
    },
    counters: {
      num_preemptions: figures.preemptions,
      prompt_tokens: figures.promptTokens,
      generation_tokens: figures.generationTokens,
    },
    requestSuccess: { ...metrics.finished, error: 0 },
    histograms: {
      time_to_first_token_seconds: metrics.ttft,
      request_time_per_output_token_seconds: metrics.tpot,
      e2e_request_latency_seconds: metrics.e2e,
      request_queue_time_seconds: metrics.queue,
    },
  });
  return new ReadyExchange(at, 200, { 'content-type': PROMETHEUS_CONTENT_TYPE }, text);
}
