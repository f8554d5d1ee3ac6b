import type { Call } from '../gateway/index.ts';
import type { FaultSpec } from './faults.ts';

/** All that can reach a running world from outside. Each is journalled with the moment at which it was taken. */
export type Command =
  | { readonly kind: 'call'; readonly call: Call }
  /** The client of a request has gone. */
  | { readonly kind: 'disconnect'; readonly request: number }
  | { readonly kind: 'fault'; readonly fault: FaultSpec }
  /** No more traffic and no more calls; what is in flight goes on. */
  | { readonly kind: 'drain' }
  /** Everything ends at once; what is in flight is cut. */
  | { readonly kind: 'stop' };
