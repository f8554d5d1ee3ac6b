import { counted } from '../../kernel/index.ts';
import type { StepTimeModel, StepWork } from '../spec.ts';

/** A log-normal step time: its median in milliseconds, and the standard deviation of its logarithm. */
export interface StepTimeDistribution {
  readonly medianMs: number;
  readonly sigma: number;
}

/** Draws are told apart by what they are for, so that a step's two numbers are two. */
const RADIUS = 0x5d1;
const ANGLE = 0x5d2;
const MILLI = 1e3;

/**
 * Steps of a plain distribution, for whoever wants "a first token after about 300 ms" and has no device in mind: steps
 * with a prompt in them by one, all others by another. A step's draw is a function of the seed and of what the step
 * has to do, so that the same step is as long whoever looks and in whatever order.
 */
export class DistributionModel implements StepTimeModel {
  readonly #seed: number;
  readonly #prefill: StepTimeDistribution;
  readonly #decode: StepTimeDistribution;

  constructor(seed: number, prefill: StepTimeDistribution, decode: StepTimeDistribution) {
    this.#seed = seed;
    this.#prefill = prefill;
    this.#decode = decode;
  }

  stepMicros(work: Readonly<StepWork>): number {
    const { medianMs, sigma } = (work.promptSequences ?? 0) > 0 ? this.#prefill : this.#decode;
    if (sigma === 0) return MILLI * medianMs;
    const subject = work.contextTokens * 31 + work.newTokens;
    const radius = 1 - counted(this.#seed ^ RADIUS, subject, work.sequences);
    const angle = counted(this.#seed ^ ANGLE, subject, work.sequences);
    // Box and Muller (1958).
    const normal = Math.sqrt(-2 * Math.log(radius)) * Math.cos(2 * Math.PI * angle);
    return MILLI * medianMs * Math.exp(sigma * normal);
  }
}
