import { describe, expect, test } from 'vitest';
import { speculating } from '../../src/fidelity/tables/campaigns.ts';
import { readDistServe } from '../../src/fidelity/tables/distserve.ts';
import { readLab } from '../../src/fidelity/tables/lab.ts';
import { repaired } from '../../src/fidelity/tables/layout.ts';
import { readSilicon } from '../../src/fidelity/tables/silicon.ts';
import { readSplitwise } from '../../src/fidelity/tables/splitwise.ts';
import { readLengths, readReference, readRun } from '../../src/fidelity/tables/vllm-runs.ts';
import { clientsOf, WorkerCounts } from '../../src/fidelity/tables/workers.ts';
import { readMeasurements } from '../../src/files/index.ts';

const files = readMeasurements();
const silicon = readSilicon(files.silicon, 'silicon.csv');
const HEADER = files.silicon.slice(0, files.silicon.indexOf('\n')).trimEnd();

/** A table of one row with these fields, the others empty. */
function table(fields: Readonly<Record<string, string>>): string {
  const row = HEADER.split(',').map((column) => fields[column] ?? '');
  return `${HEADER}\n${row.join(',')}\n`;
}

const ROW = {
  id: 'a_c8_x',
  silicon_data_source: 'source_file=a.csv; silicon_concurrency=16; measured=2026-01-02',
  backend: 'vllm',
  backend_version: '0.16.0',
  model_path: 'meta-llama/Llama-3.1-70B',
  system: 'h100_sxm',
  precision: 'fp8',
  mode: 'agg',
  isl: '1024',
  osl: '512',
  tp_size: '4',
  silicon_ttft_ms: '80.5',
  silicon_tpot_ms: '9.25',
};

describe('the silicon table', () => {
  test('is read whole', () => {
    expect(silicon).toHaveLength(3_792);
    expect(silicon.filter(({ deployment }) => deployment.mode === 'disagg')).toHaveLength(1_230);
    expect(
      silicon.filter(({ deployment, concurrency }) => deployment.mode === 'agg' && concurrency === undefined),
    ).toHaveLength(8);
  });

  test('gives a row its load and its layout', () => {
    expect(readSilicon(table(ROW), 'own.csv')[0]).toMatchObject({
      engine: 'vllm',
      accelerator: 'h100_sxm',
      precision: 'fp8',
      concurrency: 16,
      shortest: 0.8,
      deployment: { mode: 'agg', layout: { devices: 4, tensorParallel: 4, dataParallel: 1 } },
      ttftMs: 80.5,
      tpotMs: 9.25,
    });
  });

  test('takes clients from the id where the source tells none, and knows the harness of fixed lengths', () => {
    const own = { ...ROW, silicon_data_source: '/Users/x/data.csv' };
    expect(readSilicon(table(own), 'own.csv')[0]).toMatchObject({ concurrency: 8, shortest: 1 });
    expect(readSilicon(table({ ...own, id: 'a' }), 'own.csv')[0]!.concurrency).toBeUndefined();
  });

  test.each([
    [{ ...ROW, isl: 'long' }, 'own.csv:2: isl: got "long", expected a number'],
    [{ ...ROW, backend: 'tgi' }, 'own.csv:2: backend: got "tgi", expected one of vllm, sglang, trtllm'],
    [{ ...ROW, silicon_tpot_ms: '' }, 'own.csv:2: silicon_tpot_ms: got "", expected a number'],
  ])('says where a value is wrong', (row, message) => {
    expect(() => readSilicon(table(row), 'own.csv')).toThrow(message);
  });

  test('says which column is missing', () => {
    const renamed = table(ROW).replace('isl', 'islx');
    expect(() => readSilicon(renamed, 'own.csv')).toThrow('own.csv:1: no column "isl": there is "islx"');
  });
});

describe('parallelism', () => {
  const layout = (tensorParallel: number, dataParallel: number, expertParallel: number) => ({
    devices: tensorParallel * dataParallel,
    tensorParallel,
    dataParallel,
    expertParallel,
  });

  test('written as a square is taken back to its devices', () => {
    expect(repaired(layout(16, 1, 4), 4)).toMatchObject({ devices: 4, tensorParallel: 4, dataParallel: 1 });
    expect(repaired(layout(1, 64, 8), 8)).toMatchObject({ devices: 8, tensorParallel: 1, dataParallel: 8 });
    expect(repaired(layout(8, 8, 64), 1)).toMatchObject({ devices: 8, tensorParallel: 8, dataParallel: 1 });
  });

  test('that can be meant is left alone', () => {
    expect(repaired(layout(4, 1, 1), 4)).toEqual(layout(4, 1, 1));
    expect(repaired(layout(4, 1, 4), 1)).toEqual(layout(4, 1, 4));
    expect(repaired(layout(1, 1, 1), 1)).toEqual(layout(1, 1, 1));
  });
});

