import type { Kernel } from '../kernel/index.ts';
import type { Deployment } from './deployment.ts';
import { Instance } from './instance.ts';
import { Pod } from './pod.ts';
import type { Service } from './service.ts';
import type { UnitReplica } from './unit-replica.ts';

/** What the fleet asks of others when instances and pods come and go. */
export interface FleetPorts {
  readonly kernel: Kernel;
  /** Pods of a replica want nodes. */
  readonly submit: (replica: UnitReplica, pods: readonly Pod[]) => void;
  readonly terminate: (pod: Pod, why: string, how: 'graceful' | 'forced') => void;
  /** A prefill replica wants its link. */
  readonly openLink: (replica: UnitReplica) => void;
  readonly created: (instance: Instance) => void;
}

/** All services, deployments, instances, unit replicas and pods that there are, and how they come into being and go. */
export class Fleet {
  readonly #ports: FleetPorts;
  readonly services: Service[] = [];
  /** Every deployment that ever was, by its number; so with the following. */
  readonly deployments: Deployment[] = [];
  readonly instances: Instance[] = [];
  readonly replicas: UnitReplica[] = [];
  readonly pods: Pod[] = [];

  constructor(ports: FleetPorts) {
    this.#ports = ports;
  }

  /** Makes an instance of a deployment's current version, with all its pods. */
  createInstance(deployment: Deployment): Instance {
    const taken = new Set(deployment.instances.map(({ ordinal }) => ordinal));
    let ordinal = 0;
    while (taken.has(ordinal)) ordinal++;
    const { version } = deployment;
    const { now } = this.#ports.kernel;
    const instance = new Instance(this.instances.length, deployment, ordinal, version, now, this.replicas.length);
    this.instances.push(instance);
    this.replicas.push(...instance.replicas);
    deployment.instances.push(instance);
    this.#ports.created(instance);
    for (const replica of instance.replicas) {
      if (replica.role === 'prefill') this.#ports.openLink(replica);
      this.createPods(replica);
    }
    return instance;
  }

  /** Gives a replica the pods that it lacks. */
  createPods(replica: UnitReplica): void {
    const created: Pod[] = [];
    for (const [rank, held] of replica.pods.entries()) {
      if (held !== undefined) continue;
      const pod = new Pod(this.pods.length, this.#podName(replica, rank), replica, rank, this.#ports.kernel.now);
      this.pods.push(pod);
      replica.pods[rank] = pod;
      created.push(pod);
    }
    if (created.length > 0) this.#ports.submit(replica, created);
  }

  /** Sends an instance on its way out: it takes no new requests, and its pods end. */
  leave(instance: Instance, why: string, how: 'graceful' | 'forced' = 'graceful'): void {
    instance.leaving = true;
    instance.deployment.refreshBackends();
    for (const pod of instance.pods) this.#ports.terminate(pod, why, how);
  }

  #podName(replica: UnitReplica, rank: number): string {
    const { instance, unit, slot } = replica;
    const draw = this.#ports.kernel.chance.stream(
      `pod-names/${slot}${rank === 0 ? '' : `/${rank}`}/${this.pods.length}`,
    );
    const suffix = Math.floor(draw() * 36 ** 5)
      .toString(36)
      .padStart(5, '0');
    return `${instance.name}-${unit.name}-${suffix}`;
  }
}
