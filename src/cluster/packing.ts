import { largerFirst, sameAsk } from './ask.ts';
import type { Trial } from './trial.ts';

/** Beyond so many pods a search tries too little of what there is to be worth its time. */
const SEARCH_PODS = 16;
/** Rows looked at in one search: some ten milliseconds. */
const SEARCH_VISITS = 1_000_000;

/** What it costs to put pods where a weak affinity or the other role says no, in nodes taken into use. */
const COSTS = { avoided: 1e9, besideOtherRole: 1e4, idle: 1 } as const;

/** Pods as they come when they ask for the same, else the largest first: large ones fit best while much is free. */
export function orderOf(asks: Trial['asks']): number[] {
  const order = [...asks.keys()];
  if (asks.every((ask) => sameAsk(ask, asks[0]!))) return order;
  return order.sort((a, b) => largerFirst(asks[a]!, asks[b]!) || a - b);
}

/** Whether a search can find what placing pod by pod has missed: never for pods that all ask for the same. */
export function searchable({ asks }: Trial): boolean {
  return asks.length > 1 && asks.length <= SEARCH_PODS && !asks.every((ask) => sameAsk(ask, asks[0]!));
}

/** Moves a gang that has found its places to fewer nodes; false, and it stays, when a search finds none. */
export function tighten(trial: Trial): boolean {
  const rows = trial.rows.slice();
  let cost = 0;
  for (const pod of trial.order.toReversed()) {
    trial.takeBack(pod);
    cost += costOf(trial, rows[pod]!);
  }
  const moved = pack(trial, cost, 0);
  if (!moved) trial.putAll(rows);
  return moved;
}

/**
 * Looks for places for all pods of a gang that cost less than `below`, and puts the pods there: fewest first against a
 * weak affinity, then beside the other role, then on nodes that were idle. Depth first, the tightest node first, and
 * stops at a cost of `enough`. Exact unless it runs out of {@link SEARCH_VISITS}; false when it found nothing, and then
 * no pod has a place.
 */
export function pack(trial: Trial, below: number, enough: number): boolean {
  const best = new Search(trial, below, enough).run();
  if (best === undefined) return false;
  trial.putAll(best);
  return true;
}

class Search {
  readonly #trial: Trial;
  readonly #enough: number;
  #below: number;
  #best: Int32Array | undefined;
  #visits = SEARCH_VISITS;

  constructor(trial: Trial, below: number, enough: number) {
    this.#trial = trial;
    this.#below = below;
    this.#enough = enough;
  }

  run(): Int32Array | undefined {
    this.#place(0, 0);
    return this.#best;
  }

  /** Tries all places of the pods from the `depth`-th on. */
  #place(depth: number, cost: number): void {
    const trial = this.#trial;
    if (depth === trial.order.length) {
      this.#best = trial.rows.slice();
      this.#below = cost;
      return;
    }
    const pod = trial.order[depth]!;
    for (const row of this.#choices(depth, pod)) {
      const next = cost + costOf(trial, row);
      if (next >= this.#below) continue;
      if (this.#visits <= 0 || (this.#best !== undefined && this.#below <= this.#enough)) return;
      trial.put(pod, row);
      this.#place(depth + 1, next);
      trial.takeBack(pod);
    }
  }

  /** Rows to try: the cheapest and tightest first, of equal ones one, and of equal pods none before the last one's. */
  #choices(depth: number, pod: number): number[] {
    const trial = this.#trial;
    const before = trial.order[depth - 1];
    const from = before !== undefined && sameAsk(trial.asks[before]!, trial.asks[pod]!) ? trial.rows[before]! : 0;
    const rows = new Uint32Array(trial.open.length);
    this.#visits -= rows.length;
    const choices: number[] = [];
    const seen = new Set<string>();
    for (const row of rows.subarray(0, trial.candidates(pod, rows))) {
      const state = row < from ? undefined : stateOf(trial, row);
      if (state === undefined || seen.has(state)) continue;
      seen.add(state);
      choices.push(row);
    }
    const { cpu, memory, devices } = trial.scene.table;
    return choices.sort(
      (a, b) =>
        costOf(trial, a) - costOf(trial, b) ||
        devices.free[a]! - devices.free[b]! ||
        cpu[a]! - cpu[b]! ||
        memory[a]! - memory[b]! ||
        a - b,
    );
  }
}

function costOf({ scene: { avoided, besideOtherRole, table } }: Trial, row: number): number {
  const idle = 1 - table.inUse[row]!;
  return avoided[row]! * COSTS.avoided + besideOtherRole[row]! * COSTS.besideOtherRole + idle * COSTS.idle;
}

/** Rows of equal state are equal to the search. */
function stateOf(trial: Trial, row: number): string {
  const { cpu, memory, podsLeft, devices } = trial.scene.table;
  return [cpu[row], memory[row], podsLeft[row], devices.stateOf(row), costOf(trial, row)].join();
}
