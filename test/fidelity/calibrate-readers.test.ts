import { describe, expect, test } from 'vitest';
import { type MeasuredPoint, readPoints } from '../../src/fidelity/index.ts';

/** As `vllm bench serve --save-result --save-detailed` writes it; values made up. */
const VLLM = {
  date: '20260101-000000',
  backend: 'openai',
  model_id: 'acme/tiny-llm',
  num_prompts: 4,
  request_rate: 'inf',
  burstiness: 1,
  max_concurrency: 2,
  duration: 4,
  completed: 3,
  total_input_tokens: 600,
  total_output_tokens: 90,
  request_throughput: 0.75,
  output_throughput: 22.5,
  mean_ttft_ms: 41.5,
  median_ttft_ms: 40,
  mean_tpot_ms: 9.25,
  mean_itl_ms: 9.3,
};
const DETAILS = { input_lens: [100, 200, 300, 400], output_lens: [10, 30, 50, 0] };

/** A distribution as GuideLLM writes it. */
const distribution = (mean: number, std_dev = 0) => ({
  successful: { mean, std_dev, count: 20 },
  errored: { mean: 0 },
});
const guideMetrics = {
  requests_per_second: distribution(1.5),
  request_concurrency: distribution(7.6),
  prompt_token_count: distribution(256, 12),
  output_token_count: distribution(128),
  time_to_first_token_ms: distribution(55),
  time_per_output_token_ms: distribution(12.4),
  inter_token_latency_ms: distribution(11.9),
  output_tokens_per_second: distribution(190),
};

/** As AIPerf writes it. */
const AIPERF = {
  schema_version: '1.3',
  request_throughput: { unit: 'requests/sec', avg: 5.2 },
  request_count: { unit: 'requests', avg: 96 },
  time_to_first_token: { unit: 'ms', avg: 119, std: 55, count: 96 },
  inter_token_latency: { unit: 'ms', avg: 13, std: 3.6, count: 93 },
  output_token_throughput: { unit: 'tokens/sec', avg: 1040 },
  output_sequence_length: { unit: 'tokens', avg: 198.8, std: 170 },
  input_sequence_length: { unit: 'tokens', avg: 367.3, std: 372 },
  input_config: {
    phases: [
      { name: 'warmup', type: 'concurrency', exclude_from_results: true, concurrency: 99 },
      { name: 'profiling', type: 'concurrency', requests: 96, concurrency: 16 },
    ],
  },
};

function read(value: unknown): MeasuredPoint[] {
  return readPoints(JSON.stringify(value), 'run.json');
}

describe('vLLM bench serve', () => {
  test('clients, each answered request, and means', () => {
    const [point, ...more] = read({ ...VLLM, ...DETAILS });
    expect(more).toEqual([]);
    expect(point).toMatchObject({
      file: 'run.json',
      load: { kind: 'closed', clients: 2 },
      requests: 3,
      prompt: { kind: 'each', tokens: [100, 200, 300] },
      output: { kind: 'each', tokens: [10, 30, 50] },
      measured: { ttft: 41.5, tpot: 9.25, throughput: 22.5 },
      notes: [],
    });
  });

  test('without details the means; a rate is an open loop; no limit is all at once', () => {
    const [point] = read({ ...VLLM, request_rate: 2.5, max_concurrency: null });
    expect(point).toMatchObject({
      load: { kind: 'open', rate: 2.5, arrivals: 'poisson' },
      prompt: { kind: 'mean', mean: 200 },
      output: { kind: 'mean', mean: 30 },
    });
    expect(point!.notes.join()).toContain('no input_lens');
    expect(read({ ...VLLM, max_concurrency: null })[0]!.load).toEqual({ kind: 'closed', clients: 3 });
    expect(read({ ...VLLM, request_rate: 2 })[0]!.notes.join()).toContain('max_concurrency 2 beside a rate is ignored');
  });

  test('results in an array, and one a line', () => {
    expect(read([VLLM, VLLM])).toHaveLength(2);
    expect(readPoints(`${JSON.stringify(VLLM)}\n${JSON.stringify(VLLM)}\n`, 'runs.jsonl')).toHaveLength(2);
  });

  test('an endless rate in any spelling', () => {
    const text = JSON.stringify(VLLM).replace('"inf"', 'Infinity').replace('9.3', 'NaN');
    expect(readPoints(text, 'run.json')[0]!.load).toEqual({ kind: 'closed', clients: 2 });
  });

  test('what is missing is named', () => {
    expect(() => read({ ...VLLM, mean_tpot_ms: undefined })).toThrow('run.json: mean_tpot_ms: missing');
    expect(() => read({ ...VLLM, completed: 0 })).toThrow('run.json: completed: got 0, expected a number above 0');
    expect(() => read({ ...VLLM, mean_ttft_ms: 'fast' })).toThrow('mean_ttft_ms: got "fast", expected a number');
  });
});

