import type { UnitReplica } from '../../platform/index.ts';
import type { RoutingPolicy } from './policy.ts';

/** Each replica in turn. Turns follow their places, so one that leaves or joins does not start the round anew. */
export class RoundRobin implements RoutingPolicy {
  #last = -1;

  choose(backends: readonly UnitReplica[]): UnitReplica {
    const next = backends.find(({ place }) => place > this.#last) ?? backends[0]!;
    this.#last = next.place;
    return next;
  }
}
