import type { Accelerator, Efficiency, Model } from '../../catalog/index.ts';
import type { StepTimeModel, StepWork } from '../spec.ts';

/** Bytes of a bf16 weight, activation or cached key or value. */
const BYTES = 2;

/** Bytes of KV cache that one token takes over all layers and heads: 2 L G d c (grouped-query attention, bf16). */
export function kvBytesPerToken(model: Model): number {
  return 2 * model.layers * model.kvHeads * model.headDim * BYTES;
}

/** Bytes of all weights in bf16. */
export function weightBytes(model: Model): number {
  return model.parameters * BYTES;
}

/**
 * The roofline of one step of a dense model over `parallel` equal devices (tensor parallelism):
 *
 *     T = T_fix + max(2 N k / (t F ηc), w N / (t BW ηb))
 *               + max(4 L H d Σ q_i (S_i + q_i/2) / (t F ηa'), kvB Σ S_i / (t BW ηa)) + T_coll
 *     T_coll = 2 L (α + 2 (t-1)/t k h w / (BW_link ηl))   two all-reduces a layer, when t > 1
 *
 * k new tokens over contexts S_i. Williams et al., Roofline (CACM 2009), in the form that Vidur (MLSys 2024) and
 * DistServe (OSDI 2024) fit: linear in tokens, in context and, for prompts, in its square.
 */
export class RooflineModel implements StepTimeModel {
  readonly #fixed: number;
  readonly #weights: number;
  readonly #perToken: number;
  readonly #perPair: number;
  readonly #perContext: number;
  readonly #collectivePerToken: number;

  constructor(model: Model, device: Accelerator, efficiency: Efficiency, parallel: number) {
    const flops = device.flops * parallel;
    const bandwidth = device.memoryBandwidth * parallel;
    const micro = 1e6;
    const collectives = parallel > 1 ? 2 * model.layers : 0;
    this.#fixed = efficiency.stepMicros + collectives * efficiency.collectiveMicros;
    this.#perToken = (micro * 2 * model.parameters) / (flops * efficiency.compute);
    this.#weights = (micro * weightBytes(model)) / (bandwidth * efficiency.weights);
    this.#perPair = (micro * 4 * model.layers * model.heads * model.headDim) / (flops * efficiency.attentionCompute);
    this.#perContext = (micro * kvBytesPerToken(model)) / (bandwidth * efficiency.attention);
    this.#collectivePerToken =
      collectives === 0
        ? 0
        : (micro * collectives * 2 * ((parallel - 1) / parallel) * model.hidden * BYTES) /
          (device.linkBandwidth * efficiency.link);
  }

  stepMicros(work: Readonly<StepWork>): number {
    return (
      this.#linear(work.newTokens) +
      Math.max(this.#perPair * work.attentionPairs, this.#perContext * work.contextTokens)
    );
  }

  /**
   * Attention's two sides grow linearly, each by one token a sequence and step, so their maximum changes sides at
   * most once: two arithmetic series.
   */
  decodeMicros(sequences: number, contextTokens: number, steps: number): number {
    const pairs = contextTokens + sequences / 2;
    const compute = this.#perPair;
    const memory = this.#perContext;
    const linear = steps * this.#linear(sequences);
    if (compute >= memory) return linear + compute * series(pairs, sequences, steps);
    // Memory bounds step j once memory (C + jB) >= compute (C + jB + B/2).
    const cross = ((compute * sequences) / (2 * (memory - compute)) - contextTokens) / sequences;
    const before = Math.min(steps, Math.max(0, Math.ceil(cross)));
    return (
      linear +
      compute * series(pairs, sequences, before) +
      memory * (series(contextTokens, sequences, steps) - series(contextTokens, sequences, before))
    );
  }

  #linear(tokens: number): number {
    return this.#fixed + Math.max(this.#perToken * tokens, this.#weights) + this.#collectivePerToken * tokens;
  }
}

/** first + (first + step) + … over `count` terms. */
function series(first: number, step: number, count: number): number {
  return count * first + (step * count * (count - 1)) / 2;
}
