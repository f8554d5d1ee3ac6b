import type { HistogramValue } from '../protocol/index.ts';
import type { EndReason, Sequence } from './sequence.ts';

/** What an engine reports, at the moment it happens. Handed in when the world is composed. */
export interface EngineListener {
  /** In a batch for the first time. */
  admitted(sequence: Sequence): void;
  firstToken(sequence: Sequence): void;
  preempted(sequence: Sequence): void;
  /**
   * A prefill leg has computed its prompt and holds it for the decode leg; see {@link Engine.release}. Its client may
   * be leaving.
   */
  prefilled?(sequence: Sequence): void;
  /** A decode leg has its blocks; its keys and values may come; see {@link Engine.receive}. */
  receiving?(sequence: Sequence): void;
  ended(sequence: Sequence, reason: EndReason): void;
  /** The engine's process is gone, after the ends of all that it had. */
  died?(): void;
}

/** An engine's figures at one moment. Times are microseconds, summed since it started. */
export interface EngineFigures {
  readonly running: number;
  readonly waiting: number;
  readonly kvBlocksUsed: number;
  readonly kvBlocksTotal: number;
  /** Time with a step in progress. */
  readonly busyMicros: number;
  /** KV blocks in use, integrated over time. */
  readonly kvBlockMicros: number;
  readonly promptTokens: number;
  readonly generationTokens: number;
  readonly preemptions: number;
  /** Prompt tokens that admission looked up in the prefix cache, and those that it found. */
  readonly prefixQueries: number;
  readonly prefixHits: number;
  /** Of those running, prompts that are computed and held for another engine. */
  readonly held: number;
  /** Of those waiting, sequences whose keys and values are on their way. */
  readonly receiving: number;
}

/** What an engine's steps came to since it started, as vLLM tells it. */
export interface StepFigures {
  /** Tokens a step: those emitted, and the prompts that came to their first token. Steps without any are left out. */
  readonly tokens: HistogramValue;
  /** Tokens that were drafted. */
  readonly draftTokens: number;
  /** Drafts by how many of their tokens were accepted, from none to all. */
  readonly drafts: readonly number[];
}
