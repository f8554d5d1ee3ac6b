import type { Deployment } from './deployment.ts';
import type { ServiceSpec } from './spec.ts';
import { ANSWERS_IN, type ServiceStatus } from './states.ts';

/** A service: its deployments, and where they stand together. */
export class Service {
  readonly index: number;
  /** As it is now: its own settings may change (see `modify-service`); its deployments say themselves what they are. */
  spec: ServiceSpec;
  deployments: Deployment[] = [];
  status: ServiceStatus;
  /** Its first deployment is over: it serves, or has failed. */
  settled = false;
  /** A deployment of it has run. */
  served = false;
  /** It is to be deleted with all that it has; and has been. */
  deleting = false;
  deleted = false;
  /** What keeps operations from being taken: faults, by number. */
  readonly disturbances = new Set<number>();

  constructor(index: number, spec: ServiceSpec) {
    this.index = index;
    this.spec = spec;
    this.status = spec.deployments.length === 0 ? 'INIT' : 'DEPLOYING';
  }

  get name(): string {
    return this.spec.name;
  }

  /** Calls are passed on (guide 1089). */
  get answers(): boolean {
    return ANSWERS_IN.includes(this.status);
  }

  /** Some deployment of it runs. */
  get serves(): boolean {
    return this.deployments.some(({ status }) => status === 'RUNNING' || status === 'CONCERNING');
  }

  deployment(name: string): Deployment | undefined {
    return this.deployments.find((each) => each.name === name);
  }
}
