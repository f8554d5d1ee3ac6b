import { assert } from '../kernel/index.ts';
import { askOf } from './ask.ts';
import type { GangDecision } from './decision.ts';
import type { Node } from './node.ts';
import { type Pool, poolsOf } from './pool.ts';
import type { Owner } from './presence.ts';
import type { GangRequest, PoolSpec } from './spec.ts';

/** A pod's place: its node, and the accelerators it holds there. */
export interface Placement {
  readonly node: Node;
  readonly accelerators: readonly number[];
}

/** Where a pod is, and whose it is. */
interface Placed {
  readonly node: Node;
  readonly owner: Owner;
}

/** The pools, their nodes, and which pod is where. */
export class Cluster {
  /** Physical pools and logical subpools, by name. */
  readonly #pools = new Map<string, Pool>();
  readonly #nodes = new Map<string, Node>();
  readonly #pods = new Map<string, Placed>();

  constructor(pools: readonly PoolSpec[]) {
    for (const pool of pools.flatMap(poolsOf)) {
      assert(!this.#pools.has(pool.name), () => `two pools are called ${pool.name}`);
      this.#pools.set(pool.name, pool);
      for (const node of pool.nodes) {
        assert((this.#nodes.get(node.name) ?? node) === node, () => `two nodes are called ${node.name}`);
        this.#nodes.set(node.name, node);
      }
    }
  }

  /** All pools: physical ones, each followed by its subpools. */
  get pools(): Pool[] {
    return [...this.#pools.values()];
  }

  pool(name: string): Pool {
    const pool = this.#pools.get(name);
    assert(pool !== undefined, () => `no pool ${name}`);
    return pool;
  }

  nodes(pool: string): readonly Node[] {
    return this.pool(pool).nodes;
  }

  get allNodes(): Node[] {
    return [...this.#nodes.values()];
  }

  node(name: string): Node | undefined {
    return this.#nodes.get(name);
  }

  /** Decides where a gang would go: all of its pods or none; holds nothing. */
  decide(request: GangRequest): GangDecision {
    assert(request.pods.length > 0, 'a gang without pods');
    const { takesDeployments, scheduler, nodes } = this.pool(request.pool);
    if (takesDeployments) return scheduler.decide(request, nodes);
    const why = `${request.pool} has logical subpools and takes no deployments itself.`;
    return { nodes: undefined, accelerators: [], why, explain: () => [] };
  }

  /** Gives the pods of a gang what was decided, with nothing changed in between. */
  place(request: GangRequest, { nodes, accelerators }: GangDecision): Placement[] {
    assert(nodes !== undefined, () => `a gang of ${request.deployment} goes nowhere`);
    const { scheduler } = this.pool(request.pool);
    const { deployment, instance, role } = request;
    const owner: Owner = { deployment, instance, ...(role === undefined ? {} : { role }) };
    return request.pods.map(({ name, resources }, index) => {
      assert(!this.#pods.has(name), () => `${name} is placed already`);
      const placement = { node: nodes[index]!, accelerators: accelerators[index]! };
      placement.node.hold(name, askOf(resources), placement.accelerators);
      scheduler.presences.add(placement.node.row, owner);
      this.#pods.set(name, { node: placement.node, owner });
      return placement;
    });
  }

  /** The pod is gone: all that it held is free. */
  release(pod: string): void {
    const placed = this.#pods.get(pod);
    assert(placed !== undefined, () => `${pod} is nowhere`);
    this.#pods.delete(pod);
    placed.node.release(pod);
    this.pool(placed.node.pool).scheduler.presences.remove(placed.node.row, placed.owner);
  }
}
