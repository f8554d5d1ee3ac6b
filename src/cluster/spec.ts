import type { NodeFlavor } from '../catalog/index.ts';

/** A pool of nodes of the user's own. Public pools are not part of this version. */
export interface PoolSpec {
  readonly name: string;
  readonly type: 'dedicated';
  readonly nodes: readonly NodeGroupSpec[];
}

/** Some equal nodes of a pool. */
export interface NodeGroupSpec {
  readonly flavor: NodeFlavor;
  readonly count: number;
}

/** What a pod asks of a node. */
export interface ResourceRequest {
  readonly cpu: number;
  readonly memoryGiB: number;
  readonly accelerators: number;
}