describe('worker counts', () => {
  const counts = new WorkerCounts(silicon);
  const disaggregated = silicon.filter(({ deployment }) => deployment.mode === 'disagg');

  test('are known for every disaggregated row, or imputed and marked so', () => {
    const workers = disaggregated.map((row) => counts.of(row)!);
    expect(workers.every(({ prefill, decode }) => prefill.workers > 0 && decode.workers > 0)).toBe(true);
    const known = workers.filter(({ imputed }) => !imputed).length;
    expect(known).toBeGreaterThan(226);
    expect(known).toBeLessThan(600);
  });

  test('do not depend on what was measured', () => {
    const slower = silicon.map((row) => ({ ...row, ttftMs: 2 * row.ttftMs, tpotMs: 3 * row.tpotMs }));
    const others = new WorkerCounts(slower);
    expect(disaggregated.map((row) => others.of(row))).toEqual(disaggregated.map((row) => counts.of(row)));
  });

  test('are none for co-located rows, or without a row to learn from', () => {
    expect(counts.of(silicon.find(({ deployment }) => deployment.mode === 'agg')!)).toBeUndefined();
    const unlabelled = disaggregated.find((row) => counts.of(row)!.imputed)!;
    expect(new WorkerCounts([]).of(unlabelled)).toBeUndefined();
  });

  test('stand in for clients where the row names none', () => {
    const row = disaggregated.find(
      ({ concurrency, deployment }) =>
        concurrency === undefined && deployment.mode === 'disagg' && deployment.decode.workers !== undefined,
    )!;
    expect(clientsOf(row)).toBeGreaterThan(0);
  });
});

test('speculation is told by campaign', () => {
  const row = readSilicon(table(ROW), 'own.csv')[0]!;
  expect(speculating(row, 'llama-3.1-70b')).toBe('never');
  const told = silicon.map((one) =>
    speculating(one, one.modelPath.includes('DeepSeek') ? 'deepseek-v3' : 'qwen3.5-397b-a17b'),
  );
  expect(told).toContain('always');
  expect(told).toContain('unlabelled');
});

describe('the other tables', () => {
  test('a recorded run, with its own figures', () => {
    const { requests, measured } = readRun(files.rtxRun, 'requests.jsonl');
    expect(requests.at).toHaveLength(300);
    expect(requests.at[0]).toBe(0);
    // LLMServingSim's summary of the same run.
    expect(measured).toMatchObject({ ttftMs: expect.closeTo(7_097.2, -1), tpotMs: expect.closeTo(32.5, 0) });
    expect(() => readRun('{"input_toks": 1}', 'x.jsonl')).toThrow('x.jsonl:1: queued_ts: expected a number');
    expect(() => readRun('no', 'x.jsonl')).toThrow('x.jsonl:1: not JSON');
  });

  test('arrivals and lengths, and what frameworks made of them', () => {
    const lengths = readLengths(files.shareGpt, 'lengths.csv');
    expect(lengths.at[0]).toBe(46_927);
    expect(lengths.promptTokens[0]).toBe(85);
    const vllm = readReference(files.h100Single, 'reference.tsv').find(({ framework }) => framework === 'vLLM');
    expect(vllm).toEqual({ framework: 'vLLM', outputTokensPerSecond: 1_833.89, ttftMs: 61.5, tpotMs: 26.72 });
  });

  test("DistServe's coefficients by tensor parallelism", () => {
    const profiles = readDistServe(files.distServe, files.distServeTokens, 'facebook/opt-13b', 'profiler.json');
    expect([...profiles.keys()]).toEqual([1, 2, 4]);
    expect(profiles.get(2)).toMatchObject({
      prefill: { a: expect.closeTo(14.743, 3), b: expect.closeTo(0.068577, 6) },
      kvTokens: expect.any(Number),
      smallBatch: 95,
    });
    expect(() => readDistServe('{}', files.distServeTokens, 'x', 'p.json')).toThrow('p.json: no model "x"');
  });

  test("Splitwise's repeated measurements as medians", () => {
    const points = readSplitwise(files.splitwise, 'perf_model.csv');
    expect(
      points.find(
        (point) =>
          point.model === 'llama2-70b' &&
          point.hardware === 'h100-80gb' &&
          point.tensorParallel === 8 &&
          point.promptTokens === 2_048,
      ),
    ).toMatchObject({ batch: 1, promptMs: expect.closeTo(136.8, 0), tokenMs: expect.closeTo(31, 0) });
  });

  test("the lab's rows with their means", () => {
    const row = readLab(files.lab, 'lab.csv').find(
      ({ model, hardware, requests }) => model === 'qwen3-8b' && hardware === '910b' && requests === 100,
    );
    expect(row).toMatchObject({ promptTokens: 32_000, outputTokens: 100, label: 'random 32K input' });
  });
});
