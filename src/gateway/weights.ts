import type { Deployment } from '../platform/index.ts';

/**
 * Shares a service's traffic among its deployments in proportion to their weights; those without a backend get
 * none. A weight of 0 keeps a deployment out of traffic whatever becomes of the others (guide 3609); only when all
 * weights are 0 do those that run share evenly (guide 3594, 3644). Smooth weighted round robin, as nginx
 * does it: exact over a round, and no two requests in a row where it can be helped.
 */
export class WeightedChoice {
  readonly #credit = new Map<Deployment, number>();

  /** A deployment with a backend, or undefined when none has one. */
  choose(deployments: readonly Deployment[]): Deployment | undefined {
    if (deployments.length === 1) return deployments[0]!.backends.length > 0 ? deployments[0] : undefined;
    const open = deployments.filter((deployment) => deployment.backends.length > 0);
    const even = deployments.every((deployment) => deployment.spec.weight === 0);
    let total = 0;
    let best: Deployment | undefined;
    for (const deployment of open) {
      const weight = even ? 1 : deployment.spec.weight;
      total += weight;
      this.#credit.set(deployment, (this.#credit.get(deployment) ?? 0) + weight);
      if (weight > 0 && (best === undefined || this.#credit.get(deployment)! > this.#credit.get(best)!)) {
        best = deployment;
      }
    }
    if (best !== undefined) this.#credit.set(best, this.#credit.get(best)! - total);
    return best;
  }
}
