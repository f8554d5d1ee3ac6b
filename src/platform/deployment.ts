import type { EventLog } from '../telemetry/index.ts';
import type { Pod } from './pod.ts';
import type { Service } from './service.ts';
import type { DeploymentSpec } from './spec.ts';

/** The contract's spelling (states 1.2); the console says Abnormal for ERROR and Alarm for CONCERNING. */
export type DeploymentStatus = 'DEPLOYING' | 'RUNNING' | 'CONCERNING' | 'ERROR' | 'FAILED';

/** A deployment: what is wanted of it, the pods that hold its instances' slots, and the status they add up to. */
export class Deployment {
  readonly index: number;
  readonly service: Service;
  readonly spec: DeploymentSpec;
  readonly #events: EventLog;
  /** The pod in each instance's slot. */
  readonly pods: (Pod | undefined)[] = [];
  /** Pods that take traffic, in order of their slots. */
  readonly backends: Pod[] = [];
  status: DeploymentStatus = 'DEPLOYING';

  constructor(index: number, service: Service, spec: DeploymentSpec, events: EventLog) {
    this.index = index;
    this.service = service;
    this.spec = spec;
    this.#events = events;
  }

  /** Takes a pod into or out of the list of backends. */
  setReady(pod: Pod, ready: boolean): void {
    if (pod.ready === ready) return;
    pod.ready = ready;
    if (ready) {
      const after = this.backends.findIndex((other) => other.instance > pod.instance);
      this.backends.splice(after === -1 ? this.backends.length : after, 0, pod);
    } else {
      this.backends.splice(this.backends.indexOf(pod), 1);
    }
    this.refreshStatus();
  }

  /** Derives the status from the instances that are ready (states 3.1). */
  refreshStatus(): void {
    const from = this.status;
    if (from === 'FAILED') return;
    const ready = this.backends.length;
    const wanted = this.spec.instances;
    const to: DeploymentStatus =
      ready === wanted ? 'RUNNING' : from === 'DEPLOYING' ? 'DEPLOYING' : ready > 0 ? 'CONCERNING' : 'ERROR';
    if (to === from) return;
    this.status = to;
    const service = this.service.spec.name;
    if (from === 'DEPLOYING') {
      this.#events.service(service, 'deploymentCreated', this.spec.name, ready, wanted, from, to);
    } else if (to !== 'RUNNING') {
      const message = `${ready} of ${wanted} instances are available`;
      this.#events.service(service, 'deploymentDegraded', this.spec.name, from, to, message);
    }
    this.service.refreshStatus();
  }

  /** Gives the deployment up. */
  fail(): void {
    this.status = 'FAILED';
    this.service.refreshStatus();
  }
}
