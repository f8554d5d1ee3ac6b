/** What sharing traffic asks of a deployment. */
export interface WeightedDeployment {
  readonly weight: number;
  readonly backends: readonly unknown[];
  /** It takes copies of live requests, and no live one (guide 3643). */
  readonly mirror?: boolean;
}

/**
 * Shares a service's traffic among its deployments in proportion to their weights; those without a backend get
 * none. A weight of 0 keeps a deployment out of traffic whatever becomes of the others (guide 3609); only when all
 * weights are 0 do those that run share evenly (guide 3594, 3644). Smooth weighted round robin, as nginx
 * does it: exact over a round, and no two requests in a row where it can be helped. A round begins anew when the
 * deployments or their weights change, so that nothing that is owed by old weights is paid in new ones.
 */
export class WeightedChoice {
  readonly #seats = new Map<WeightedDeployment, { readonly weight: number; credit: number }>();

  /** @returns a deployment that takes requests, by default one with a backend; undefined when none does */
  choose<Some extends WeightedDeployment>(
    deployments: readonly Some[],
    takes: (deployment: Some) => boolean = hasBackends,
  ): Some | undefined {
    const live = liveOf(deployments);
    if (live.length === 1) return takes(live[0]!) ? live[0] : undefined;
    this.#seat(live);
    let total = 0;
    let best: Some | undefined;
    let most = Number.NEGATIVE_INFINITY;
    for (const deployment of live) {
      const seat = this.#seats.get(deployment)!;
      if (seat.weight === 0 || !takes(deployment)) continue;
      total += seat.weight;
      seat.credit += seat.weight;
      if (seat.credit <= most) continue;
      most = seat.credit;
      best = deployment;
    }
    if (best !== undefined) this.#seats.get(best)!.credit -= total;
    return best;
  }

  #seat(live: readonly WeightedDeployment[]): void {
    const even = allZero(live);
    const weightOf = ({ weight }: WeightedDeployment): number => (even ? 1 : weight);
    const seats = this.#seats;
    if (seats.size === live.length && live.every((each) => seats.get(each)?.weight === weightOf(each))) return;
    seats.clear();
    for (const each of live) seats.set(each, { weight: weightOf(each), credit: 0 });
  }
}

/**
 * The share of live traffic, in per cent, that each deployment gets as things stand: by weights and by who has a
 * backend (guide 3624, 3647). All are 0 when nobody takes any.
 */
export function actualShares(deployments: readonly WeightedDeployment[]): number[] {
  const even = allZero(liveOf(deployments));
  const counts = deployments.map(({ weight, backends, mirror }) =>
    mirror === true || backends.length === 0 ? 0 : even ? 1 : weight,
  );
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total === 0 ? 0 : (100 * count) / total));
}

function hasBackends({ backends }: WeightedDeployment): boolean {
  return backends.length > 0;
}

function liveOf<Some extends WeightedDeployment>(deployments: readonly Some[]): readonly Some[] {
  return deployments.some(({ mirror }) => mirror) ? deployments.filter(({ mirror }) => mirror !== true) : deployments;
}

function allZero(deployments: readonly WeightedDeployment[]): boolean {
  return deployments.every(({ weight }) => weight === 0);
}
