import { UserError } from '../kernel/index.ts';

/** The published tables that the repository holds, by their place under `fixtures/measurements`. */
export const MEASUREMENT_FILES = {
  silicon: 'silicon/silicon_sample.csv',
  recipes: 'silicon/recipes.csv',
  rtxRun: 'vllm_runs/RTXPRO6000_Llama-3.1-8B/requests.jsonl',
  h100Single: 'vllm_runs/H100_Llama-3.1-70B_SD/reference_latency.tsv',
  h100Double: 'vllm_runs/H100_Llama-3.1-70B_MD/reference_latency.tsv',
  shareGpt: 'vllm_runs/dataset_lengths/sharegpt_req300_rate10_llama.csv',
  distServe: 'distserve/profiler-a100-80g.distserve.json',
  distServeTokens: 'distserve/max_num_tokens.csv',
  splitwise: 'splitwise/perf_model.csv',
  lab: 'gpustack/performance_lab.csv',
} as const;

export type MeasurementFile = keyof typeof MEASUREMENT_FILES;

/** The texts of those files, as a shell has read them. */
export type Measurements = Readonly<Record<MeasurementFile, string>>;

/** Tables by the name that `--table` takes. */
export const TABLES = ['silicon', 'vllm_runs', 'distserve', 'splitwise', 'gpustack'] as const;
export type Table = (typeof TABLES)[number];

/** @throws UserError when there is no such table */
export function tableNamed(name: string): Table {
  const found = TABLES.find((table) => table === name);
  if (found === undefined) throw new UserError(`no table "${name}"; expected one of ${TABLES.join(', ')}`);
  return found;
}
