/**
 * The cluster: pools, nodes, accelerators and disks, and where pods are placed on them. It knows what holds what and
 * whose it is, and nothing of why a pod exists or what it does.
 *
 * - `spec.ts`: what pools are made of, and what is asked of them.
 * - `cluster.ts`: the door: decide, place, release. `pool.ts`, `node.ts`, `disk.ts`: what there is.
 * - `scheduler.ts`: the way from a gang to its nodes, by `filters.ts` and `scores.ts`; `packing.ts` where pod by pod
 *   is not enough; `explain.ts` in words.
 * - `node-table.ts`, `devices.ts`, `presence.ts`: the figures that scheduling reads of every node, in columns.
 */
export { Cluster, type Placement } from './cluster.ts';
export type { GangDecision, NodeVerdict } from './decision.ts';
export type { Node } from './node.ts';
export type { Pool } from './pool.ts';
export type {
  GangRequest,
  NodeAffinity,
  NodeGroupSpec,
  PluginName,
  PluginState,
  PodRequest,
  PoolSpec,
  ResourceRequest,
  Role,
  SchedulingPolicy,
  SubpoolSpec,
  Taint,
} from './spec.ts';
