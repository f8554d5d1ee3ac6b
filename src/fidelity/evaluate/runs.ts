import type { Comparison, Values } from '../figures.ts';
import { type OpenLoop, openLoop } from '../harness/open-loop.ts';
import type { Outcome } from '../harness/outcome.ts';
import type { Measurements } from '../measurements.ts';
import { MEASUREMENT_FILES } from '../measurements.ts';
import { runSetup } from '../setups.ts';
import { readLengths, readReference, readRun } from '../tables/vllm-runs.ts';

export const RUN_GROUPS = {
  rtx: 'rtx-pro-6000 vllm bf16 llama-3.1-8b',
  single: 'h100 vllm bf16 llama-3.1-70b TP4 x 1 (SD)',
  double: 'h100 vllm bf16 llama-3.1-70b TP4 x 2 (MD)',
} as const;

/** The row of the reference files that is the real engine; the others are simulators. */
const REAL = 'vLLM';

/** Replays the runs of `vllm_runs`: exact arrivals and lengths, the engine's settings as the run logged them. */
export function evaluateRuns(files: Measurements): Comparison[] {
  const run = readRun(files.rtxRun, MEASUREMENT_FILES.rtxRun);
  const rtx = runSetup('rtx');
  // The run's moments are the engine's own: no server or client in between.
  const replayed = openLoop(rtx.spec, { requests: run.requests, engines: 1, frontEndMs: 0 });
  const comparison = (group: string, measured: Values, outcome: Outcome): Comparison => ({
    table: 'vllm_runs',
    group,
    id: group,
    tier: 'fitted',
    measured,
    predicted: valuesOf(outcome),
    tags: [],
  });
  // Which 300 requests the published H100 runs saw is not told; the ShareGPT sample beside them gives their throughput.
  const requests = readLengths(files.shareGpt, MEASUREMENT_FILES.shareGpt);
  const h100 = runSetup('h100');
  const references = [
    [RUN_GROUPS.single, files.h100Single, MEASUREMENT_FILES.h100Single, 1],
    [RUN_GROUPS.double, files.h100Double, MEASUREMENT_FILES.h100Double, 2],
  ] as const;
  return [
    comparison(RUN_GROUPS.rtx, valuesOf(run.measured), replayed),
    ...references.map(([group, text, file, engines]) => {
      const real = readReference(text, file).find(({ framework }) => framework === REAL)!;
      const load: OpenLoop = { requests, engines, frontEndMs: h100.frontEndMs(0) };
      const measured = { ttft: real.ttftMs, tpot: real.tpotMs, throughput: real.outputTokensPerSecond };
      return comparison(group, measured, openLoop(h100.spec, load));
    }),
  ];
}

function valuesOf(
  outcome: Pick<Outcome, 'ttftMs' | 'ttftP99Ms' | 'tpotMs' | 'e2eMs' | 'outputTokensPerSecond'>,
): Values {
  return {
    ttft: outcome.ttftMs,
    ttft_p99: outcome.ttftP99Ms,
    tpot: outcome.tpotMs,
    e2e: outcome.e2eMs,
    throughput: outcome.outputTokensPerSecond,
  };
}
