import { fromSeconds, type Micros } from '../kernel/index.ts';
import type { ModelStorageSpec } from './storage.ts';

/**
 * What a pod's way to service and its recovery take. The platform's documents give hardly a figure: what Kubernetes
 * defaults to is cited, the rest is assumed, from the order of size that such clusters show. A scenario sets its own
 * under `timings`.
 */
export interface Timings {
  /** Registry to node, bytes per second. */
  readonly imagePullBandwidth: number;
  /** Storage to device memory, or with local storage acceleration to the node's disk, bytes per second and pod. */
  readonly storageBandwidth: Readonly<Record<ModelStorageSpec['kind'], number>>;
  /** A node's disk to device memory, bytes per second and pod. */
  readonly diskBandwidth: number;
  /** Mounting a pod's volumes. */
  readonly mount: Micros;
  /** Creating and starting a container. */
  readonly containerStart: Micros;
  /** Interpreter, device runtime, memory profiling and graph capture of an engine. */
  readonly engineBoot: Micros;
  /** Agreeing on the rank table when the pods of an engine have all started (guide 4180). */
  readonly rankTable: Micros;
  /** A gang that found no place is tried again this often, and whenever something becomes free. */
  readonly reschedule: Micros;
  /** From a fault to its being reported: of a chip, a switch, a node, the network. */
  readonly detection: Readonly<Record<'chip' | 'switch' | 'node' | 'network', Micros>>;
  /** A node's way from down to available, and with all its chips reset. */
  readonly nodeReboot: Micros;
  readonly nodeReset: Micros;
  /** Stopping a service with health checks is held back so long (guide 3963, 4065). */
  readonly stopDelay: Micros;
}

export const TIMINGS: Timings = {
  // A shared 10 Gbit/s link at a fifth of its rate.
  imagePullBandwidth: 250e6,
  storageBandwidth: { image: 1e9, obs: 300e6, obsfs: 600e6, 'sfs-turbo': 1e9, 'pre-warmed': 3e9 },
  // One NVMe disk, read by all pods of a node at a time.
  diskBandwidth: 3e9,
  mount: fromSeconds(1),
  containerStart: fromSeconds(2),
  engineBoot: fromSeconds(35),
  rankTable: fromSeconds(15),
  reschedule: fromSeconds(10),
  detection: {
    chip: fromSeconds(10),
    switch: fromSeconds(30),
    // kube-controller-manager --node-monitor-grace-period, 40 s until v1.31.
    node: fromSeconds(40),
    network: fromSeconds(10),
  },
  nodeReboot: fromSeconds(300),
  nodeReset: fromSeconds(480),
  stopDelay: fromSeconds(180),
};

/** Kubernetes' back-off of restarts and of image pulls: 10 s, doubled to 300 s (pkg/kubelet, MaxContainerBackOff). */
const FIRST_BACK_OFF = 10;
const LONGEST_BACK_OFF = 300;
/** A container that ran so long begins anew with the shortest. */
export const BACK_OFF_RESET = fromSeconds(600);

/** How long to wait after so many failures in a row, from 1. */
export function backOff(failures: number): Micros {
  return fromSeconds(Math.min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** (failures - 1)));
}

/** Mounts are tried again after 0.5 s, doubled to 122 s (pkg/util/goroutinemap/exponentialbackoff). */
export function mountBackOff(failures: number): Micros {
  return fromSeconds(Math.min(122, 0.5 * 2 ** (failures - 1)));
}

/** So often an instance that does not go is tried to be deleted. Assumed: the guide's text has the count open (4443). */
export const DELETE_RETRIES = 5;
