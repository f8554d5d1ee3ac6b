import type { EventLog } from '../telemetry/index.ts';
import type { Deployment } from './deployment.ts';
import type { Service } from './service.ts';
import { type DeploymentStatus, serviceStatus } from './states.ts';

/** Told when a service has come to another state. */
export interface StandingListener {
  statusChanged(service: Service): void;
  /** A service's first deployment is over: it serves, or has failed. */
  settled(service: Service): void;
  /** Who takes the requests of a service may be different, or where it stands. */
  backendsChanged(service: Service): void;
}

/** States in which a deployment is what its instances make of it. */
const DERIVED: readonly DeploymentStatus[] = ['RUNNING', 'CONCERNING', 'ERROR'];
/** States of a service that nobody needs to worry about. */
const FINE: readonly string[] = [
  'INIT',
  'RUNNING',
  'DEPLOYING',
  'UPGRADING',
  'STOPPING',
  'STOPPED',
  'DELETING',
  'DELETED',
  'INTERRUPTING',
];

/** Where deployments and services stand, and what is said when that changes. */
export class Standing {
  readonly #events: EventLog;
  readonly #listener: StandingListener;

  constructor(events: EventLog, listener: StandingListener) {
    this.#events = events;
    this.#listener = listener;
  }

  /** Brings a deployment's state in line with its instances, where they decide it. */
  refresh(deployment: Deployment): void {
    for (const instance of deployment.instances) {
      if (!instance.up) continue;
      instance.wasUp = true;
      instance.trouble = undefined;
    }
    if (DERIVED.includes(deployment.status) && !deployment.comesUp) {
      const { condition, upCount, target } = deployment;
      this.move(deployment, condition, `${upCount} of ${target} instances are available`);
    }
    deployment.refreshBackends();
    this.#listener.backendsChanged(deployment.service);
  }

  /** @param why of a change for the worse */
  move(deployment: Deployment, to: DeploymentStatus, why = ''): void {
    const from = deployment.status;
    if (from === to) return;
    deployment.status = to;
    const { service, name } = deployment;
    if ((to === 'CONCERNING' || to === 'ERROR') && why !== '') {
      this.#events.service(service.name, 'deploymentDegraded', name, from, to, why);
    }
    deployment.refreshBackends();
    this.refreshService(service, deployment, why);
  }

  /** @param because the deployment that has changed it, and why for the worse */
  refreshService(service: Service, because?: Deployment, why = ''): void {
    service.served ||= service.serves;
    const from = service.status;
    service.status = statusOf(service);
    if (service.status !== from) this.#tell(service, from, because, why);
    if (!service.settled && isOver(service)) {
      service.settled = true;
      this.#listener.settled(service);
    }
    if (service.status === from) return;
    this.#listener.statusChanged(service);
    this.#listener.backendsChanged(service);
  }

  #tell({ name, status }: Service, from: string, because: Deployment | undefined, why: string): void {
    if (FINE.includes(status)) this.#events.service(name, 'statusChanged', from, status);
    else if (because === undefined || why === '') this.#events.service(name, 'serviceDegraded', from, status);
    else this.#events.service(name, 'serviceDegradedByDeployment', from, status, because.name, why);
  }
}

function statusOf({ deleted, deleting, deployments, served }: Service): Service['status'] {
  if (deleted) return 'DELETED';
  if (deleting) return 'DELETING';
  return serviceStatus(
    deployments.map(({ status }) => status),
    served,
  );
}

/** It serves, or none of its first deployments is under way any more. */
function isOver({ serves, deployments }: Service): boolean {
  return serves || !deployments.some(({ comesUp }) => comesUp);
}
