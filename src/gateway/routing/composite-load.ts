import type { UnitReplica } from '../../platform/index.ts';
import { lowest, type ReplicaFigures, type RoutingPolicy } from './policy.ts';

/**
 * The replica under the lowest pressure: open requests, time to first token, and the figures of its Metric Collection
 * API (guide 3939). The guide gives no weights: each of the three counts the same, as a share of the highest among the
 * replicas, and each of the API's figures the same within its third. A replica without a time to first token has
 * nothing that slows it: 0. Of one whose API tells nothing nothing is known: it stands as the others do on average.
 */
export class CompositeLoad implements RoutingPolicy {
  readonly #figures: ReplicaFigures;

  constructor(figures: ReplicaFigures) {
    this.#figures = figures;
  }

  choose(backends: readonly UnitReplica[]): UnitReplica {
    const figures = this.#figures;
    const parts = [
      shares(backends.map((replica) => figures.connections(replica))),
      shares(backends.map((replica) => figures.ttft(replica) ?? 0)),
      this.#metricShares(backends),
    ];
    const pressure = new Map(
      backends.map((replica, index) => [replica, parts.reduce((sum, part) => sum + part[index]!, 0)]),
    );
    return lowest(backends, (replica) => pressure.get(replica)!);
  }

  #metricShares(backends: readonly UnitReplica[]): number[] {
    const told = backends.map((replica) => this.#figures.metrics(replica));
    const names = [...new Set(told.flatMap((metrics) => [...(metrics?.keys() ?? [])]))];
    const byName = names.map((name) => shares(told.map((metrics) => metrics?.get(name))));
    return backends.map((_, index) => byName.reduce((sum, each) => sum + each[index]!, 0) / Math.max(1, names.length));
  }
}

/** Each figure as a share of the highest; the average share for what is not known. */
function shares(figures: readonly (number | undefined)[]): number[] {
  const known = figures.filter((figure) => figure !== undefined);
  const highest = Math.max(0, ...known);
  if (highest === 0) return figures.map(() => 0);
  const average = known.reduce((sum, figure) => sum + figure, 0) / known.length;
  return figures.map((figure) => (figure ?? average) / highest);
}
