import type { UnitReplica } from '../../platform/index.ts';
import { lowest, type ReplicaFigures, type RoutingPolicy } from './policy.ts';

/**
 * The replica whose average time to first token is lowest (guide 3936). One that has none counts as 0, the idlest of
 * them first: a new replica gets to show its own, and one that was slow is asked again once its window has run out.
 */
export class MinTtft implements RoutingPolicy {
  readonly #figures: ReplicaFigures;

  constructor(figures: ReplicaFigures) {
    this.#figures = figures;
  }

  choose(backends: readonly UnitReplica[]): UnitReplica {
    return lowest(
      backends,
      (replica) => this.#figures.ttft(replica) ?? 0,
      (replica) => this.#figures.connections(replica),
    );
  }
}
