import type { Micros } from '../kernel/index.ts';
import { VLLM_BUCKETS } from '../protocol/index.ts';
import type { StepFigures } from './listener.ts';
import type { Sequence } from './sequence.ts';
import type { Speculation } from './spec.ts';
import { emittedTokens } from './speculation.ts';

/** What an engine has done since it started. Times are microseconds. */
export class EngineCounters {
  /** Time with a step in progress. */
  busyMicros = 0;
  /** KV blocks in use, integrated over time, up to {@link kvSince}. */
  kvBlockMicros = 0;
  kvSince: Micros;
  promptTokens = 0;
  generationTokens = 0;
  preemptions = 0;
  prefixQueries = 0;
  prefixHits = 0;
  /** Steps by their tokens: those emitted, and the prompts whose first token here is among them. By vLLM's buckets. */
  readonly #steps = new Array<number>(VLLM_BUCKETS.iterationTokens.length + 1).fill(0);
  #answeredPromptTokens = 0;
  /** Steps of one sequence that verified drafted tokens, by how many were accepted; and tokens drafted for them. */
  readonly #speculation: Speculation | undefined;
  readonly #drafts: number[];
  #draftTokens = 0;
  /** Prompts of sequences that came with tokens: their next is the first here. They count for the step in progress. */
  handedOverTokens = 0;

  constructor(startedAt: Micros, speculation: Speculation | undefined) {
    this.kvSince = startedAt;
    this.#speculation = speculation;
    this.#drafts = new Array<number>(1 + (speculation?.draftTokens ?? 0)).fill(0);
  }

  /** A step of a sequence has verified drafted tokens. @returns how many it emits */
  verified(seed: number, sequence: Sequence, scheduled: number): number {
    const emitted = emittedTokens(seed, this.#speculation!, sequence, scheduled);
    this.#draftTokens += scheduled - 1;
    this.#drafts[emitted - 1]!++;
    return emitted;
  }

  /**
   * Steps have ended, each with as many tokens: however many they are, that is one observation.
   * @param made tokens, of all of them together
   * @param prompts tokens of the prompts whose first tokens are among them
   */
  countSteps(steps: number, made: number, prompts: number): void {
    this.generationTokens += made;
    const answered = prompts + this.handedOverTokens;
    if (answered > 0) {
      this.#answeredPromptTokens += answered;
      this.handedOverTokens = 0;
    }
    observe(this.#steps, steps, steps === 1 ? made : made / steps, answered);
  }

  /**
   * What steps came to.
   * @param steps of the segment in progress that have ended, in which all that run have made a token each
   */
  stepFigures(steps: number, running: number): StepFigures {
    const counts = [...this.#steps];
    let sum = this.generationTokens + this.#answeredPromptTokens;
    if (steps > 0) {
      observe(counts, steps, running, this.handedOverTokens);
      sum += steps * running + this.handedOverTokens;
    }
    return { tokens: { counts, sum }, draftTokens: this.#draftTokens, drafts: this.#drafts };
  }

  /** Integrates the blocks in use, as growing evenly since the last call. */
  countBlocks(until: Micros, before: number, used: number): void {
    this.kvBlockMicros += ((until - this.kvSince) * (before + used)) / 2;
    this.kvSince = until;
  }
}

/** The prompts are of the first step. One that makes nothing, since it ends no prompt, is none that vLLM tells of. */
function observe(counts: number[], steps: number, emitted: number, prompts: number): void {
  if (prompts === 0) {
    if (emitted > 0) counts[bucketOf(emitted)]! += steps;
    return;
  }
  counts[bucketOf(emitted + prompts)]!++;
  if (steps > 1) counts[bucketOf(emitted)]! += steps - 1;
}

/** The bucket of a step: their bounds are 1, and the powers of two from 8 on. Every settled segment asks. */
function bucketOf(tokens: number): number {
  const power = 32 - Math.clz32(tokens - 1);
  return tokens === 1 ? 0 : Math.min(Math.max(power - 2, 1), VLLM_BUCKETS.iterationTokens.length);
}
