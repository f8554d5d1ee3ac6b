import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  GATEWAY_EXTENSION_METRICS,
  type HistogramValue,
  METRIC_DIALECTS,
  type MetricDialect,
  renderMetricDialect,
  renderVllmMetrics,
  VLLM_HISTOGRAMS,
  VLLM_PROMPT_SOURCES,
  type VllmHistogram,
  type VllmSnapshot,
  vllmBounds,
} from '../../src/protocol/index.ts';

const MAX_MODEL_LEN = 300;

/** A histogram of so many equal observations. */
function seen(key: VllmHistogram, count: number, value: number): HistogramValue {
  const bounds = vllmBounds(key, MAX_MODEL_LEN);
  const found = bounds.findIndex((bound) => value <= bound);
  const place = found < 0 ? bounds.length : found;
  return { counts: [...bounds, Infinity].map((_, at) => (at === place ? count : 0)), sum: count * value };
}

/** What an engine tells after `requests` of so many prompt and output tokens, `drafted` a draft. */
function after(requests: number, prompt: number, output: number): VllmSnapshot {
  const perRequest = { e2e: 2, queue: 0.1, prefill: 0.4, decode: 1.5 };
  const all = (key: VllmHistogram, value: number) => ({ [key]: seen(key, requests, value) });
  return {
    modelName: 'qwen',
    engine: '0',
    gauges: { num_requests_running: 0, num_requests_waiting: 0, kv_cache_usage_perc: 0 },
    cacheConfig: { blockSize: 16, numGpuBlocks: 100 },
    counters: {
      prefix_cache_queries: requests * prompt,
      prefix_cache_hits: 0,
      num_preemptions: 0,
      prompt_tokens: requests * prompt,
      generation_tokens: requests * output,
      spec_decode_num_drafts: 5,
    },
    requestSuccess: { stop: requests, length: 0, abort: 0, error: 0 },
    promptTokensBySource: { local_compute: requests * prompt, local_cache_hit: 0, external_kv_transfer: 0 },
    waitingByReason: { capacity: 0, deferred: 0 },
    acceptedPerPosition: [4, 2],
    lora: { max: 2, running: ['a', 'b'], waiting: [], at: 1_767_225_600 },
    maxModelLen: MAX_MODEL_LEN,
    histograms: {
      ...all('request_prompt_tokens', prompt),
      ...all('request_generation_tokens', output),
      ...all('request_params_n', 1),
      ...all('request_inference_time_seconds', 1.9),
      inter_token_latency_seconds: seen('inter_token_latency_seconds', requests * (output - 1), 0.02),
      iteration_tokens_total: { ...seen('iteration_tokens_total', requests, prompt + output) },
      request_prefill_time_seconds: seen('request_prefill_time_seconds', requests, perRequest.prefill),
      request_decode_time_seconds: seen('request_decode_time_seconds', requests, perRequest.decode),
      time_to_first_token_seconds: seen('time_to_first_token_seconds', requests, 0.5),
      request_time_per_output_token_seconds: seen('request_time_per_output_token_seconds', requests, 0.02),
      e2e_request_latency_seconds: seen('e2e_request_latency_seconds', requests, perRequest.e2e),
      request_queue_time_seconds: seen('request_queue_time_seconds', requests, perRequest.queue),
    },
  };
}

