import { performance } from 'node:perf_hooks';
import type { Stamped } from '../kernel/index.ts';
import { type Micros, Pace } from '../kernel/index.ts';
import type { Command } from '../lab/index.ts';
import { Session, type World } from '../lab/index.ts';
import { Histogram, percentile } from '../telemetry/index.ts';
import { Outbox } from './outbox.ts';

/** Events run in one go before sockets get their turn. */
const EVENTS_PER_TURN = 20_000;
/** What is due waits no longer than this for those who come in at once: to take one of them in takes some 0.1 ms. */
const BURST_MS = 1;
/** The longest sleep: keeps the clock's state fresh for observers. */
const SLEEP_LIMIT_MS = 100;
/** Lags kept for percentiles; beyond it every other one is dropped and the stride doubles. */
const LAG_SAMPLES = 200_000;

/** Bounds of `inferlab_emit_lag_ms`, wall milliseconds. */
export const LAG_BUCKETS_MS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] as const;

/** How late deliveries left, in wall milliseconds; the budget is judged in simulated ones. */
export interface LagFigures {
  readonly count: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/**
 * Drives a world against the wall clock, `speed` simulated seconds a second: runs what is due, delivers what is due,
 * and measures how late it was. Nothing here decides anything; a slow machine makes deliveries late, never different.
 */
export class Live {
  readonly world: World;
  readonly session: Session;
  readonly outbox = new Outbox();
  readonly speed: number;
  readonly lagHistogram = new Histogram(LAG_BUCKETS_MS);
  readonly #pace: Pace;
  readonly #onTurn: () => void;
  #lags: number[] = [];
  #lagStride = 1;
  #lagCount = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  /** As far as is known, nothing is to be done before. */
  #due = 0 as Micros;
  #stopped = false;
  /** When it last had done what was due, by the wall clock; infinite while it is at it. */
  #servedAt = 0;

  /** @param onTurn called after each turn of the loop, when the world stands at the present moment */
  constructor(world: World, speed: number, journal: (entry: Stamped<Command>) => void, onTurn: () => void) {
    this.world = world;
    this.speed = speed;
    this.#onTurn = onTurn;
    this.#pace = new Pace(speed, world.now, performance.now());
    this.session = new Session(world, () => this.now, journal);
  }

  get now(): Micros {
    return this.#pace.simulated(performance.now());
  }

  /** To be called when a command may have made something due earlier than was known. */
  wake(): void {
    this.#due = 0 as Micros;
    if (performance.now() - this.#servedAt >= BURST_MS) this.#turn();
    else this.#turnSoon();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  lag(): LagFigures {
    if (this.#lags.length === 0) return { count: 0, p50: null, p99: null, max: null };
    const sorted = Float64Array.from(this.#lags).sort();
    return {
      count: this.#lagCount,
      p50: percentile(sorted, 50),
      p99: percentile(sorted, 99),
      max: sorted[sorted.length - 1]!,
    };
  }

  /** One turn serves all that comes in before it. */
  #turnSoon(): void {
    if (this.#stopped) return;
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    const { now } = this;
    // Timers count whole milliseconds: what is left of the last one passes in turns that do nothing.
    if (now >= this.#due && !this.#serve(now)) return;
    const wait = Number.isFinite(this.#due) ? this.#pace.wall(this.#due) - performance.now() : SLEEP_LIMIT_MS;
    if (wait < 1) this.#turnSoon();
    else this.#timer = setTimeout(() => this.wake(), Math.min(Math.floor(wait), SLEEP_LIMIT_MS));
  }

  /** Runs and delivers what is due. @returns whether nothing is left of it, and the session goes on */
  #serve(now: Micros): boolean {
    // Whoever wakes it from here on waits for its end.
    this.#servedAt = Number.POSITIVE_INFINITY;
    const caughtUp = this.world.runUntil(now, EVENTS_PER_TURN);
    const nextDelivery = this.outbox.flush(this.world.now, (at) => this.#observeLag(at));
    this.#due = caughtUp ? (Math.min(this.world.kernel.nextAt(), nextDelivery) as Micros) : (0 as Micros);
    if (caughtUp) this.#onTurn();
    else this.#turnSoon();
    this.#servedAt = performance.now();
    return caughtUp && !this.#stopped;
  }

  #observeLag(at: Micros): void {
    const lag = Math.max(0, performance.now() - this.#pace.wall(at));
    this.lagHistogram.observe(lag);
    if (this.#lagCount++ % this.#lagStride !== 0) return;
    this.#lags.push(lag);
    if (this.#lags.length < LAG_SAMPLES) return;
    this.#lags = this.#lags.filter((_, index) => index % 2 === 0);
    this.#lagStride *= 2;
  }
}
