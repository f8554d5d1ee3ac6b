import { SingleBar } from 'cli-progress';
import { formatDuration, type Micros } from '../kernel/index.ts';
import type { World } from '../lab/index.ts';

/** A run shorter than this shows no progress. */
const PATIENCE_MS = 1_000;

/** A progress line on a terminal, once a run takes more than a second. Silent elsewhere. */
export class Progress {
  readonly #world: World;
  readonly #began = performance.now();
  #bar: SingleBar | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  show(): void {
    if (!process.stderr.isTTY || performance.now() - this.#began < PATIENCE_MS) return;
    const { now, requests } = this.#world;
    const payload = { simulated: formatDuration(now), requests: requests.size, inFlight: requests.inFlight };
    if (this.#bar === undefined) {
      const format = '{bar} {percentage}%  simulated {simulated}  {requests} requests, {inFlight} in flight';
      this.#bar = new SingleBar({ format, clearOnComplete: true, hideCursor: true, barsize: 24 });
      this.#bar.start(this.#span(), 0, payload);
    }
    this.#bar.setTotal(Math.max(this.#span(), 1));
    this.#bar.update(Math.min(now, this.#span()), payload);
  }

  clear(): void {
    this.#bar?.stop();
  }

  /** How long the run will be, as far as the scenario tells. */
  #span(): Micros {
    const { description, settledAt, now } = this.#world;
    const lengths = description.traffic.map(({ arrivals, start }) =>
      arrivals.kind === 'trace' ? start + (arrivals.trace.at.at(-1) ?? 0) / arrivals.speed : 0,
    );
    const length = description.duration ?? Math.max(0, ...lengths);
    return ((Number.isFinite(settledAt) ? settledAt : now) + length) as Micros;
  }
}
