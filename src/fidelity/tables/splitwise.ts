import { percentile } from '../../telemetry/index.ts';
import { groupedBy } from '../grouping.ts';
import { readTable } from './table.ts';

/** A batch of equal prompts, computed at once and then decoded together. Medians of repeated measurements. */
export interface SplitwisePoint {
  readonly model: string;
  readonly hardware: string;
  readonly tensorParallel: number;
  readonly promptTokens: number;
  readonly batch: number;
  readonly outputTokens: number;
  readonly promptMs: number;
  readonly tokenMs: number;
}

/** Reads Splitwise's `perf_model.csv` (splitwise-sim). */
export function readSplitwise(text: string, file: string): SplitwisePoint[] {
  const keys = ['model', 'hardware', 'tensor_parallel', 'prompt_size', 'batch_size', 'token_size'] as const;
  const rows = readTable(text, file, [...keys, 'prompt_time', 'token_time']);
  const groups = groupedBy(rows, (row) => keys.map((key) => row.text(key)).join('|'));
  return [...groups.values()].map((group) => {
    const [row] = group;
    const median = (column: string): number =>
      percentile(Float64Array.from(group, (each) => each.number(column)).sort(), 50);
    return {
      model: row!.text('model'),
      hardware: row!.text('hardware'),
      tensorParallel: row!.number('tensor_parallel'),
      promptTokens: row!.number('prompt_size'),
      batch: row!.number('batch_size'),
      outputTokens: row!.number('token_size'),
      promptMs: median('prompt_time'),
      tokenMs: median('token_time'),
    };
  });
}
