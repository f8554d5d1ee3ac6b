import type { SloClass, UnitReplica } from '../../platform/index.ts';

/** What policies may know of a request. */
export interface RoutedRequest {
  readonly clientIp?: string | undefined;
  readonly sloClass?: SloClass | undefined;
  /** Its prompt as a chain of units, each named by the hash of everything up to its end. */
  readonly prefix?: readonly number[] | undefined;
  readonly promptTokens: number;
}

/** Chooses the backend of one request. A policy keeps its own state, one policy object for each deployment. */
export interface RoutingPolicy {
  /**
   * @param backends the replicas that take traffic, in order of their places; never empty
   * @param request without it a policy does what it does for a request of which nothing is known
   */
  choose(backends: readonly UnitReplica[], request?: RoutedRequest): UnitReplica;
}

/** What policies may know of a replica. */
export interface ReplicaFigures {
  /** Requests that it has been given and has not ended. */
  connections(replica: UnitReplica): number;
  /** Those of them that are of this service level or a higher one: where priority orders the queue, it serves them first. */
  ahead(replica: UnitReplica, sloClass: SloClass): number;
  /** Its average time to first token of late, in µs; undefined when it has given none of late. */
  ttft(replica: UnitReplica): number | undefined;
  /**
   * What its Metric Collection API told last (guide 3939): gauges by name, the higher the busier. Undefined when it has
   * told nothing.
   */
  metrics(replica: UnitReplica): ReadonlyMap<string, number> | undefined;
}

/**
 * The replica whose figure is lowest; of those that share it the one whose next figure is, and so on. Of equals the
 * first in place.
 */
export function lowest(
  backends: readonly UnitReplica[],
  ...figures: readonly ((replica: UnitReplica) => number)[]
): UnitReplica {
  let best = backends[0]!;
  for (const replica of backends) {
    for (const figure of figures) {
      const difference = figure(replica) - figure(best);
      if (difference === 0) continue;
      if (difference < 0) best = replica;
      break;
    }
  }
  return best;
}
