import { distServePlacements, worstPercent } from '../measure/fidelity.ts';
import type { PromiseRow } from '../support/promise-row.ts';

const RTX = 'rtx-pro-6000 vllm bf16 llama-3.1-8b';
const H100_SINGLE = 'h100 vllm bf16 llama-3.1-70b TP4 x 1 (SD)';
const H100_DOUBLE = 'h100 vllm bf16 llama-3.1-70b TP4 x 2 (MD)';

type Origin = Parameters<typeof worstPercent>[0];

/** A row that shows the worst of some bars of `inferlab fidelity`. All such rows share one run of it. */
function bar(name: string, measures: string, limit: number, bars: readonly string[], origin: Origin): PromiseRow {
  const measure = (): Promise<number> => worstPercent(origin, bars);
  const command = 'node dist/cli/main.js fidelity';
  return { name, measures, target: ['<=', limit], unit: '%', quick: false, command, measure };
}

/** Rows of measurements that the fits have seen. */
const replayed = (name: string, measures: string, limit: number, ...bars: string[]): PromiseRow =>
  bar(name, measures, limit, bars, 'replayed');

/** Rows of measurements that a fit has not seen, by that fit. */
const heldOut = (name: string, measures: string, limit: number, ...bars: string[]): PromiseRow =>
  bar(name, measures, limit, bars, 'held out');

function placement(name: string, sample: string): PromiseRow {
  return {
    name,
    measures: `OPT-13B on four A100s, ${sample}: best placements that are DistServe's (TP 2 prefill, TP 1 decode)`,
    target: ['=', 1],
    unit: 'of 1',
    quick: false,
    command: 'node dist/cli/main.js fidelity --table distserve',
    measure: () => distServePlacements(sample),
  };
}

/** How far the engine's step times are from published measurements. */
export const FIDELITY_PROMISES: readonly PromiseRow[] = [
  replayed('rtx-ttft-mean', 'the vLLM run on RTX PRO 6000, Llama-3.1-8B: error of mean TTFT', 10, `${RTX}: ttft`),
  replayed('rtx-ttft-p99', 'the same run: error of TTFT at p99', 15, `${RTX}: ttft_p99`),
  replayed(
    'rtx-tpot-e2e-throughput',
    'the same run: the largest error of TPOT, E2E and throughput',
    5,
    ...['tpot', 'e2e', 'throughput'].map((metric) => `${RTX}: ${metric}`),
  ),
  ...(
    [
      ['ttft', 15],
      ['tpot', 10],
      ['throughput', 5],
    ] as const
  ).map(([metric, limit]) =>
    replayed(
      `h100-${metric}`,
      `the vLLM runs on H100, Llama-3.1-70B, one engine (SD) and two (MD): the larger error of ${metric}`,
      limit,
      `${H100_SINGLE}: ${metric}`,
      `${H100_DOUBLE}: ${metric}`,
    ),
  ),
  replayed(
    'silicon-dense-tpot-mape',
    'silicon table, dense models, co-located: TPOT',
    10,
    'silicon, dense co-located: tpot MAPE',
  ),
  heldOut(
    'silicon-dense-tpot-mape-held-out',
    'the same, each row by a fit that has not seen it (three folds)',
    10,
    'silicon, dense co-located: tpot MAPE, three folds',
  ),
  heldOut(
    'silicon-dense-tpot-mape-model-left-out',
    'the same, each model by a fit that has not seen it; as the fit reported, not measured again',
    20,
    'silicon, dense co-located: tpot MAPE, whole model left out',
  ),
  replayed(
    'silicon-dense-ttft-median',
    'silicon table, dense models, co-located, below saturation: median error of TTFT',
    20,
    'silicon, dense co-located below saturation: ttft median APE',
  ),
  heldOut(
    'silicon-dense-ttft-median-held-out',
    'the same, each row by a fit that has not seen it; as the fit reported, not measured again',
    20,
    'silicon, dense co-located below saturation: ttft median APE',
  ),
  replayed(
    'silicon-moe-tpot-mape',
    'silicon table, MoE models, co-located: TPOT',
    15,
    'silicon, MoE co-located: tpot MAPE',
  ),
  heldOut(
    'silicon-moe-tpot-mape-held-out',
    'the same, each row by a fit that has not seen it (three folds)',
    15,
    'silicon, MoE co-located: tpot MAPE, three folds',
  ),
  replayed(
    'silicon-disaggregated-tpot-mape',
    'silicon table, disaggregated: TPOT, worker counts known or not',
    20,
    'silicon, disaggregated: tpot MAPE',
  ),
  heldOut(
    'silicon-disaggregated-counted-tpot-mape-held-out',
    'the rows with worker counts, each by a fit that has not seen it (three folds)',
    20,
    'silicon, disaggregated with worker counts: tpot MAPE, three folds',
  ),
  replayed(
    'ascend-910b-median',
    'Qwen3-8B on one 910B, vLLM-Ascend: median error of TTFT, TPOT and throughput (a few-point fit)',
    20,
    'ascend-910b vllm-ascend 0.9.1 bf16 qwen3-8b: median of TTFT, TPOT and throughput (a few-point fit)',
  ),
  placement('distserve-placement', 'ShareGPT sample at hand'),
  placement('distserve-placement-stretched', 'stretched to the published means'),
];
