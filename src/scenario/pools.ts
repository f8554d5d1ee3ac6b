import type { NodeFlavor } from '../catalog/index.ts';
import type { Catalogue } from './catalogue.ts';
import type { PoolEntry } from './schema.ts';

/** Some equal nodes of a pool that a deployment may name. */
export interface NodePool {
  /** Its name, or the flavor's. */
  readonly name: string;
  readonly flavor: NodeFlavor;
  /** Another one with the same specification will do instead (guide 410). */
  readonly specification: string;
  /** Data disk of a node, where it is stated. */
  readonly diskGiB: number | undefined;
}

/** A pool as deployments know it: a physical one, or a subpool, which is some of the nodes of a physical one. */
export interface Pool {
  readonly name: string;
  readonly entry: PoolEntry;
  readonly nodePools: readonly NodePool[];
  /** Its nodes, each by its name and the node pool that it belongs to. */
  readonly nodes: readonly { readonly name: string; readonly nodePool: NodePool }[];
}

/** All pools, each followed by its subpools. */
export function poolsOf(entries: readonly PoolEntry[], catalogue: Catalogue): Pool[] {
  return entries.flatMap((entry) => {
    const nodes = nodesOf(entry, catalogue);
    const part = (name: string, first: number, count = nodes.length): Pool => {
      const some = nodes.slice(first, first + count);
      return { name, entry, nodes: some, nodePools: [...new Set(some.map(({ nodePool }) => nodePool))] };
    };
    let next = 0;
    return [
      part(entry.name, 0),
      ...entry.subpools.map(({ name, nodes }) => part(name, (next += nodes) - nodes, nodes)),
    ];
  });
}

/** Nodes are called as the cluster calls them: in order over the groups of the physical pool. */
function nodesOf({ name: pool, nodes }: PoolEntry, catalogue: Catalogue): Pool['nodes'] {
  const groups = nodes.flatMap(({ name, flavor, count, arch, diskGiB }) => {
    const specification = `${flavor}/${arch ?? ''}`;
    const nodePool = { name: name ?? flavor, flavor: catalogue.flavor(flavor), specification, diskGiB };
    return new Array<NodePool>(count).fill(nodePool);
  });
  return groups.map((nodePool, index) => ({ name: `${pool}-node-${index}`, nodePool }));
}

/** The node pools that pods may come to: with the specification of the one that is named, or all. */
export function nodePoolsFor({ nodePools }: Pool, named: string | undefined): readonly NodePool[] {
  const allowed = nodePools.filter(({ name }) => name === named).map(({ specification }) => specification);
  return named === undefined ? nodePools : nodePools.filter(({ specification }) => allowed.includes(specification));
}

/** Its nodes have different accelerators (guide 410). */
export function isHeterogeneous({ nodePools }: Pool): boolean {
  return new Set(nodePools.map(({ flavor }) => flavor.accelerator)).size > 1;
}
