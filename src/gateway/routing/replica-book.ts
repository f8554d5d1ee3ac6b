import { fromSeconds, type Micros } from '../../kernel/index.ts';
import { LOWEST_SLO_CLASS, type SloClass, type UnitReplica } from '../../platform/index.ts';
import { SlidingWindow } from '../sliding-window.ts';
import type { ReplicaFigures } from './policy.ts';

/** How far back an average time to first token looks. Assumed: the guide says "average" and no more (3936). */
export const TTFT_WINDOW = fromSeconds(30);

interface Entry {
  /** Open requests, by service level. */
  readonly open: number[];
  readonly ttfts: SlidingWindow;
  metrics: ReadonlyMap<string, number> | undefined;
}

/** What the gateway itself sees of its replicas, kept for policies: they ask the book, never an engine. */
export class ReplicaBook implements ReplicaFigures {
  readonly #now: () => Micros;
  readonly #entries = new WeakMap<UnitReplica, Entry>();

  constructor(now: () => Micros) {
    this.#now = now;
  }

  /** The replica has been given a request. Ended by one `closed` of the same service level. */
  opened(replica: UnitReplica, sloClass: SloClass = LOWEST_SLO_CLASS): void {
    this.#entry(replica).open[sloClass]!++;
  }

  closed(replica: UnitReplica, sloClass: SloClass = LOWEST_SLO_CLASS): void {
    this.#entry(replica).open[sloClass]!--;
  }

  /** A first token has come, so long after its request. Moments never go back. */
  observe(replica: UnitReplica, ttft: Micros, at: Micros): void {
    this.#entry(replica).ttfts.add(at, ttft);
  }

  /** Its Metric Collection API has told this; undefined: it did not answer, or nothing that could be read. */
  collected(replica: UnitReplica, metrics: ReadonlyMap<string, number> | undefined): void {
    this.#entry(replica).metrics = metrics;
  }

  connections(replica: UnitReplica): number {
    return this.ahead(replica, LOWEST_SLO_CLASS);
  }

  ahead(replica: UnitReplica, sloClass: SloClass): number {
    const open = this.#entries.get(replica)?.open;
    let sum = 0;
    for (let level = 0; open !== undefined && level <= sloClass; level++) sum += open[level]!;
    return sum;
  }

  ttft(replica: UnitReplica): number | undefined {
    const ttfts = this.#entries.get(replica)?.ttfts;
    ttfts?.forget(this.#now());
    return ttfts === undefined || ttfts.size === 0 ? undefined : ttfts.sum / ttfts.size;
  }

  metrics(replica: UnitReplica): ReadonlyMap<string, number> | undefined {
    return this.#entries.get(replica)?.metrics;
  }

  #entry(replica: UnitReplica): Entry {
    const known = this.#entries.get(replica);
    if (known !== undefined) return known;
    const entry = {
      open: new Array<number>(LOWEST_SLO_CLASS + 1).fill(0),
      ttfts: new SlidingWindow(TTFT_WINDOW),
      metrics: undefined,
    };
    this.#entries.set(replica, entry);
    return entry;
  }
}
