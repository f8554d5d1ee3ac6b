import { readTable } from './table.ts';

/** One benchmark of GPUStack's performance lab. */
export interface LabRow {
  readonly model: string;
  readonly hardware: string;
  readonly label: string;
  readonly command: string;
  readonly requests: number;
  /** undefined: all requests at once. */
  readonly concurrency: number | undefined;
  /** Means over the requests. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly outputTokensPerSecond: number;
  readonly ttftMs: number;
  readonly tpotMs: number;
}

/** Reads GPUStack's performance lab as parsed from its pages; rows without a figure are left out. */
export function readLab(text: string, file: string): LabRow[] {
  const columns = ['model', 'hw', 'label', 'serve_cmd', 'n', 'in_tok', 'out_tok', 'out_tps', 'ttft_mean', 'tpot_mean'];
  return readTable(text, file, columns).flatMap((row) => {
    const requests = row.numberIfAny('n');
    const ttftMs = row.numberIfAny('ttft_mean');
    const tpotMs = row.numberIfAny('tpot_mean');
    if (requests === undefined || ttftMs === undefined || tpotMs === undefined) return [];
    return [
      {
        model: row.text('model'),
        hardware: row.text('hw'),
        label: row.text('label'),
        command: row.text('serve_cmd'),
        requests,
        concurrency: row.numberIfAny('max_conc'),
        promptTokens: row.number('in_tok') / requests,
        outputTokens: row.number('out_tok') / requests,
        outputTokensPerSecond: row.number('out_tps'),
        ttftMs,
        tpotMs,
      },
    ];
  });
}
