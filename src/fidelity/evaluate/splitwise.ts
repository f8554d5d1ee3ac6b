import { findAccelerator, findModel } from '../../catalog/index.ts';
import type { Comparison } from '../figures.ts';
import { MEASUREMENT_FILES, type Measurements } from '../measurements.ts';
import { batchSetup } from '../setups.ts';
import { readSplitwise, type SplitwisePoint } from '../tables/splitwise.ts';

/** The table's names for what the catalogue has under others. Its third model, BLOOM-176B, is not in the catalogue. */
const MODELS: Readonly<Record<string, string>> = { 'llama2-70b': 'llama-2-70b' };
const HARDWARE: Readonly<Record<string, string>> = { 'a100-80gb': 'a100', 'h100-80gb': 'h100' };

/** Half the answer's tokens: the context that its middle step attends to, besides the prompt. */
const MIDDLE = 0.5;

/**
 * Splitwise's medians: one batch of equal prompts computed at once (TTFT), then decoded together (TPOT). No queue and
 * no admission, so a step's time is all there is. No fit has seen them.
 */
export function evaluateSplitwise(files: Measurements): Comparison[] {
  return readSplitwise(files.splitwise, MEASUREMENT_FILES.splitwise)
    .filter(isUsable)
    .map((point) => {
      const model = findModel(MODELS[point.model]!)!;
      const accelerator = findAccelerator(HARDWARE[point.hardware]!)!;
      const { stepTime, evidence } = batchSetup(model, accelerator, point.tensorParallel);
      const { batch, promptTokens, outputTokens } = point;
      const prompt = stepTime.stepMicros({
        ...NO_WORK,
        sequences: batch,
        newTokens: batch * promptTokens,
        attentionPairs: (batch * promptTokens ** 2) / 2,
        promptSequences: batch,
        promptTokens: batch * promptTokens,
        promptPairs: (batch * promptTokens ** 2) / 2,
      });
      const context = promptTokens + MIDDLE * outputTokens;
      const token = stepTime.stepMicros({
        ...NO_WORK,
        sequences: batch,
        newTokens: batch,
        contextTokens: batch * context,
        attentionPairs: batch * (context + 0.5),
      });
      return {
        table: 'splitwise',
        group: `${accelerator.id} 2023 fp16 ${model.id} TP${point.tensorParallel}`,
        id: `${point.hardware} TP${point.tensorParallel} ${promptTokens} x ${batch} / ${outputTokens}`,
        ...evidence,
        measured: { ttft: point.promptMs, tpot: point.tokenMs },
        predicted: { ttft: prompt / 1_000, tpot: token / 1_000 },
        tags: [],
      };
    });
}

const NO_WORK = { sequences: 0, newTokens: 0, contextTokens: 0, attentionPairs: 0 } as const;

/** Not the synthetic power-capped rows, nor the anomalous batch of 64 on two devices. */
function isUsable({ model, hardware, tensorParallel, batch }: SplitwisePoint): boolean {
  return MODELS[model] !== undefined && HARDWARE[hardware] !== undefined && !(tensorParallel === 2 && batch === 64);
}
