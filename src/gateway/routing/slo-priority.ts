import { LOWEST_SLO_CLASS, type SloClass, type UnitReplica } from '../../platform/index.ts';
import { lowest, type ReplicaFigures, type RoutedRequest, type RoutingPolicy } from './policy.ts';

/**
 * The higher a request's service level, the sooner it is served (guide 3942). Engines take their queues in order of
 * priority, so a request waits behind those of its own level and of higher ones alone: it goes where these are fewest.
 * What lower levels do is nothing to it, save among replicas that are equal so far; of those it takes the one whose
 * first tokens come soonest (guide 3902: priority access to low-latency resources), then the idlest.
 */
export class SloPriority implements RoutingPolicy {
  readonly #figures: ReplicaFigures;

  constructor(figures: ReplicaFigures) {
    this.#figures = figures;
  }

  choose(backends: readonly UnitReplica[], request?: RoutedRequest): UnitReplica {
    const sloClass = request?.sloClass ?? LOWEST_SLO_CLASS;
    return lowest(
      backends,
      (replica) => this.#figures.ahead(replica, sloClass),
      (replica) => this.#figures.ttft(replica) ?? 0,
      (replica) => this.#figures.connections(replica),
    );
  }
}

/** Priorities that a client may choose among within its service level. */
const CLIENT_PRIORITIES = 2 ** 20;

/**
 * The priority of a request's sequences; engines that schedule by priority serve the lower one first. The service level
 * counts before what the client asks for, which orders requests of one level alone.
 */
export function enginePriority(sloClass: SloClass = LOWEST_SLO_CLASS, asked = 0): number {
  const half = CLIENT_PRIORITIES / 2;
  return sloClass * CLIENT_PRIORITIES + Math.max(-half, Math.min(half - 1, asked));
}
