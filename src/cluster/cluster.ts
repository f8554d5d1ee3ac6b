import { assert } from '../kernel/index.ts';
import { Node } from './node.ts';
import { choosePlacement, type PlacementDecision, type PlacementRequest } from './scheduler.ts';
import type { PoolSpec, ResourceRequest } from './spec.ts';

/** A pod's place: its node, and the accelerators it holds there. */
export interface Placement {
  readonly node: Node;
  readonly accelerators: readonly number[];
}

/** The pools and their nodes. */
export class Cluster {
  readonly #pools = new Map<string, Node[]>();

  constructor(pools: readonly PoolSpec[]) {
    for (const pool of pools) {
      const nodes: Node[] = [];
      for (const group of pool.nodes) {
        for (let index = 0; index < group.count; index++) {
          nodes.push(new Node(`${pool.name}-node-${nodes.length}`, group.flavor));
        }
      }
      this.#pools.set(pool.name, nodes);
    }
  }

  nodes(pool: string): readonly Node[] {
    const nodes = this.#pools.get(pool);
    assert(nodes !== undefined, `no pool ${pool}`);
    return nodes;
  }

  get allNodes(): Node[] {
    return [...this.#pools.values()].flat();
  }

  /** Decides where a pod would go; holds nothing. */
  find(pool: string, request: PlacementRequest): PlacementDecision {
    return choosePlacement(this.nodes(pool), request);
  }

  place(pod: string, node: Node, resources: ResourceRequest): Placement {
    return { node, accelerators: node.hold(pod, resources) };
  }
}
