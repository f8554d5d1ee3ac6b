import type { PluginName, PluginState } from '../cluster/index.ts';
import type { Micros } from '../kernel/index.ts';
import type { PodTarget, StorageKind } from '../platform/index.ts';

/** A node by its name, or the one that a pod is on. */
export type NodeTarget = { readonly node: string } | PodTarget;

/** Until `lasting` has passed; else to the end. */
interface Lasting {
  readonly lasting?: Micros;
}

/** What can be made to go wrong, each in the room that it strikes. */
export type FaultSpec =
  /** A pod is killed; its streams are cut and a replacement is made. */
  | ({ readonly kind: 'kill-pod' } & PodTarget)
  /** The process of a container exits with an error; or is killed for want of memory. */
  | ({ readonly kind: 'crash-container' | 'out-of-memory' } & PodTarget)
  /** The process answers nothing and computes nothing. */
  | ({ readonly kind: 'hang-container' } & PodTarget & Lasting)
  /** Steps of a pod's engine take `factor` times as long. */
  | ({ readonly kind: 'slow-engine'; readonly factor: number } & PodTarget & Lasting)
  /** Keys and values leave a prefill pod `factor` times as slowly. */
  | ({ readonly kind: 'slow-link'; readonly factor: number } & PodTarget & Lasting)
  /** No keys and values leave a prefill pod. */
  | ({ readonly kind: 'break-link' } & PodTarget & Lasting)
  /** An accelerator is broken: the `chip`-th of the pod, or of the node. */
  | ({ readonly kind: 'chip-fault'; readonly chip: number } & NodeTarget & Lasting)
  /** A node is gone, and back after `lasting`, or after a reboot. */
  | ({ readonly kind: 'node-crash' } & NodeTarget & Lasting)
  | ({ readonly kind: 'node-reboot' } & NodeTarget)
  /** No new pods on a node; or none at all. */
  | ({ readonly kind: 'cordon' | 'drain' } & NodeTarget & Lasting)
  | ({ readonly kind: 'taint'; readonly key: string; readonly effect: 'NoSchedule' | 'NoExecute' } & NodeTarget &
      Lasting)
  /** A node's data disk is full. */
  | ({ readonly kind: 'disk-full' } & NodeTarget & Lasting)
  /** Nothing reaches the nodes of a rack. */
  | ({ readonly kind: 'switch-fault'; readonly pool: string; readonly rack: number } & Lasting)
  /** The gateway reaches no pod of a service. */
  | ({ readonly kind: 'network-fault'; readonly service: string } & Lasting)
  /** Storage of a kind cannot be reached; or is `factor` times as slow. */
  | ({ readonly kind: 'storage-down'; readonly storage: StorageKind } & Lasting)
  | ({ readonly kind: 'storage-slow'; readonly storage: StorageKind; readonly factor: number } & Lasting)
  /** An image is gone from the registry; or the registry is `factor` times as slow. */
  | ({ readonly kind: 'image-missing'; readonly image: string } & Lasting)
  | ({ readonly kind: 'registry-slow'; readonly factor: number } & Lasting)
  /** A plugin of a pool is in another state. */
  | ({
      readonly kind: 'plugin';
      readonly pool: string;
      readonly plugin: PluginName;
      readonly state: PluginState;
    } & Lasting)
  /** A DEW secret is deleted (guide 3828). */
  | ({ readonly kind: 'delete-secret'; readonly secret: string } & Lasting)
  /** The platform's own components that a service depends on are being rescheduled: operations are refused. */
  | ({ readonly kind: 'control-plane-fault'; readonly service: string } & Lasting)
  /** The gateway refuses every call to a service. */
  | ({
      readonly kind: 'refuse';
      readonly service: string;
      readonly status: 429 | 503;
      readonly retryAfterSeconds?: number;
    } & Lasting);

export type FaultKind = FaultSpec['kind'];