describe('GuideLLM', () => {
  test('a point for each benchmark; the strategy under config, or args in older reports', () => {
    const of = (strategy: object, parent = 'config') => ({ [parent]: { strategy }, metrics: guideMetrics });
    const points = read({
      benchmarks: [
        of({ type_: 'synchronous' }),
        of({ type_: 'concurrent', streams: 4 }, 'args'),
        of({ type_: 'throughput', max_concurrency: 512 }),
        of({ type_: 'constant', rate: 1.5 }),
        of({ type_: 'poisson', rate: 3 }),
      ],
    });
    expect(points.map(({ load }) => load)).toEqual([
      { kind: 'closed', clients: 1 },
      { kind: 'closed', clients: 4 },
      { kind: 'closed', clients: 8 },
      { kind: 'open', rate: 1.5, arrivals: 'constant' },
      { kind: 'open', rate: 3, arrivals: 'poisson' },
    ]);
    expect(points[0]).toMatchObject({
      requests: 20,
      prompt: { kind: 'mean', mean: 256, deviation: 12 },
      output: { kind: 'mean', mean: 128, deviation: 0 },
      measured: { ttft: 55, tpot: 11.9, throughput: 190 },
    });
  });

  test('what is missing is named with its place', () => {
    const config = { strategy: { type_: 'synchronous' } };
    const { inter_token_latency_ms: _, ...rest } = guideMetrics;
    expect(() => read({ benchmarks: [] })).toThrow('run.json: benchmarks: empty');
    expect(() => read({ benchmarks: [{ config, metrics: rest }] })).toThrow(
      'benchmarks[0].metrics.inter_token_latency_ms.successful.mean: missing',
    );
    expect(() => read({ benchmarks: [{ metrics: guideMetrics }] })).toThrow('benchmarks[0]: no config.strategy');
    expect(() => read({ benchmarks: [{ config: { strategy: { type_: 'burst' } }, metrics: guideMetrics }] })).toThrow(
      'benchmarks[0].config.strategy: type_ is "burst"; expected synchronous',
    );
  });
});

describe('AIPerf and GenAI-Perf', () => {
  test('the phase that counts, means and deviations', () => {
    expect(read(AIPERF)).toMatchObject([
      {
        load: { kind: 'closed', clients: 16 },
        requests: 96,
        prompt: { mean: 367.3, deviation: 372 },
        output: { mean: 198.8, deviation: 170 },
        measured: { ttft: 119, tpot: 13, throughput: 1040 },
      },
    ]);
  });

  test.each([
    ['a rate in a phase', { phases: [{ type: 'poisson', rate: 1 }] }, { kind: 'open', rate: 1, arrivals: 'poisson' }],
    [
      'AIPerf before phases',
      { loadgen: { request_rate: 2, request_rate_mode: 'constant' } },
      { kind: 'open', rate: 2, arrivals: 'constant' },
    ],
    ['AIPerf before phases, clients', { loadgen: { concurrency: 5 } }, { kind: 'closed', clients: 5 }],
    ['GenAI-Perf', { perf_analyzer: { stimulus: { concurrency: 32 } } }, { kind: 'closed', clients: 32 }],
    ['GenAI-Perf of 2024', { concurrency: 3, request_rate: null }, { kind: 'closed', clients: 3 }],
  ])('%s', (_, input_config, load) => {
    expect(read({ ...AIPERF, input_config })[0]!.load).toEqual(load);
  });

  test('units are as they are written', () => {
    const ttft = { unit: 'ns', avg: 119e6 };
    expect(read({ ...AIPERF, time_to_first_token: ttft })[0]!.measured.ttft).toBeCloseTo(119);
    expect(() => read({ ...AIPERF, time_to_first_token: { unit: 'h', avg: 1 } })).toThrow(
      'time_to_first_token.unit: got "h", expected one of ns, us, ms',
    );
  });

  test('what is missing is named', () => {
    const { time_to_first_token: _, ...rest } = AIPERF;
    expect(() => read(rest)).toThrow('expected a run with --streaming');
    expect(() => read({ ...AIPERF, input_config: {} })).toThrow('input_config tells no load; expected phases[]');
  });
});

describe('a table', () => {
  test('a line for each point', () => {
    const points = readPoints(
      'concurrency,rate,isl,osl,ttft_ms,tpot_ms,throughput,requests\n8,,1024,128,90,11,700,80\n,2.5,512,64,,10,,\n',
      'mine.csv',
    );
    expect(points).toMatchObject([
      {
        load: { kind: 'closed', clients: 8 },
        requests: 80,
        prompt: { mean: 1_024 },
        output: { mean: 128 },
        measured: { ttft: 90, tpot: 11, throughput: 700 },
      },
      { load: { kind: 'open', rate: 2.5 }, requests: undefined, measured: { tpot: 10 } },
    ]);
    expect(points[1]!.measured).not.toHaveProperty('ttft');
  });

  test.each([
    ['concurrency,isl,osl,ttft_ms\n1,2,3,4\n', 'mine.csv:1: no column "tpot_ms"'],
    ['concurrency,isl,osl,ttft_ms,tpot_ms\n1,2,3,fast,5\n', 'mine.csv:2: ttft_ms: got "fast", expected a number'],
    [
      'concurrency,rate,isl,osl,ttft_ms,tpot_ms\n1,2,3,4,5,6\n',
      'mine.csv:2: expected a concurrency or a rate, and not',
    ],
    ['concurrency,isl,osl,ttft_ms,tpot_ms\n1,2,3,,\n', 'mine.csv:2: expected a ttft_ms or a tpot_ms'],
    ['concurrency,isl,osl,ttft_ms,tpot_ms\n0,2,3,4,5\n', 'mine.csv:2: concurrency: got 0, expected a number above 0'],
  ])('%j is refused with its line', (text, message) => {
    expect(() => readPoints(text, 'mine.csv')).toThrow(message);
  });
});

test.each([
  ['', 'run.json: empty; expected a result of vllm bench serve'],
  ['{"hello": 1}', "run.json: not a benchmark's output; expected"],
  ['{"hello": 1', 'run.json: not JSON'],
  [`${JSON.stringify(VLLM)}\n{"half`, 'run.json:2: not JSON'],
])('%j is no benchmark', (text, message) => {
  expect(() => readPoints(text, 'run.json')).toThrow(message);
});
