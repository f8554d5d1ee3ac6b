import { type Micros, micros } from '../kernel/index.ts';
import type { StepTimeModel, StepWork } from './spec.ts';

/**
 * Steps in a row without a change of membership or speed: one mixed step, or any number of pure decode steps.
 * Step k ends at start + round(the sum of the first k durations): the sum is rounded, never its parts, so
 * rounding does not drift. Steps count from 1.
 */
export class Segment {
  readonly #model: StepTimeModel;
  #start = micros(0);
  #steps = 0;
  #end = micros(0);
  #multiStep = false;
  #sequences = 0;
  #contextTokens = 0;
  #slowdown = 1;
  /** The single step's duration, when mixed. */
  #mixedMicros = 0;
  /** Running sums of decode steps, where the model has no closed form. */
  #sums: number[] = [];

  constructor(model: StepTimeModel) {
    this.#model = model;
  }

  get active(): boolean {
    return this.#steps > 0;
  }

  get start(): Micros {
    return this.#start;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Every sequence of the batch emits a token in every step. */
  get multiStep(): boolean {
    return this.#multiStep;
  }

  get end(): Micros {
    return this.#end;
  }

  startMixed(at: Micros, work: Readonly<StepWork>, slowdown: number): void {
    this.#multiStep = false;
    this.#mixedMicros = this.#model.stepMicros(work);
    this.#begin(at, 1, slowdown);
  }

  startDecode(at: Micros, steps: number, work: Readonly<StepWork>, slowdown: number): void {
    this.#multiStep = true;
    this.#sequences = work.sequences;
    this.#contextTokens = work.contextTokens;
    if (this.#model.decodeMicros === undefined) this.#sums = [];
    this.#begin(at, steps, slowdown);
  }

  /** Ends the segment with an earlier step. */
  shorten(steps: number): void {
    this.#steps = steps;
    this.#end = this.endOfStep(steps);
  }

  stop(): void {
    this.#steps = 0;
  }

  /** The moment at which step `step` ends; step 0 ends at the start. */
  endOfStep(step: number): Micros {
    if (step === 0) return this.#start;
    return (this.#start + Math.max(step, Math.round(this.#slowdown * this.#elapsed(step)))) as Micros;
  }

  /** Adds the moments of so many tokens, one a step; what is left of them comes with the last of `steps`. */
  addTokenTimes(times: Micros[], tokens: number, steps: number): void {
    for (let token = 1; token <= tokens; token++) times.push(this.endOfStep(Math.min(token, steps)));
  }

  /** How many steps have ended at or before `at`: steps are nearly equal, so interpolation finds it in a few looks. */
  stepsEndedBy(at: Micros): number {
    let low = 0;
    let high = this.#steps;
    let lowAt: number = this.#start;
    let highAt: number = this.#end;
    if (highAt <= at) return high;
    while (high - low > 1) {
      const share = Math.floor(((at - lowAt) / (highAt - lowAt)) * (high - low));
      const middle = low + Math.min(Math.max(share, 1), high - low - 1);
      const middleAt = this.endOfStep(middle);
      if (middleAt <= at) {
        low = middle;
        lowAt = middleAt;
      } else {
        high = middle;
        highAt = middleAt;
      }
    }
    return low;
  }

  #begin(at: Micros, steps: number, slowdown: number): void {
    this.#start = at;
    this.#slowdown = slowdown;
    this.shorten(steps);
  }

  #elapsed(step: number): number {
    if (!this.#multiStep) return this.#mixedMicros;
    if (this.#model.decodeMicros !== undefined) {
      return this.#model.decodeMicros(this.#sequences, this.#contextTokens, step);
    }
    for (let done = this.#sums.length; done < step; done++) {
      const context = this.#contextTokens + done * this.#sequences;
      const micros = this.#model.stepMicros({
        sequences: this.#sequences,
        newTokens: this.#sequences,
        contextTokens: context,
        attentionPairs: context + this.#sequences / 2,
      });
      this.#sums.push((this.#sums[done - 1] ?? 0) + micros);
    }
    return this.#sums[step - 1]!;
  }
}
