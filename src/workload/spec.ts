import type { Micros } from '../kernel/index.ts';

/** How the requests of a stream are spaced. Rates are requests per second of simulated time. */
export type ArrivalSpec =
  | { readonly kind: 'constant'; readonly rate: number }
  | { readonly kind: 'poisson'; readonly rate: number }
  /** Gamma-distributed gaps: `cv` is their coefficient of variation, above 1 for bursts. */
  | { readonly kind: 'gamma'; readonly rate: number; readonly cv: number }
  /** A Poisson process whose rate goes linearly from `from` to `to` over the scenario's duration. */
  | { readonly kind: 'ramp'; readonly from: number; readonly to: number }
  /** The arrivals of a trace, `speed` times as fast as recorded. */
  | { readonly kind: 'trace'; readonly trace: Trace; readonly speed: number };

/** How many tokens: of a prompt or of an answer. Draws are rounded, and kept within 1 and `max`. */
export type LengthSpec =
  | { readonly kind: 'fixed'; readonly tokens: number }
  /** `median` in tokens; `sigma` is the standard deviation of the logarithm. */
  | { readonly kind: 'lognormal'; readonly median: number; readonly sigma: number; readonly max: number }
  /** The lengths of the trace that gives the arrivals, row by row. */
  | { readonly kind: 'trace' };

/** A recorded workload, one entry per request, in order of arrival. */
export interface Trace {
  readonly file: string;
  /** Microseconds since the first row. */
  readonly at: readonly Micros[];
  readonly promptTokens: readonly number[];
  readonly outputTokens: readonly number[];
  /** What prompts share with each other, where the trace tells. */
  readonly prefixes?: TracePrefixes;
}

/** One prompt as a chain of units of `unitTokens` tokens, each named by a hash of everything up to its end. */
export interface PromptPrefix {
  readonly unitTokens: number;
  readonly hashes: readonly number[];
}

/** Prompts as chains of units of `unitTokens` tokens, each named by a hash of everything up to its end. */
export interface TracePrefixes {
  readonly unitTokens: number;
  /** Row by row; a last unit that the prompt does not fill may be named too. */
  readonly hashes: readonly (readonly number[])[];
}

/** One stream of requests to one service. */
export interface TrafficSpec {
  readonly name: string;
  readonly service: string;
  /** `ready`: time counts from when the service first runs; `boot`: from time zero. */
  readonly from: 'ready' | 'boot';
  /** Waits this long after `from`. */
  readonly start: Micros;
  readonly arrivals: ArrivalSpec;
  readonly prompt: LengthSpec;
  readonly output: LengthSpec;
  /** Where its requests come from; default: from where they may. */
  readonly clientIp?: string;
  /** Their service level; default: the service's. */
  readonly sloClass?: 0 | 1 | 2 | 3;
  /** The most requests that it sends. */
  readonly count?: number;
  /** Of tasks: how often each client asks whether its own is done, and then deletes it; default: it is told at once. */
  readonly collect?: Micros;
  /** Of an application, the path of the route that it calls; default: the first. */
  readonly route?: string;
}
