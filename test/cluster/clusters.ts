import { nodeFlavor } from '../../src/catalog/index.ts';
import {
  Cluster,
  type GangDecision,
  type GangRequest,
  type NodeGroupSpec,
  type Placement,
  type ResourceRequest,
} from '../../src/cluster/index.ts';

export const ONE: ResourceRequest = { cpu: 8, memoryGiB: 64, accelerators: 1 };

/** One pool `p` of nodes with eight NPUs, 192 cores and 1,536 GiB. */
export function npuNodes(count: number, rest: Partial<NodeGroupSpec> = {}): Cluster {
  return cluster({ flavor: nodeFlavor('snt9b-8'), count, ...rest });
}

export function cluster(...nodes: NodeGroupSpec[]): Cluster {
  return new Cluster([{ name: 'p', type: 'dedicated', nodes }]);
}

/** A gang of one instance of `d`, whose name is also its pods'. */
export function gang(instance: string, pods: readonly ResourceRequest[], rest: Partial<GangRequest> = {}): GangRequest {
  return {
    pool: 'p',
    policy: 'high-availability',
    deployment: 'd',
    instance,
    pods: pods.map((resources, index) => ({ name: `${rest.deployment ?? 'd'}/${instance}/${index}`, resources })),
    ...rest,
  };
}

/** Decides and places; undefined when the gang goes nowhere. */
export function put(cluster: Cluster, request: GangRequest): Placement[] | undefined {
  const decision: GangDecision = cluster.decide(request);
  return decision.nodes === undefined ? undefined : cluster.place(request, decision);
}

/** Names of the nodes that a gang would go to. */
export function places(cluster: Cluster, request: GangRequest): string[] | undefined {
  return cluster.decide(request).nodes?.map(({ name }) => name);
}

/** All that can be seen of the nodes. */
export function stateOf(cluster: Cluster): unknown {
  return cluster.allNodes.map((node) => ({
    cpu: node.cpuFree,
    memory: node.memoryFreeGiB,
    accelerators: node.acceleratorsFree,
    holders: node.holders.map((holders) => [...holders]),
    pods: [...node.pods],
  }));
}

export function podsOn(cluster: Cluster): number[] {
  return cluster.allNodes.map(({ podCount }) => podCount);
}
