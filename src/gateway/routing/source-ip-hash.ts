import { counted, seedOf } from '../../kernel/index.ts';
import { addressText, parseAddress, type UnitReplica } from '../../platform/index.ts';
import { lowest, type RoutedRequest, type RoutingPolicy } from './policy.ts';
import { RoundRobin } from './round-robin.ts';

/** A hash is no draw of chance: it is the same under every seed of a world. */
const SEED = 0;

/**
 * One client, one replica (guide 3930). Rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to
 * increase hit rates", 1998): every client ranks the replicas' slots in an order of its own and goes to the first that
 * is there. So when a replica leaves, its clients alone move, and move back when it returns. A slot keeps its name
 * through restarts and upgrades. Who has no address has no affinity either: such requests take turns.
 */
export class SourceIpHash implements RoutingPolicy {
  readonly #turns = new RoundRobin();
  readonly #slots = new Map<string, number>();

  choose(backends: readonly UnitReplica[], request?: RoutedRequest): UnitReplica {
    const address = request?.clientIp === undefined ? undefined : parseAddress(request.clientIp);
    if (address === undefined) return this.#turns.choose(backends);
    // Always in the same spelling: another spelling is not another client.
    const client = seedOf(SEED, addressText(address));
    return lowest(backends, ({ slot }) => counted(SEED, client, this.#hashOf(slot)));
  }

  #hashOf(slot: string): number {
    const known = this.#slots.get(slot);
    if (known !== undefined) return known;
    const hash = seedOf(SEED, slot);
    this.#slots.set(slot, hash);
    return hash;
  }
}
