import type { Pod } from '../../platform/index.ts';

/** Chooses the backend of one request. A policy keeps its own state, one policy object for each deployment. */
export interface RoutingPolicy {
  /** @param backends the pods that take traffic, in order of their places; never empty */
  choose(backends: readonly Pod[]): Pod;
}
