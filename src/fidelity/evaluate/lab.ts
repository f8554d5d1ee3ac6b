import { micros } from '../../kernel/index.ts';
import type { Comparison } from '../figures.ts';
import { drawRequests, type Requests } from '../harness/load.ts';
import { openLoop } from '../harness/open-loop.ts';
import type { Measurements } from '../measurements.ts';
import { MEASUREMENT_FILES } from '../measurements.ts';
import { ASCEND_LAB, runSetup } from '../setups.ts';
import { type LabRow, readLab } from '../tables/lab.ts';
import { readLengths } from '../tables/vllm-runs.ts';

export const ASCEND_GROUP = 'ascend-910b vllm-ascend 0.9.1 bf16 qwen3-8b';

/**
 * The rows of GPUStack's lab that are replayed: Qwen3-8B on one 910B, served by vLLM-Ascend. MindIE's rows report a
 * TPOT that holds queueing, and five of them are another page's; see {@link NOT_COVERED}.
 */
export function evaluateLab(files: Measurements): Comparison[] {
  const shareGpt = readLengths(files.shareGpt, MEASUREMENT_FILES.shareGpt);
  const setup = runSetup('ascend');
  const rows = readLab(files.lab, MEASUREMENT_FILES.lab).filter(
    ({ model, hardware, command }) => hardware === '910b' && model === 'qwen3-8b' && command.startsWith('vllm'),
  );
  return rows.map((row) => {
    // "All at once" enters through one front end, a request after the other.
    const at = Array.from({ length: row.requests }, (_, index) => micros(index * ASCEND_LAB.frontEndMicros));
    const outcome = openLoop(setup.spec, {
      requests: { at, ...requestsOf(row, shareGpt) },
      engines: 1,
      frontEndMs: 0,
    });
    // A client's clock starts when it sends, not when the front end lets it in.
    const waitedMs = (ASCEND_LAB.frontEndMicros * (row.requests - 1)) / 2 / 1_000;
    return {
      table: 'gpustack',
      group: ASCEND_GROUP,
      id: `${row.label || 'ShareGPT'} x ${row.requests}`,
      tier: 'fitted',
      measured: { ttft: row.ttftMs, tpot: row.tpotMs, throughput: row.outputTokensPerSecond },
      predicted: {
        ttft: outcome.ttftMs + waitedMs,
        tpot: outcome.tpotMs,
        throughput: outcome.outputTokensPerSecond,
      },
      tags: [],
    };
  });
}

/** ShareGPT rows have ShareGPT's spread, stretched to the row's means; random ones have fixed lengths. */
function requestsOf(row: LabRow, shareGpt: Requests): Requests {
  if (row.label.startsWith('random')) {
    return drawRequests(row.requests, Math.round(row.promptTokens), Math.round(row.outputTokens), 1);
  }
  const stretched = (lengths: Int32Array, mean: number, least: number): Int32Array => {
    const factor = (mean * lengths.length) / lengths.reduce((sum, length) => sum + length, 0);
    return Int32Array.from({ length: row.requests }, (_, index) =>
      Math.max(least, Math.round(factor * lengths[index % lengths.length]!)),
    );
  };
  return {
    promptTokens: stretched(shareGpt.promptTokens, row.promptTokens, 4),
    outputTokens: stretched(shareGpt.outputTokens, row.outputTokens, 2),
  };
}
