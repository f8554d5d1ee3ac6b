import type { StepTimeModel, StepWork } from '../spec.ts';

/** Coefficients in milliseconds. */
export interface AffineCoefficients {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export interface AffineStepTime {
  /** a + b Σn + c Σn², n prompt tokens. */
  readonly prefill: AffineCoefficients;
  /** a + b Σcontext + c B, for batches up to `largeAbove` sequences. */
  readonly decode: AffineCoefficients;
  /** The same for larger ones. Default: as `decode`. */
  readonly decodeLarge?: AffineCoefficients;
  /** Default 95, where DistServe's two regimes meet. */
  readonly largeAbove?: number;
}

const MILLI = 1e3;
const LARGE_ABOVE = 95;

/**
 * DistServe's regression (OSDI 2024, simdistserve's fit_params): prefill and decode times as coefficients of tokens,
 * their squares, context and batch. A chunk of q tokens over S cached counts n² as (S+q)² - S². Where both kinds share
 * a step, which DistServe's engines do not do, the fixed part counts once.
 */
export class AffineModel implements StepTimeModel {
  readonly #times: AffineStepTime;
  readonly #largeAbove: number;

  constructor(times: AffineStepTime) {
    this.#times = times;
    this.#largeAbove = times.largeAbove ?? LARGE_ABOVE;
  }

  stepMicros(work: Readonly<StepWork>): number {
    const prompts = work.promptSequences ?? 0;
    const decoding = work.sequences - prompts;
    const { a, b, c } = this.#decode(decoding);
    const decode = b * (work.contextTokens - (work.promptContext ?? 0)) + c * decoding;
    if (prompts === 0) return MILLI * (a + decode);
    const { prefill } = this.#times;
    const squares = 2 * (work.promptPairs ?? 0);
    const prompt = prefill.a + prefill.b * (work.promptTokens ?? 0) + prefill.c * squares;
    return MILLI * (prompt + (decoding === 0 ? 0 : decode));
  }

  decodeMicros(sequences: number, contextTokens: number, steps: number): number {
    const { a, b, c } = this.#decode(sequences);
    const context = steps * contextTokens + (sequences * steps * (steps - 1)) / 2;
    return MILLI * (steps * (a + c * sequences) + b * context);
  }

  #decode(sequences: number): AffineCoefficients {
    const { decode, decodeLarge } = this.#times;
    return sequences > this.#largeAbove ? (decodeLarge ?? decode) : decode;
  }
}
