import type { UnitReplica } from '../../platform/index.ts';
import { lowest, type ReplicaFigures, type RoutedRequest, type RoutingPolicy } from './policy.ts';

/**
 * When affinity is worth it, and when it must give way; the figures are the defaults of SGLang's router
 * (sgl-router/src/policies/mod.rs, CacheAwareConfig).
 */
const AFFINITY = {
  /** Share of the prompt that a replica must know; below it the prompt is as good as new. */
  leastKnown: 0.5,
  /** Loads are out of balance when the highest is above the lowest by more than this and by more than this factor. */
  difference: 32,
  factor: 1.1,
} as const;

/** Prefix units remembered for each replica: with vLLM's blocks of 16 tokens about what a replica can cache. */
export const MOST_KNOWN_UNITS = 65_536;

/**
 * The replica that knows most of the prompt; ours, the guide has no such policy. As SGLang's router
 * (sgl-router/src/policies/cache_aware.rs), vLLM's production stack (prefix-aware routing) and llm-d's approximate
 * prefix index do it: what a replica knows is guessed from what was sent there, not asked; affinity counts while loads
 * are in balance, and the fewest open requests when they are not. A prompt that nobody knows also goes where the fewest
 * are open, of equals to the replica that has the least to lose.
 */
export class PrefixCacheAware implements RoutingPolicy {
  readonly #figures: ReplicaFigures;
  readonly #known = new WeakMap<UnitReplica, KnownUnits>();

  constructor(figures: ReplicaFigures) {
    this.#figures = figures;
  }

  choose(backends: readonly UnitReplica[], request?: RoutedRequest): UnitReplica {
    const prefix = request?.prefix ?? [];
    const connections = (replica: UnitReplica): number => this.#figures.connections(replica);
    const chosen =
      this.#mostKnowing(backends, prefix) ?? lowest(backends, connections, (replica) => this.#knownTo(replica).size);
    this.#knownTo(chosen).learn(prefix);
    return chosen;
  }

  /** Undefined when nobody knows enough of it, or loads are out of balance. */
  #mostKnowing(backends: readonly UnitReplica[], prefix: readonly number[]): UnitReplica | undefined {
    if (prefix.length === 0) return undefined;
    const loads = backends.map((replica) => this.#figures.connections(replica));
    const high = Math.max(...loads);
    const low = Math.min(...loads);
    if (high - low > AFFINITY.difference && high > low * AFFINITY.factor) return undefined;
    const lengths = new Map(backends.map((replica) => [replica, this.#knownTo(replica).match(prefix)]));
    const best = lowest(
      backends,
      (replica) => -lengths.get(replica)!,
      (replica) => this.#figures.connections(replica),
    );
    return lengths.get(best)! / prefix.length > AFFINITY.leastKnown ? best : undefined;
  }

  #knownTo(replica: UnitReplica): KnownUnits {
    const known = this.#known.get(replica);
    if (known !== undefined) return known;
    const none = new KnownUnits();
    this.#known.set(replica, none);
    return none;
  }
}

/**
 * A tree of prefixes, the least recently used forgotten first. A unit's hash names its whole path from the root, so
 * the nodes alone are the tree; a path is renewed from its end to its head, so that a tail goes before its head.
 */
class KnownUnits {
  /** The least recently used first. */
  readonly #units = new Set<number>();

  get size(): number {
    return this.#units.size;
  }

  /** Units at the head of the prompt that are known. */
  match(prefix: readonly number[]): number {
    let length = 0;
    while (length < prefix.length && this.#units.has(prefix[length]!)) length++;
    return length;
  }

  learn(prefix: readonly number[]): void {
    for (let at = Math.min(prefix.length, MOST_KNOWN_UNITS) - 1; at >= 0; at--) {
      this.#units.delete(prefix[at]!);
      this.#units.add(prefix[at]!);
    }
    for (const unit of this.#units) {
      if (this.#units.size <= MOST_KNOWN_UNITS) break;
      this.#units.delete(unit);
    }
  }
}
