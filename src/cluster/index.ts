/**
 * The cluster: pools, nodes, accelerators, and where pods are placed on them. It knows what holds what, and nothing
 * of why a pod exists.
 */
export { Cluster, type Placement } from './cluster.ts';
export type { PlacementDecision, PlacementRequest } from './scheduler.ts';
export type { NodeGroupSpec, PoolSpec, ResourceRequest } from './spec.ts';
