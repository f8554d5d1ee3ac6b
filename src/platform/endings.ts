import { after, type EventKind, fromSeconds, type Kernel, type Micros, Priority } from '../kernel/index.ts';
import type { EventLog } from '../telemetry/index.ts';
import type { Deployment } from './deployment.ts';
import type { Timings } from './durations.ts';
import type { Fleet } from './fleet.ts';
import type { Rollouts } from './rollout.ts';
import type { Standing } from './standing.ts';
import type { DeploymentStatus } from './states.ts';

export type EndingKind = 'stop' | 'delete' | 'interrupt';

/** From an operation being taken to its work beginning: the platform's own components pass it on. Assumed. */
const DELIVERY = fromSeconds(1);
/** Pods not gone by then will not go: their node is lost. Assumed; the guide's text leaves the figure open (4399). */
const LONGEST_ENDING = fromSeconds(1200);
const Phase = { work: 0, overdue: 1 } as const;

const ENDING: Readonly<Record<EndingKind, DeploymentStatus>> = {
  stop: 'STOPPING',
  delete: 'DELETING',
  interrupt: 'INTERRUPTING',
};
const KIND_OF: Readonly<Partial<Record<DeploymentStatus, EndingKind>>> = {
  STOPPING: 'stop',
  DELETING: 'delete',
  INTERRUPTING: 'interrupt',
};

/**
 * Stopping, deleting and interrupting deployments. Stopping one with health checks is held back by three minutes, in
 * which requests in flight go on (guide 3963, 4065); then its instances end gracefully.
 */
export class Endings {
  readonly #kernel: Kernel;
  readonly #events: EventLog;
  readonly #timings: Timings;
  readonly #fleet: Fleet;
  readonly #standing: Standing;
  readonly #rollouts: Rollouts;
  readonly #due: EventKind;
  readonly #deleted: (deployment: Deployment) => void;
  /** What each was before it was last told to end. */
  readonly #before = new Map<Deployment, DeploymentStatus>();

  constructor(
    ports: {
      readonly kernel: Kernel;
      readonly events: EventLog;
      readonly timings: Timings;
      readonly fleet: Fleet;
      readonly standing: Standing;
      readonly rollouts: Rollouts;
    },
    deleted: (deployment: Deployment) => void,
  ) {
    this.#kernel = ports.kernel;
    this.#events = ports.events;
    this.#timings = ports.timings;
    this.#fleet = ports.fleet;
    this.#standing = ports.standing;
    this.#rollouts = ports.rollouts;
    this.#deleted = deleted;
    this.#due = ports.kernel.kind('platform/ending', Priority.control, (index, phase) => {
      const deployment = ports.fleet.deployments[index]!;
      if (phase === Phase.work) this.#work(deployment);
      else this.#overdue(deployment);
    });
  }

  begin(deployment: Deployment, kind: EndingKind): void {
    const { status, spec } = deployment;
    this.#before.set(deployment, status);
    this.#kernel.cancel(deployment.endToken);
    this.#standing.move(deployment, ENDING[kind]);
    const checked = spec.units.some(({ probes }) => Object.values(probes).some((probe) => probe !== undefined));
    const held = kind === 'stop' && checked && deployment.instances.length > 0;
    this.#schedule(deployment, held ? this.#timings.stopDelay : DELIVERY, Phase.work);
  }

  /** An instance is gone: was it the last of one that ends? */
  instanceGone(deployment: Deployment): void {
    if (deployment.instances.length === 0 && !this.#goesBack(deployment)) this.#over(deployment);
  }

  /** Guide 3130: interrupted while it is upgraded, it goes back to the version that ran. */
  #goesBack(deployment: Deployment): boolean {
    return deployment.status === 'INTERRUPTING' && this.#before.get(deployment) === 'UPGRADING';
  }

  #work(deployment: Deployment): void {
    const kind = KIND_OF[deployment.status];
    if (kind === undefined) return;
    const before = this.#before.get(deployment)!;
    if (deployment.service.disturbances.size > 0) {
      const why = 'a component of the platform does not answer';
      // What was on its way out before goes on, as soon as it can.
      if (KIND_OF[before] === undefined) this.#fail(deployment, kind, why, before);
      else this.#schedule(deployment, DELIVERY, Phase.work);
      return;
    }
    if (this.#goesBack(deployment)) {
      if (deployment.rollout?.kind === 'upgrade') this.#rollouts.rollBack(deployment);
      return;
    }
    this.#rollouts.end(deployment);
    this.#schedule(deployment, LONGEST_ENDING, Phase.overdue);
    const how = kind === 'interrupt' ? 'forced' : 'graceful';
    for (const instance of [...deployment.instances]) {
      this.#fleet.leave(instance, `The deployment is ${deployment.status}.`, how);
    }
    this.instanceGone(deployment);
  }

  #schedule(deployment: Deployment, delay: Micros, phase: number): void {
    deployment.endToken = this.#kernel.schedule(this.#due, after(this.#kernel.now, delay), deployment.index, phase);
  }

  /** Nothing is left of it. */
  #over(deployment: Deployment): void {
    const { service, status } = deployment;
    if (KIND_OF[status] === undefined) return;
    this.#kernel.cancel(deployment.endToken);
    this.#rollouts.end(deployment);
    if (status !== 'DELETING') {
      this.#standing.move(deployment, 'STOPPED');
      return;
    }
    if (service.disturbances.size > 0) this.#events.service(service.name, 'quotaReleaseFailed');
    deployment.status = 'DELETED';
    service.deployments = service.deployments.filter((each) => each !== deployment);
    service.deleted = service.deleting && service.deployments.length === 0;
    this.#deleted(deployment);
  }

  #overdue(deployment: Deployment): void {
    const kind = KIND_OF[deployment.status];
    if (kind === undefined) return;
    const pods = deployment.pods.filter(({ phase }) => phase !== 'terminated').map(({ name }) => name);
    const { service } = deployment;
    if (service.deleting) this.#events.service(service.name, 'serviceDeletionTimedOut', LONGEST_ENDING / 60e6);
    // Not Abnormal, in which its instances would be made anew.
    this.#fail(deployment, kind, `${pods.join(', ')} did not end`, 'FAILED');
  }

  #fail(deployment: Deployment, kind: EndingKind, why: string, to: DeploymentStatus): void {
    const { service, name, status: from } = deployment;
    const text = {
      stop: 'deploymentStopFailed',
      delete: 'deploymentDeletionFailed',
      interrupt: 'deploymentInterruptionFailed',
    } as const;
    this.#events.service(service.name, text[kind], name, why, from, to);
    if (kind === 'delete') service.deleting = false;
    this.#standing.move(deployment, to, why);
    this.#standing.refresh(deployment);
    this.#rollouts.resume(deployment);
    this.#rollouts.touch(deployment);
  }
}
