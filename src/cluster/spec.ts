import type { NodeFlavor } from '../catalog/index.ts';
import type { Micros } from '../kernel/index.ts';

/** A resource pool: a cluster of nodes that deployments are placed on. */
export interface PoolSpec {
  readonly name: string;
  readonly type: 'dedicated' | 'public';
  readonly nodes: readonly NodeGroupSpec[];
  /**
   * Logical subpools: each takes that many of the nodes, in order, and is a pool of its own; the physical pool then
   * takes no deployments (guide 381).
   */
  readonly subpools?: readonly SubpoolSpec[];
  /** By default volcano and logs run, and hra is absent. */
  readonly plugins?: Readonly<Partial<Record<PluginName, PluginState>>>;
  /** A public pool makes every gang wait so long in its queue first (guide 380). */
  readonly queueDelay?: Micros;
  /** Of Kubernetes, such as `1.28`; with `everestVersion`, below 2.4.204, mounts need a DEW secret (guide 433). */
  readonly clusterVersion?: string;
  /** Of CCE Container Storage, such as `2.4.204`. */
  readonly everestVersion?: string;
  /** SFS Turbo file systems associated with the pool's network. */
  readonly sfsTurbo?: readonly string[];
}

export interface SubpoolSpec {
  readonly name: string;
  readonly nodes: number;
}

export type PluginName = 'volcano' | 'hra' | 'logs';
export type PluginState = 'running' | 'abnormal' | 'absent';

/** Some equal nodes of a pool. */
export interface NodeGroupSpec {
  /** The node pool that they are; by default the flavor's id. */
  readonly name?: string;
  readonly flavor: NodeFlavor;
  readonly count: number;
  /** Spread over so many of the pool's racks, round robin; by default 1. */
  readonly racks?: number;
  /** Data disk of each node, GiB; by default {@link DISK_GIB}. */
  readonly diskGiB?: number;
  /** By default {@link MAX_PODS}. */
  readonly maxPods?: number;
  readonly taints?: readonly Taint[];
  readonly warmImages?: readonly string[];
  readonly warmModels?: readonly string[];
  /** By default that of the flavor. */
  readonly arch?: 'x86' | 'arm64';
}

/** Assumed: above the 1,024 GiB that local storage acceleration asks for (guide 3738), as such servers are sold. */
export const DISK_GIB = 3_500;
/** The kubelet's default. */
export const MAX_PODS = 110;

/** No pod of the platform tolerates any. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: 'NoSchedule' | 'NoExecute';
}

/** What a pod asks of a node. */
export interface ResourceRequest {
  /** Virtual cores, to a thousandth. */
  readonly cpu: number;
  /** To a MiB. */
  readonly memoryGiB: number;
  /** Whole devices, or a fraction of one in hundredths: virtual GPUs of custom specifications (guide 410). */
  readonly accelerators: number;
}

/** Pods that are placed together or not at all. */
export interface GangRequest {
  readonly pool: string;
  /** Only nodes of it, and of node pools with the same specification (guide 410). */
  readonly nodePool?: string;
  readonly pods: readonly PodRequest[];
  readonly policy: SchedulingPolicy;
  readonly affinity?: NodeAffinity;
  /** Only nodes on which this model is warm (guide 3703). */
  readonly warmModel?: string;
  /** What the gang belongs to. */
  readonly deployment: string;
  readonly instance: string;
  readonly role?: Role;
  /** Keep prefill and decode of the deployment on different nodes if possible (guide 751). */
  readonly rolesApart?: boolean;
}

export interface PodRequest {
  readonly name: string;
  readonly resources: ResourceRequest;
}

export type Role = 'prefill' | 'decode';

/** High availability and compact are the guide's (385); high performance is the API's and has no definition there. */
export type SchedulingPolicy = 'high-availability' | 'compact' | 'high-performance';

/** Strong: must, or must not. Weak: the system tries, before all else (guide 3575-3578). */
export interface NodeAffinity {
  readonly kind: 'affinity' | 'anti-affinity';
  readonly strength: 'strong' | 'weak';
  readonly nodes: readonly string[];
}
