import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodePrometheus,
  formatFloat,
  histogramSamples,
  renderVllmMetrics,
  VLLM_BUCKETS,
  type VllmSnapshot,
} from '../../src/protocol/index.ts';

describe('Prometheus text', () => {
  test('escapes what would end a label or a line', () => {
    const samples = [{ labels: { model: 'a"b\\c\nd' }, value: 1 }];
    const text = encodePrometheus([{ name: 'up', help: 'Says "up"\\\nor not', type: 'gauge', samples }]);
    expect(text).toBe('# HELP up Says "up"\\\\\\nor not\n# TYPE up gauge\nup{model="a\\"b\\\\c\\nd"} 1.0\n');
  });

  test('sorts labels and needs none', () => {
    const samples = [
      { labels: { z: '1', a: '2' }, value: 2 },
      { labels: {}, value: 3 },
    ];
    const text = encodePrometheus([{ name: 'n_total', help: 'N.', type: 'counter', samples }]);
    expect(text).toBe('# HELP n_total N.\n# TYPE n_total counter\nn_total{a="2",z="1"} 2.0\nn_total 3.0\n');
  });

  test.each([
    [0, '0.0'],
    [3, '3.0'],
    [-2, '-2.0'],
    [0.25, '0.25'],
    [0.001, '0.001'],
    [0.00001, '1e-05'],
    [999_999, '999999.0'],
    [1_500_000, '1.5e+06'],
    [1e21, '1e+21'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [Number.NaN, 'NaN'],
  ])('prints %d as %s', (value, text) => {
    expect(formatFloat(value)).toBe(text);
  });

  test('a printed float reads back as the same number', () => {
    fc.assert(fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (x) => Number(formatFloat(x)) === x));
  });

  test("a histogram's buckets never fall, and the last holds every observation", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1000 }), { minLength: 4, maxLength: 4 }), (counts) => {
        const samples = histogramSamples({ engine: '0' }, [0.1, 1, 10], { counts, sum: 5 });
        const buckets = samples.filter(({ suffix }) => suffix === '_bucket');
        const total = counts.reduce((sum, count) => sum + count, 0);
        expect(buckets.map(({ labels }) => (labels as { le: string }).le)).toEqual(['0.1', '1.0', '10.0', '+Inf']);
        expect(buckets.every(({ value }, at) => at === 0 || value >= (buckets[at - 1]?.value ?? 0))).toBe(true);
        expect(buckets.at(-1)?.value).toBe(total);
        expect(samples.find(({ suffix }) => suffix === '_count')?.value).toBe(total);
        expect(samples.find(({ suffix }) => suffix === '_sum')?.value).toBe(5);
      }),
    );
  });

  test('a histogram without a count above its bounds is a fault', () => {
    expect(() => histogramSamples({}, [1, 2], { counts: [1, 2], sum: 0 })).toThrow('Invariant');
  });
});

describe('vLLM metrics', () => {
  const none = (bounds: readonly number[]) => ({ counts: [...bounds.map(() => 0), 0], sum: 0 });
  const snapshot: VllmSnapshot = {
    modelName: 'qwen',
    engine: '0',
    gauges: { num_requests_running: 2, num_requests_waiting: 5, kv_cache_usage_perc: 0.25 },
    cacheConfig: { blockSize: 16, numGpuBlocks: 1000 },
    counters: { num_preemptions: 1, prompt_tokens: 300, generation_tokens: 2_000_000 },
    requestSuccess: { stop: 3, length: 4, abort: 0, error: 0 },
    histograms: {
      time_to_first_token_seconds: { counts: VLLM_BUCKETS.timeToFirstToken.map(() => 1).concat(2), sum: 6.5 },
      request_time_per_output_token_seconds: none(VLLM_BUCKETS.timePerOutputToken),
      e2e_request_latency_seconds: none(VLLM_BUCKETS.requestLatency),
      request_queue_time_seconds: none(VLLM_BUCKETS.requestLatency),
    },
  };
  const lines = renderVllmMetrics(snapshot).split('\n');

  test.each([
    'vllm:num_requests_running{engine="0",model_name="qwen"} 2.0',
    'vllm:num_requests_waiting{engine="0",model_name="qwen"} 5.0',
    'vllm:kv_cache_usage_perc{engine="0",model_name="qwen"} 0.25',
    'vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="1000"} 1.0',
    'vllm:num_preemptions_total{engine="0",model_name="qwen"} 1.0',
    'vllm:prompt_tokens_total{engine="0",model_name="qwen"} 300.0',
    'vllm:generation_tokens_total{engine="0",model_name="qwen"} 2e+06',
    'vllm:request_success_total{engine="0",finished_reason="length",model_name="qwen"} 4.0',
    'vllm:time_to_first_token_seconds_bucket{engine="0",le="0.001",model_name="qwen"} 1.0',
    'vllm:time_to_first_token_seconds_bucket{engine="0",le="2560.0",model_name="qwen"} 22.0',
    'vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf",model_name="qwen"} 24.0',
    'vllm:time_to_first_token_seconds_count{engine="0",model_name="qwen"} 24.0',
    'vllm:time_to_first_token_seconds_sum{engine="0",model_name="qwen"} 6.5',
    'vllm:request_queue_time_seconds_count{engine="0",model_name="qwen"} 0.0',
    '# TYPE vllm:e2e_request_latency_seconds histogram',
    '# TYPE vllm:prompt_tokens_total counter',
  ])('show %s', (line) => {
    expect(lines).toContain(line);
  });

  test('every line but the comments is a name, labels and a float', () => {
    const samples = lines.filter((line) => line !== '' && !line.startsWith('#'));
    for (const line of samples) expect(line).toMatch(/^vllm:[a-z_0-9]+\{[^}]+\} [-+.e\d]+$/);
  });
});
