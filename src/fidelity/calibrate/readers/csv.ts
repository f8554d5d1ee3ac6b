import { UserError } from '../../../kernel/index.ts';
import { readTable } from '../../tables/table.ts';
import type { Load, MeasuredPoint } from '../points.ts';

/** Columns that a hand-written table must have, besides `concurrency` or `rate`. */
export const CSV_COLUMNS = ['isl', 'osl', 'ttft_ms', 'tpot_ms'] as const;

/**
 * A table with a line for each point: `concurrency` or `rate` (requests a second, Poisson), `isl`, `osl`, `ttft_ms`,
 * `tpot_ms`, and if you have them `throughput` (output tokens a second) and `requests` (how many were sent).
 */
export function readCsvPoints(text: string, file: string): MeasuredPoint[] {
  return readTable(text, file, CSV_COLUMNS).map((row) => {
    const positive = (column: string): number | undefined => {
      const value = row.numberIfAny(column);
      if (value === undefined || value > 0) return value;
      throw new UserError(`${column}: got ${value}, expected a number above 0`, { file, line: row.line });
    };
    const needed = (column: string): number => positive(column) ?? row.number(column);
    const clients = positive('concurrency');
    const rate = positive('rate');
    if ((clients === undefined) === (rate === undefined)) {
      throw new UserError('expected a concurrency or a rate, and not both', { file, line: row.line });
    }
    const load: Load =
      clients !== undefined ? { kind: 'closed', clients } : { kind: 'open', rate: rate!, arrivals: 'poisson' };
    const ttft = positive('ttft_ms');
    const tpot = positive('tpot_ms');
    if (ttft === undefined && tpot === undefined) {
      throw new UserError('expected a ttft_ms or a tpot_ms, or both', { file, line: row.line });
    }
    const throughput = positive('throughput');
    return {
      file,
      load,
      requests: positive('requests'),
      prompt: { kind: 'mean', mean: needed('isl'), deviation: 0 },
      output: { kind: 'mean', mean: needed('osl'), deviation: 0 },
      measured: {
        ...(ttft === undefined ? {} : { ttft }),
        ...(tpot === undefined ? {} : { tpot }),
        ...(throughput === undefined ? {} : { throughput }),
      },
      notes: [],
    };
  });
}
