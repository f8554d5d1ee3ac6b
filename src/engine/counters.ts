import type { Micros } from '../kernel/index.ts';

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

  constructor(startedAt: Micros) {
    this.kvSince = startedAt;
  }

  /** Integrates the blocks in use, as growing evenly since the last call. */
  countBlocks(until: Micros, before: number, used: number): void {
    this.kvBlockMicros += ((until - this.kvSince) * (before + used)) / 2;
    this.kvSince = until;
  }
}
