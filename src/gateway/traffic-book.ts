import type { Deployment } from '../platform/index.ts';
import { actualShares } from './weights.ts';

/** What a deployment has been given so far. */
export interface DeploymentTraffic {
  /** Live requests that were routed to it: each try counts, and so does each connection that is opened, once. */
  readonly requests: number;
  /** Copies of live requests that it got as a mirror (guide 3643). */
  readonly copies: number;
}

const NOTHING: DeploymentTraffic = { requests: 0, copies: 0 };

/** Counts what deployments are given. What is asked of a pod at its own endpoint is in no count: nobody routed it. */
export class TrafficBook {
  readonly #counts = new Map<Deployment, { requests: number; copies: number }>();

  /** A live request is routed to a deployment. */
  routed(deployment: Deployment): void {
    this.#countsOf(deployment).requests++;
  }

  /** A deployment gets a copy of a live request. */
  copied(deployment: Deployment): void {
    this.#countsOf(deployment).copies++;
  }

  of(deployment: Deployment): DeploymentTraffic {
    return this.#counts.get(deployment) ?? NOTHING;
  }

  #countsOf(deployment: Deployment): { requests: number; copies: number } {
    let counts = this.#counts.get(deployment);
    if (counts === undefined) {
      counts = { requests: 0, copies: 0 };
      this.#counts.set(deployment, counts);
    }
    return counts;
  }
}

/** How a deployment stands in its service's traffic. */
export interface DeploymentShare {
  readonly name: string;
  readonly weight: number;
  /** It gets copies of live requests, and no live one. */
  readonly mirror: boolean;
  /** The actual traffic percentage as things stand: by weights and by who has a backend (guide 3624, 3647). */
  readonly share: number;
}

/** @param deployments all of a service */
export function deploymentShares(deployments: readonly Deployment[]): DeploymentShare[] {
  const shares = actualShares(deployments);
  return deployments.map(({ name, weight, mirror }, index) => ({ name, weight, mirror, share: shares[index]! }));
}
