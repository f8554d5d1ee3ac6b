import type { Pod } from '../../platform/index.ts';
import type { RoutingPolicy } from './policy.ts';

/** Each pod in turn. Turns follow their places, so a pod that leaves or joins does not start the round anew. */
export class RoundRobin implements RoutingPolicy {
  #last = -1;

  choose(backends: readonly Pod[]): Pod {
    const next = backends.find((pod) => pod.place > this.#last) ?? backends[0]!;
    this.#last = next.place;
    return next;
  }
}
