import { counted, type Micros } from '../kernel/index.ts';

/** How an application's server works, whatever it answers. */
export interface ApplicationServerSpec {
  /** Requests that it works on at once; the rest wait in order of arrival. Default: any number. */
  readonly concurrency?: number;
  /** Requests that may wait; what comes beyond is turned away. Default: any number. */
  readonly queue?: number;
}

/** What one request is to an application's server: the first piece after so long, the others evenly after it. */
export interface ApplicationTask {
  /** From a free place to the first piece. */
  readonly latency: Latency;
  /** Between two pieces. */
  readonly every: Micros;
}

/** How long something takes: always as long, or log-normally distributed; draws beyond `max` are cut to it. */
export type Latency =
  | { readonly kind: 'fixed'; readonly micros: Micros }
  | { readonly kind: 'lognormal'; readonly median: Micros; readonly sigma: number; readonly max?: Micros };

/** Draws are told apart by what they are for. */
const RADIUS = 0xa91;
const ANGLE = 0xa92;

/**
 * How long a request takes: a function of the seed and of the request's number, so that neither the pods that there are
 * nor the order in which they work change anything. At least the clock's grain: an answer comes after its question.
 */
export function drawLatency(latency: Latency, seed: number, request: number): Micros {
  if (latency.kind === 'fixed') return Math.max(1, latency.micros) as Micros;
  const { median, sigma, max = Number.MAX_SAFE_INTEGER } = latency;
  const radius = 1 - counted(seed ^ RADIUS, request, 0);
  const angle = counted(seed ^ ANGLE, request, 0);
  // Box and Muller (1958).
  const normal = Math.sqrt(-2 * Math.log(radius)) * Math.cos(2 * Math.PI * angle);
  return Math.min(Math.max(1, Math.round(median * Math.exp(sigma * normal))), max) as Micros;
}
