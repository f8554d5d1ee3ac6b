import type { UnitReplica } from '../../platform/index.ts';
import { lowest, type ReplicaFigures, type RoutingPolicy } from './policy.ts';

/** The replica with the fewest open requests (guide 3933). */
export class LeastConnections implements RoutingPolicy {
  readonly #figures: ReplicaFigures;

  constructor(figures: ReplicaFigures) {
    this.#figures = figures;
  }

  choose(backends: readonly UnitReplica[]): UnitReplica {
    return lowest(backends, (replica) => this.#figures.connections(replica));
  }
}
