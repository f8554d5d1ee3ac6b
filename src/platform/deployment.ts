import { type EventToken, type Micros, NO_EVENT } from '../kernel/index.ts';
import type { Instance } from './instance.ts';
import type { Pod } from './pod.ts';
import type { Service } from './service.ts';
import type { DeploymentSpec } from './spec.ts';
import { type DeploymentStatus, SERVING_IN } from './states.ts';
import type { UnitReplica } from './unit-replica.ts';

/** A deployment's settings under a number: `1.0.0` at first. */
export interface DeploymentVersion {
  readonly number: string;
  readonly spec: DeploymentSpec;
  readonly createdAt: Micros;
}

/** What a deployment is being brought to, until its deadline. */
export interface Rollout {
  readonly kind: 'create' | 'start' | 'upgrade' | 'rollback' | 'scale' | 'auto-scale';
  /** What to go back to when it fails. */
  readonly previous: { readonly version: DeploymentVersion; readonly target: number };
  readonly deadline: EventToken;
}

/** A deployment: what is wanted of it, the instances that there are, and where it stands. */
export class Deployment {
  readonly index: number;
  readonly service: Service;
  readonly name: string;
  /** Every version that was not deleted, oldest first. */
  readonly versions: DeploymentVersion[] = [];
  /** The current one: what new instances are made of. */
  version: DeploymentVersion;
  /** Instances wanted. */
  target: number;
  weight: number;
  /** It gets copies of live requests, and no live one (guide 3643). */
  mirror: boolean;
  /** All that are not gone, in order of creation; some may be leaving. */
  instances: Instance[] = [];
  status: DeploymentStatus;
  rollout: Rollout | undefined;
  /** When what ends it begins, and when it must be over. */
  endToken: EventToken = NO_EVENT;
  /** A pass over its instances is due. */
  touched = false;
  /** Worked out when they are asked for. */
  #backends: readonly UnitReplica[] | undefined;

  constructor(index: number, service: Service, spec: DeploymentSpec, createdAt: Micros) {
    this.index = index;
    this.service = service;
    this.name = spec.name;
    this.version = { number: '1.0.0', spec, createdAt };
    this.versions.push(this.version);
    this.target = spec.instances;
    this.weight = spec.weight;
    this.mirror = spec.mirror === true;
    this.status = 'DEPLOYING';
  }

  get spec(): DeploymentSpec {
    return this.version.spec;
  }

  /** Instances that are not on their way out. */
  get staying(): Instance[] {
    return this.instances.filter(({ leaving }) => !leaving);
  }

  /** Percent to instances: what an upgrade may add is rounded up, what may be missing is rounded down (guide 445, 448). */
  get surge(): number {
    return surgeOf(this.target, this.spec.maxSurge);
  }

  get unavailable(): number {
    return unavailableOf(this.target, this.spec.maxUnavailable);
  }

  /** Up are enough of them: all but those that may be missing (guide 448). Being scaled, it is not short of any yet. */
  get enoughUp(): boolean {
    const scaled = this.rollout?.kind === 'scale' || this.rollout?.kind === 'auto-scale';
    const wanted = scaled ? Math.min(this.target, this.rollout!.previous.target) : this.target;
    return this.upCount >= wanted - unavailableOf(wanted, this.spec.maxUnavailable);
  }

  /** What its instances make of it: Running, Alarm or Abnormal. */
  get condition(): 'RUNNING' | 'CONCERNING' | 'ERROR' {
    if (this.enoughUp) return 'RUNNING';
    return this.upCount > 0 ? 'CONCERNING' : 'ERROR';
  }

  /** It is being brought up from nothing, even if probes have called it abnormal meanwhile. */
  get comesUp(): boolean {
    return this.rollout?.kind === 'create' || this.rollout?.kind === 'start';
  }

  get upCount(): number {
    return this.staying.filter(({ up }) => up).length;
  }

  /** The `position`-th of the instances that stay, by their ordinals. */
  instanceAt(position: number): Instance | undefined {
    return this.staying.sort((one, other) => one.ordinal - other.ordinal)[position];
  }

  get pods(): Pod[] {
    return this.instances.flatMap(({ pods }) => pods);
  }

  /** Replicas that take requests, in order of their places. */
  get backends(): readonly UnitReplica[] {
    this.#backends ??= this.#serving();
    return this.#backends;
  }

  /** Who takes requests may be different. */
  refreshBackends(): void {
    this.#backends = undefined;
  }

  /** Replicas that are ready and not workers; a prefill one only beside a decode one. */
  #serving(): UnitReplica[] {
    // Interrupted while it is brought up, it has never served.
    const serving = SERVING_IN.includes(this.status) && !(this.comesUp && this.status === 'INTERRUPTING');
    return this.instances
      .filter(({ leaving }) => serving && !leaving)
      .flatMap((instance) => {
        const ready = instance.replicas.filter((replica) => replica.role !== 'worker' && replica.ready);
        const decodes = ready.some(({ role }) => role === 'decode');
        return ready.filter(({ role }) => role === 'common' || (role === 'prefill' && decodes));
      })
      .sort((one, other) => one.place - other.place);
  }

  /**
   * The decode replicas of an instance that answers are handed to, in order of their places. One that hangs is among
   * them until somebody notices, as one of a common unit is.
   */
  decoders(instance: Instance): UnitReplica[] {
    return instance.replicas.filter(
      ({ role, loaded, engine, ready }) =>
        role === 'decode' && loaded && engine?.alive === true && (instance.leaving || ready),
    );
  }
}

/** Instances above the target that a percentage allows (guide 445). */
export function surgeOf(instances: number, percent: number): number {
  return Math.ceil((instances * percent) / 100);
}

/** Instances below the target that a percentage allows (guide 448). */
export function unavailableOf(instances: number, percent: number): number {
  return Math.floor((instances * percent) / 100);
}
