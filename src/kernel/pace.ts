import { type Micros, micros } from './time.ts';

/**
 * How the live clock maps wall time to simulated time. Deadlines are absolute, from one origin, so lateness never
 * accumulates. Wall time is in milliseconds on whatever monotonic clock the caller reads.
 */
export class Pace {
  readonly speed: number;
  readonly #wallOrigin: number;
  readonly #origin: Micros;

  /** @param speed simulated seconds per wall second, {@link SPEED_MIN} to {@link SPEED_MAX} */
  constructor(speed: number, origin: Micros, wallOrigin: number) {
    this.speed = speed;
    this.#origin = origin;
    this.#wallOrigin = wallOrigin;
  }

  simulated(wallMillis: number): Micros {
    return micros(this.#origin + Math.floor((wallMillis - this.#wallOrigin) * 1_000 * this.speed));
  }

  wall(at: Micros): number {
    return this.#wallOrigin + (at - this.#origin) / (1_000 * this.speed);
  }
}

export const SPEED_MIN = 0.1;
export const SPEED_MAX = 100;
