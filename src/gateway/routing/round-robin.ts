import type { Pod } from '../../platform/index.ts';
import type { RoutingPolicy } from './policy.ts';

/** Each instance in turn. Turns follow the slots, so a pod that leaves or joins does not start the round anew. */
export class RoundRobin implements RoutingPolicy {
  #last = -1;

  choose(backends: readonly Pod[]): Pod {
    const next = backends.find((pod) => pod.instance > this.#last) ?? backends[0]!;
    this.#last = next.instance;
    return next;
  }
}
