import type { Micros } from '../kernel/index.ts';
import type { Deployment, DeploymentVersion } from './deployment.ts';
import type { Pod } from './pod.ts';
import { UnitReplica } from './unit-replica.ts';

/** The contract's spelling. */
export type InstanceStatus = 'RUNNING' | 'PENDING' | 'CONCERNING' | 'FAILED' | 'DELETED';

/** An instance, or deployment replica: units that together complete an inference task, all of one version. */
export class Instance {
  readonly index: number;
  readonly deployment: Deployment;
  /** Among the instances of its deployment; the lowest that was free. */
  readonly ordinal: number;
  /** A new one only with changes that leave the pods as they are. */
  version: DeploymentVersion;
  readonly createdAt: Micros;
  readonly replicas: UnitReplica[] = [];
  /** On its way out: it takes no new requests. */
  leaving = false;
  /** Some of its pods are ending gracefully. */
  draining = false;
  /** Why it does not come up, though it was tried again and again. */
  trouble: string | undefined;
  /** Has been up: what it lacks from now on is lost, not late. */
  wasUp = false;

  /** @param firstReplica number of its first unit replica among all that ever were */
  constructor(
    index: number,
    deployment: Deployment,
    ordinal: number,
    version: DeploymentVersion,
    createdAt: Micros,
    firstReplica: number,
  ) {
    this.index = index;
    this.deployment = deployment;
    this.ordinal = ordinal;
    this.version = version;
    this.createdAt = createdAt;
    const { units } = version.spec;
    const base = `${deployment.service.name}/${deployment.name}/${ordinal}`;
    const perInstance = units.reduce((sum, { replicas }) => sum + replicas, 0);
    for (const unit of units) {
      for (let number = 0; number < unit.replicas; number++) {
        const slot = units.length === 1 && unit.replicas === 1 ? base : `${base}/${unit.name}-${number}`;
        const place = ordinal * perInstance + this.replicas.length;
        this.replicas.push(new UnitReplica(firstReplica + this.replicas.length, this, unit, number, place, slot));
      }
    }
    this.#enlistWorkers();
  }

  /** The name by which events and operations know it. */
  get name(): string {
    return `${this.deployment.service.name}-${this.deployment.name}-${this.ordinal}`;
  }

  get pods(): Pod[] {
    return this.replicas.flatMap(({ pods }) => pods.filter((pod) => pod !== undefined));
  }

  /** All its pods are there and up. */
  get up(): boolean {
    return !this.leaving && this.replicas.every(({ pods }) => pods.every((pod) => pod?.up === true));
  }

  /** All its pods take traffic. */
  get ready(): boolean {
    return !this.leaving && this.replicas.every(({ pods }) => pods.every((pod) => pod?.ready === true));
  }

  /** Requests that its engines work on. */
  get load(): number {
    return this.replicas.reduce((sum, replica) => sum + replica.load, 0);
  }

  get status(): InstanceStatus {
    const { pods } = this;
    if (pods.every(({ phase }) => phase === 'terminated')) return 'DELETED';
    if (this.ready) return 'RUNNING';
    if (!this.wasUp) return 'PENDING';
    return pods.some(({ ready }) => ready) ? 'CONCERNING' : 'FAILED';
  }

  /** The pods of worker units are part of the engine of the first unit's replica of the same number (guide 505). */
  #enlistWorkers(): void {
    for (const worker of this.replicas) {
      if (worker.role !== 'worker') continue;
      const leader = this.replicas.find(({ role, number }) => role !== 'worker' && number === worker.number)!;
      worker.leader = leader;
      leader.members.push(worker);
    }
  }
}