/** Samples by their whole name, labels and all. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

const LABELS = '{engine="0",model_name="qwen"}';

describe("vLLM's whole set", () => {
  test("holds to vLLM's own sums (tests/entrypoints/serve/instrumentator/test_metrics.py)", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 90 }),
        (r, p, t) => {
          const samples = samplesOf(renderVllmMetrics(after(r, p, t)));
          const of = (name: string, labels = LABELS) => samples.get(`vllm:${name}${labels}`);
          expect(of('time_to_first_token_seconds_count')).toBe(r);
          expect(of('inter_token_latency_seconds_count')).toBe(r * (t - 1));
          expect(of('prompt_tokens_total')).toBe(r * p);
          expect(of('generation_tokens_total')).toBe(r * t);
          expect(of('iteration_tokens_total_sum')).toBe(r * (p + t));
          expect(of('request_prompt_tokens_sum')).toBe(r * p);
          const sources = VLLM_PROMPT_SOURCES.map((source) =>
            of('prompt_tokens_by_source_total', `{engine="0",model_name="qwen",source="${source}"}`),
          );
          expect(sources.reduce<number>((sum, tokens) => sum + tokens!, 0)).toBe(r * p);
        },
      ),
    );
  });

  const text = renderVllmMetrics(after(2, 30, 5));

  test.each([
    'vllm:num_requests_waiting_by_reason{engine="0",model_name="qwen",reason="capacity"} 0.0',
    'vllm:lora_requests_info{max_lora="2",running_lora_adapters="a,b",waiting_lora_adapters=""} 1.7672256e+09',
    'vllm:prefix_cache_queries_total{engine="0",model_name="qwen"} 60.0',
    'vllm:spec_decode_num_drafts_total{engine="0",model_name="qwen"} 5.0',
    'vllm:spec_decode_num_accepted_tokens_per_pos_total{engine="0",model_name="qwen",position="1"} 2.0',
    'vllm:request_prompt_tokens_bucket{engine="0",le="50.0",model_name="qwen"} 2.0',
    'vllm:iteration_tokens_total_bucket{engine="0",le="16384.0",model_name="qwen"} 2.0',
    '# TYPE vllm:request_inference_time_seconds histogram',
  ])('shows %s', (line) => {
    expect(text.split('\n')).toContain(line);
  });

  test('names no metric twice, and leaves out what an engine does not tell', () => {
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(text).not.toContain('mm_cache');
    expect(text).not.toContain('request_num_preemptions');
  });

  test('counts tokens in steps of 1, 2 and 5, up to the longest context', () => {
    expect(vllmBounds('request_prompt_tokens', 100)).toEqual([1, 2, 5, 10, 20, 50, 100]);
    expect(vllmBounds('request_prompt_tokens', 99)).toEqual([1, 2, 5, 10, 20, 50]);
    for (const key of Object.keys(VLLM_HISTOGRAMS) as VllmHistogram[]) {
      const bounds = vllmBounds(key, 131_072);
      expect([...bounds].sort((one, other) => one - other)).toEqual(bounds);
    }
  });

  test('of token counts needs the longest context', () => {
    const { maxModelLen: _, ...without } = after(1, 2, 3);
    expect(() => renderVllmMetrics(without)).toThrow('Invariant');
  });
});

describe('the same figures by other names', () => {
  const snapshot = {
    ...after(2, 30, 5),
    gauges: { num_requests_running: 3, num_requests_waiting: 4, kv_cache_usage_perc: 0.5 },
  };

  test.each(['sglang', 'trtllm'] as const)("are where the gateway extension looks for %s's", (dialect) => {
    const samples = samplesOf(renderMetricDialect(dialect, snapshot));
    const { queued, running, kvUsage } = GATEWAY_EXTENSION_METRICS[dialect];
    const labels = '{model_name="qwen"}';
    expect([queued, running, kvUsage].map((name) => samples.get(name + labels))).toEqual([4, 3, 0.5]);
  });

  test("vLLM's are there too", () => {
    const samples = samplesOf(renderVllmMetrics(snapshot));
    const { queued, running, kvUsage } = GATEWAY_EXTENSION_METRICS.vllm;
    expect([queued, running, kvUsage].map((name) => samples.get(name + LABELS))).toEqual([4, 3, 0.5]);
  });

  test.each([
    ['mindie', 'npu_cache_usage_perc{model_name="qwen"}', 0.5],
    ['mindie', 'request_received_total{model_name="qwen"}', 9],
    ['mindie', 'num_requests_waiting{model_name="qwen"}', 4],
    ['mindie', 'time_to_first_token_seconds_count{model_name="qwen"}', 2],
    ['vllm-0.9', 'vllm:gpu_cache_usage_perc{engine="0",model_name="qwen"}', 0.5],
    ['vllm-0.9', 'vllm:time_per_output_token_seconds_count{engine="0",model_name="qwen"}', 2],
  ] as const)('%s has %s', (dialect, name, value) => {
    expect(samplesOf(renderMetricDialect(dialect, snapshot)).get(name)).toBe(value);
  });

  test('every dialect names no metric twice', () => {
    for (const dialect of Object.keys(METRIC_DIALECTS) as MetricDialect[]) {
      const names = METRIC_DIALECTS[dialect].map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
    }
  });
});
