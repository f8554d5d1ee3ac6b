import { type EngineKind, PRECISIONS, type Precision } from '../../catalog/index.ts';
import { type Layout, repaired } from './layout.ts';
import { readTable, type TableRow } from './table.ts';

const ENGINES = ['vllm', 'sglang', 'trtllm'] as const satisfies readonly EngineKind[];
export type EngineName = (typeof ENGINES)[number];

/** Some alike engines of a disaggregated deployment. */
export interface Pool {
  readonly layout: Layout;
  /** undefined where the table does not tell. */
  readonly workers: number | undefined;
}

/** One measured row of the silicon table: a deployment, a load and two latencies. */
export interface SiliconRow {
  readonly id: string;
  readonly source: string;
  readonly engine: EngineName;
  /** `none` where the table does not tell. */
  readonly version: string;
  readonly modelPath: string;
  readonly accelerator: string;
  readonly precision: Precision;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Clients, each with one request under way. undefined where the table does not tell. */
  readonly concurrency: number | undefined;
  /** The shortest length that the harness drew, as a share of the nominal one. */
  readonly shortest: number;
  readonly deployment:
    | { readonly mode: 'agg'; readonly layout: Layout }
    | { readonly mode: 'disagg'; readonly prefill: Pool; readonly decode: Pool; readonly decodeBatch: number };
  readonly ttftMs: number;
  readonly tpotMs: number;
}

const COLUMNS = [
  'id',
  'silicon_data_source',
  'backend',
  'backend_version',
  'model_path',
  'system',
  'precision',
  'mode',
  'isl',
  'osl',
  'silicon_ttft_ms',
  'silicon_tpot_ms',
] as const;

/** The table's own harness drew fixed lengths; every other source is InferenceMAX's, whose range ratio is 0.8. */
const FIXED_LENGTHS = '/Users/';
const RANGE_RATIO = 0.8;

/** @throws UserError naming line, column, value and what was expected */
export function readSilicon(text: string, file: string): SiliconRow[] {
  return readTable(text, file, COLUMNS).map(siliconRow);
}

function siliconRow(row: TableRow): SiliconRow {
  const source = row.text('silicon_data_source');
  const count = (column: string): number => row.numberIfAny(column) || 1;
  const layout = (side: string): Layout => ({
    tensorParallel: count(`${side}tp_size`),
    dataParallel: count(`${side}attention_dp_size`),
    expertParallel: count(`${side}moe_ep_size`),
    devices: count(`${side}tp_size`) * count(`${side}attention_dp_size`),
  });
  const fixed = source.includes(FIXED_LENGTHS);
  const pool = (side: string): Pool => ({
    layout: layout(`${side}_`),
    workers: row.numberIfAny(`${side}_num_workers`) || undefined,
  });
  const mode = row.oneOf('mode', ['agg', 'disagg']);
  const engine = row.oneOf('backend', ENGINES);
  return {
    id: row.text('id'),
    source,
    engine,
    version: row.text('backend_version') || 'none',
    modelPath: row.text('model_path'),
    accelerator: row.text('system'),
    precision: precisionOf(row),
    promptTokens: row.number('isl'),
    outputTokens: row.number('osl'),
    concurrency: concurrencyOf(row.text('id'), source),
    shortest: fixed ? 1 : RANGE_RATIO,
    deployment:
      mode === 'agg'
        ? { mode, layout: fixed ? layout('') : repaired(layout(''), count('moe_tp_size')) }
        : {
            mode,
            prefill: pool('prefill'),
            decode: pool('decode'),
            decodeBatch: count('decode_batch_size'),
          },
    ttftMs: row.number('silicon_ttft_ms'),
    tpotMs: row.number('silicon_tpot_ms'),
  };
}

function precisionOf(row: TableRow): Precision {
  if (row.text('precision') !== '') return row.oneOf('precision', PRECISIONS);
  return row.text('gemm_quant_mode') === '' ? 'bf16' : 'fp8';
}

function concurrencyOf(id: string, source: string): number | undefined {
  const found = /concurrency=(\d+)/.exec(source) ?? /_c(\d+)(?:_|$)/.exec(id);
  return found === null ? undefined : Number(found[1]);
}
