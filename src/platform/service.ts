import type { EventLog } from '../telemetry/index.ts';
import type { Deployment } from './deployment.ts';
import type { ServiceSpec } from './spec.ts';

/** The contract's spelling. */
export type ServiceStatus = 'INIT' | 'DEPLOYING' | 'RUNNING' | 'CONCERNING' | 'ERROR' | 'FAILED';

/** A service: its deployments, and the status they add up to. */
export class Service {
  readonly index: number;
  readonly spec: ServiceSpec;
  readonly #events: EventLog;
  readonly #onSettled: (service: Service) => void;
  readonly deployments: Deployment[] = [];
  status: ServiceStatus = 'DEPLOYING';
  /** Its first deployment is over: it serves, or has failed. */
  settled = false;

  constructor(index: number, spec: ServiceSpec, events: EventLog, onSettled: (service: Service) => void) {
    this.index = index;
    this.spec = spec;
    this.#events = events;
    this.#onSettled = onSettled;
  }

  /** Running when all deployments run, Alarm when some do, Abnormal when none does any more (guide 3100-3108). */
  refreshStatus(): void {
    const from = this.status;
    const to = this.#derive();
    if (to === from) return;
    this.status = to;
    this.#events.service(this.spec.name, to === 'RUNNING' ? 'statusChanged' : 'serviceDegraded', from, to);
    if (!this.settled) {
      this.settled = true;
      this.#onSettled(this);
    }
  }

  #derive(): ServiceStatus {
    const statuses = this.deployments.map((deployment) => deployment.status);
    if (statuses.length === 0) return 'INIT';
    if (statuses.every((status) => status === 'RUNNING')) return 'RUNNING';
    if (!this.settled && statuses.includes('DEPLOYING')) return 'DEPLOYING';
    if (statuses.some((status) => status === 'RUNNING' || status === 'CONCERNING')) return 'CONCERNING';
    return this.settled ? 'ERROR' : 'FAILED';
  }
}
