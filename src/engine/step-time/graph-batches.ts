import type { StepTimeModel, StepWork } from '../spec.ts';

/**
 * Captured graphs (CUDA or ACL graphs): a decode batch runs in the smallest captured batch size that holds it, padded;
 * one that exceeds them all, or that computes prompts, runs as it is. Padding costs the linear work of its tokens,
 * never context, which the padded places do not have.
 */
export class GraphBatches implements StepTimeModel {
  readonly #model: StepTimeModel;
  readonly #sizes: readonly number[];
  readonly decodeMicros?: (sequences: number, contextTokens: number, steps: number) => number;

  /** @param sizes captured batch sizes (`cudagraph_capture_sizes`), in any order */
  constructor(model: StepTimeModel, sizes: readonly number[]) {
    this.#model = model;
    this.#sizes = [...sizes].sort((a, b) => a - b);
    if (model.decodeMicros === undefined) return;
    this.decodeMicros = (sequences, contextTokens, steps) => {
      const padded = this.#padded(sequences);
      // The padded batch's context would grow by one token a padded place and step; the real one's does not.
      const growth = ((padded - sequences) * (steps - 1)) / 2;
      return model.decodeMicros!(padded, contextTokens - growth, steps);
    };
  }

  stepMicros(work: Readonly<StepWork>): number {
    if (work.newTokens !== work.sequences) return this.#model.stepMicros(work);
    const padded = this.#padded(work.sequences);
    return this.#model.stepMicros({ ...work, sequences: padded, newTokens: padded });
  }

  #padded(sequences: number): number {
    return this.#sizes.find((size) => size >= sequences) ?? sequences;
  }
}
