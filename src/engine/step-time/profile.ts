import type { StepTimeModel, StepWork } from '../spec.ts';

/** A measured step: of one prompt, or of a decoding batch whose sequences have so much context each. */
export type ProfilePoint =
  | { readonly promptTokens: number; readonly ms: number }
  | { readonly batch: number; readonly context: number; readonly ms: number };

/** Measured over modelled at places along one axis, in order. */
interface Line {
  readonly at: number[];
  readonly ratio: number[];
}

const MILLI = 1e3;

/**
 * Measured steps laid over a model: a measured point is exact; between points the *utilisation* (modelled over
 * measured) is interpolated, not the time, and outside them the boundary's holds (aiconfigurator's rule). Decode
 * points are interpolated along the context of each measured batch size, then between batch sizes. A step of both
 * kinds has each part corrected by its own measurements.
 */
export class ProfileModel implements StepTimeModel {
  readonly #model: StepTimeModel;
  readonly #prompt: Line = { at: [], ratio: [] };
  readonly #batches: number[] = [];
  readonly #contexts: Line[] = [];

  constructor(model: StepTimeModel, points: readonly ProfilePoint[]) {
    this.#model = model;
    const prompts = points.filter((point) => 'promptTokens' in point);
    for (const { promptTokens, ms } of prompts.toSorted((a, b) => a.promptTokens - b.promptTokens)) {
      add(this.#prompt, promptTokens, model.stepMicros(promptWork(promptTokens)) / (ms * MILLI));
    }
    const decodes = points.filter((point) => 'batch' in point);
    const ordered = decodes.toSorted((a, b) => a.batch - b.batch || a.context - b.context);
    for (const { batch, context, ms } of ordered) {
      if (this.#batches.at(-1) !== batch) {
        this.#batches.push(batch);
        this.#contexts.push({ at: [], ratio: [] });
      }
      add(this.#contexts.at(-1)!, context, model.stepMicros(decodeWork(batch, context)) / (ms * MILLI));
    }
  }

  stepMicros(work: Readonly<StepWork>): number {
    const whole = this.#model.stepMicros(work);
    const prompts = work.promptSequences ?? 0;
    const decoding = work.sequences - prompts;
    const context = decoding === 0 ? 0 : (work.contextTokens - (work.promptContext ?? 0)) / decoding;
    if (prompts === 0) return whole / this.#decodeUse(decoding, context);
    const promptUse = interpolated(this.#prompt, work.promptTokens ?? 0);
    if (decoding === 0) return whole / promptUse;
    const promptTokens = work.promptTokens ?? 0;
    const alone = this.#model.stepMicros({
      ...work,
      sequences: prompts,
      newTokens: promptTokens,
      contextTokens: work.promptContext ?? 0,
      attentionPairs: work.promptPairs ?? 0,
    });
    return alone / promptUse + (whole - alone) / this.#decodeUse(decoding, context);
  }

  #decodeUse(batch: number, context: number): number {
    const batches = this.#batches;
    if (batches.length === 0) return 1;
    const above = batches.findIndex((each) => each >= batch);
    if (above === 0 || above < 0) return interpolated(this.#contexts.at(above)!, context);
    const low = interpolated(this.#contexts[above - 1]!, context);
    const high = interpolated(this.#contexts[above]!, context);
    return between(batches[above - 1]!, low, batches[above]!, high, batch);
  }
}

function promptWork(tokens: number): StepWork {
  const pairs = (tokens * tokens) / 2;
  return {
    sequences: 1,
    newTokens: tokens,
    contextTokens: 0,
    attentionPairs: pairs,
    promptSequences: 1,
    promptTokens: tokens,
    promptContext: 0,
    promptPairs: pairs,
  };
}

function decodeWork(batch: number, context: number): StepWork {
  const contextTokens = batch * context;
  return { sequences: batch, newTokens: batch, contextTokens, attentionPairs: contextTokens + batch / 2 };
}

function add(line: Line, at: number, ratio: number): void {
  line.at.push(at);
  line.ratio.push(ratio);
}

function interpolated({ at, ratio }: Line, where: number): number {
  if (at.length === 0) return 1;
  const above = at.findIndex((each) => each >= where);
  if (above === 0) return ratio[0]!;
  if (above < 0) return ratio.at(-1)!;
  return between(at[above - 1]!, ratio[above - 1]!, at[above]!, ratio[above]!, where);
}

function between(x0: number, y0: number, x1: number, y1: number, x: number): number {
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}
