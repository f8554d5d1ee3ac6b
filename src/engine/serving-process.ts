import type { Micros } from '../kernel/index.ts';
import type { ApplicationServerSpec } from './application-spec.ts';
import type { EngineFigures } from './listener.ts';
import type { Sequence } from './sequence.ts';
import type { EngineSpec } from './spec.ts';

/** What serves: an engine, or an application. */
export type ProcessSpec =
  | { readonly kind: 'engine'; readonly spec: EngineSpec }
  | { readonly kind: 'application'; readonly spec: ApplicationServerSpec };

/**
 * A process in a unit's containers that takes requests and answers them piece by piece: an engine that generates
 * tokens, or an application that has its own way with what it is sent. Whoever routes, retries, counts, stalls and kills
 * need not know which.
 */
export interface ServingProcess {
  /** Its number in its world, in order of start. */
  readonly id: number;
  readonly startedAt: Micros;
  readonly alive: boolean;
  /** NEVER while it lives. */
  readonly diedAt: Micros;
  /** It turns away what comes now, its queue being as long as it may be. Absent: it never does. */
  readonly full?: boolean;
  /** Takes a sequence in, which must fit; it ends exactly once. */
  submit(sequence: Sequence): void;
  /** The client of a sequence has left. */
  abort(sequence: Sequence): void;
  /**
   * When the `index`-th piece (from 0) of a watched sequence left or will leave, as far as is known; NEVER when that is
   * not known yet. Asking changes nothing.
   */
  tokenTime(sequence: Sequence, index: number): Micros;
  /** Work takes `factor` times as long. */
  slowDown(factor: number): void;
  /** Stalled, it takes requests in and gets on with none. */
  setStalled(stalled: boolean): void;
  /** The process is gone: what has left by now has left, everything else is cut. */
  die(): void;
  figures(): EngineFigures;
}
