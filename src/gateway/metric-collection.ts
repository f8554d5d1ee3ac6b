import { fromSeconds, type Kernel, type Micros } from '../kernel/index.ts';
import type { UnitReplica } from '../platform/index.ts';
import type { ReplicaBook } from './routing/index.ts';

/** How old what was told may be. Assumed: the guide gives a period for custom metrics alone (461). */
const COLLECTION_PERIOD = fromSeconds(10);

/** Asks replicas' Metric Collection APIs (guide 3939) for the gauges of their engines, not before somebody wants to know. */
export class MetricCollection {
  readonly #kernel: Kernel;
  readonly #book: ReplicaBook;
  readonly #askedAt = new WeakMap<UnitReplica, Micros>();

  constructor(kernel: Kernel, book: ReplicaBook) {
    this.#kernel = kernel;
    this.#book = book;
  }

  /** Asks those anew whose figures are too old. */
  refresh(replicas: readonly UnitReplica[]): void {
    const { now } = this.#kernel;
    for (const replica of replicas) {
      const askedAt = this.#askedAt.get(replica);
      if (askedAt !== undefined && now - askedAt < COLLECTION_PERIOD) continue;
      this.#askedAt.set(replica, now);
      this.#book.collected(replica, gaugesOf(replica));
    }
  }
}

/** In vLLM's names; undefined where nobody answers. */
function gaugesOf({ engine, hangs }: UnitReplica): ReadonlyMap<string, number> | undefined {
  if (engine?.alive !== true || hangs) return undefined;
  const { running, waiting, kvBlocksUsed, kvBlocksTotal } = engine.figures();
  return new Map([
    ['vllm:num_requests_running', running],
    ['vllm:num_requests_waiting', waiting],
    ['vllm:kv_cache_usage_perc', kvBlocksTotal === 0 ? 0 : kvBlocksUsed / kvBlocksTotal],
  ]);
}
