import { after, type EventKind, type Kernel, Priority } from '../kernel/index.ts';
import type { EventLog } from '../telemetry/index.ts';
import type { Deployment, DeploymentVersion, Rollout } from './deployment.ts';
import type { Fleet } from './fleet.ts';
import type { Instance } from './instance.ts';
import type { Standing } from './standing.ts';
import { KEPT_IN } from './states.ts';
import type { Surroundings } from './surroundings.ts';

/** Told how automatic scaling ended; of each the first word counts. */
export type ScalingSink = (deployment: Deployment, failed: string | undefined) => void;

/**
 * Brings the instances of deployments to what is wanted of them: the right number, of the current version. While both
 * old and new ones are there, never more than the surge above the target exist, those on their way out included, and
 * never are more than the allowed ones missing (guide 445-452). What is not done by the deadline, or cannot be, is
 * given up: a new deployment has failed, an upgrade is rolled back, scaling keeps what there was.
 */
export class Rollouts {
  readonly #kernel: Kernel;
  readonly #events: EventLog;
  readonly #fleet: Fleet;
  readonly #standing: Standing;
  readonly #around: Surroundings;
  readonly #pass: EventKind;
  readonly #deadline: EventKind;
  readonly #onAutoScaled: ScalingSink;

  constructor(
    { kernel, events }: { readonly kernel: Kernel; readonly events: EventLog },
    fleet: Fleet,
    standing: Standing,
    around: Surroundings,
    onAutoScaled: ScalingSink,
  ) {
    this.#kernel = kernel;
    this.#events = events;
    this.#fleet = fleet;
    this.#standing = standing;
    this.#around = around;
    this.#onAutoScaled = onAutoScaled;
    this.#pass = kernel.kind('platform/rollout', Priority.control, (index) => {
      this.pass(fleet.deployments[index]!);
    });
    this.#deadline = kernel.kind('platform/deploy-timeout', Priority.control, (index) =>
      this.#onDeadline(fleet.deployments[index]!),
    );
  }

  /** Something about a deployment is different: looks at it again, once all of this moment has happened. */
  touch(deployment: Deployment): void {
    if (deployment.touched) return;
    deployment.touched = true;
    this.#kernel.schedule(this.#pass, this.#kernel.now, deployment.index);
  }

  /** Looks at it now. */
  pass(deployment: Deployment): void {
    deployment.touched = false;
    this.#reconcile(deployment);
  }

  /** Begins to bring a deployment to a version and a number of instances. */
  begin(deployment: Deployment, kind: Rollout['kind'], version: DeploymentVersion, target: number): void {
    this.end(deployment, 'another change takes over');
    const previous = { version: deployment.version, target: deployment.target };
    deployment.version = version;
    deployment.target = target;
    const at = after(this.#kernel.now, version.spec.deployTimeout);
    deployment.rollout = { kind, previous, deadline: this.#kernel.schedule(this.#deadline, at, deployment.index) };
    this.touch(deployment);
  }

  /** Goes back to what there was before the rollout in progress; where that cannot be made any more, it stays as it is. */
  rollBack(deployment: Deployment): void {
    const { version, target } = deployment.rollout!.previous;
    const secret = this.#around.missingSecret(version.spec);
    if (secret === undefined) {
      this.begin(deployment, 'rollback', version, target);
      return;
    }
    const { service, name, status } = deployment;
    this.#events.service(service.name, 'deploymentRollbackRefused', name, status);
    this.end(deployment);
    this.#standing.move(deployment, deployment.condition, `secret "${secret}" does not exist`);
    this.touch(deployment);
  }

  /** Leaves the rollout in progress where it is. */
  end(deployment: Deployment, why = `the deployment is ${deployment.status}`): void {
    const { rollout } = deployment;
    if (rollout === undefined) return;
    this.#kernel.cancel(rollout.deadline);
    deployment.rollout = undefined;
    if (rollout.kind === 'auto-scale') this.#onAutoScaled(deployment, why);
  }

  /** What was to end the deployment has failed: the rollout that it held up goes on, with all the time that it had. */
  resume(deployment: Deployment): void {
    const { rollout, version } = deployment;
    if (rollout === undefined) return;
    this.#kernel.cancel(rollout.deadline);
    const at = after(this.#kernel.now, version.spec.deployTimeout);
    deployment.rollout = { ...rollout, deadline: this.#kernel.schedule(this.#deadline, at, deployment.index) };
    this.touch(deployment);
  }

  /** A pod fails for good (guide 4031): so does the rollout, when more than may be missing do. */
  troubled(instance: Instance, problem: string): void {
    const { deployment } = instance;
    instance.trouble = problem;
    const why = problem.replace(/\.$/, '');
    const { rollout, service } = deployment;
    if (rollout === undefined || rollout.kind === 'rollback' || !isKept(deployment)) return;
    if (instance.version !== deployment.version) return;
    const troubled = deployment.staying.filter(({ trouble }) => trouble !== undefined).length;
    if (troubled <= Math.min(deployment.unavailable, deployment.target - 1)) return;
    if (rollout.kind === 'upgrade') this.#events.service(service.name, 'serviceUpdateFailed', why);
    if (rollout.kind === 'create' && !service.settled) {
      this.#events.service(service.name, 'serviceDeploymentFailed', why);
    }
    this.#giveUp(deployment, why);
  }

  #reconcile(deployment: Deployment): void {
    const { rollout } = deployment;
    if (!isKept(deployment)) return;
    this.#retireSurplus(deployment);
    this.#create(deployment);
    this.#retireOld(deployment);
    if (rollout !== undefined && isDone(deployment)) this.#finish(deployment, rollout);
  }

  /** Scaling in: those that matter least go (guide 3953, 3975). */
  #retireSurplus(deployment: Deployment): void {
    const fresh = deployment.staying.filter(({ version }) => version === deployment.version);
    for (const instance of leastMissed(fresh).slice(0, Math.max(0, fresh.length - deployment.target))) {
      this.#fleet.leave(instance, 'It is no longer needed.');
    }
  }

  #create(deployment: Deployment): void {
    const { instances, staying, target, surge, version } = deployment;
    const fresh = staying.filter((instance) => instance.version === version).length;
    // Only where versions change do those count that are on their way out: they may be stuck on a node that is lost.
    const changing = instances.some((instance) => instance.version !== version);
    const room = changing ? target + surge - instances.length : target;
    for (let count = Math.min(target - fresh, room); count > 0; count--) {
      this.#fleet.createInstance(deployment);
    }
  }

  /** Those that do not serve anyway first, then as many as may be missing (guide 448). */
  #retireOld(deployment: Deployment): void {
    const { staying } = deployment;
    const old = leastMissed(staying.filter(({ version }) => version !== deployment.version));
    const least = deployment.target - deployment.unavailable;
    let spare = staying.filter(({ ready }) => ready).length - least;
    for (const instance of old) {
      if (instance.ready && spare-- <= 0) break;
      this.#fleet.leave(instance, `Version ${instance.version.number} is replaced by ${deployment.version.number}.`);
    }
  }

  #finish(deployment: Deployment, { kind }: Rollout): void {
    const { service, name, upCount, target, status } = deployment;
    if (kind === 'auto-scale') this.#onAutoScaled(deployment, undefined);
    if (deployment.comesUp) {
      this.#events.service(service.name, 'deploymentCreated', name, upCount, target, status, 'RUNNING');
    }
    this.end(deployment);
    if (kind !== 'scale' && kind !== 'auto-scale') this.#standing.move(deployment, 'RUNNING');
    this.#standing.refresh(deployment);
  }

  #onDeadline(deployment: Deployment): void {
    if (!isKept(deployment)) return;
    const { rollout, service, name, version } = deployment;
    const minutes = version.spec.deployTimeout / 60e6;
    // Those of the version that it was to have: others may serve all the while.
    const up = deployment.staying.filter((each) => each.up && each.version === version).length;
    const why = `${up} of ${deployment.target} instances came up within ${minutes} minutes`;
    if (deployment.comesUp) {
      this.#events.service(service.name, 'serviceDeploymentTimedOut', minutes);
    } else if (rollout?.kind === 'upgrade') {
      this.#events.service(service.name, 'serviceUpdateTimedOut', minutes);
    } else if (rollout?.kind === 'rollback') {
      this.#events.service(service.name, 'deploymentRollbackTimedOut', name, version.number);
      this.#events.service(service.name, 'serviceRollbackTimedOut', service.name, why);
    }
    this.#giveUp(deployment, why);
  }

  #giveUp(deployment: Deployment, why: string): void {
    const { rollout, service, name, status: from } = deployment;
    switch (rollout?.kind) {
      case 'create':
      case 'start': {
        const text = rollout.kind === 'create' ? 'deploymentCreationFailed' : 'deploymentStartFailed';
        this.#events.service(service.name, text, name, why, from, 'FAILED');
        const { status } = service;
        this.end(deployment);
        this.#standing.move(deployment, 'FAILED', why);
        if (rollout.kind === 'start' && !service.serves) {
          this.#events.service(service.name, 'serviceStartFailed', why, status, service.status);
        }
        for (const instance of [...deployment.instances]) {
          this.#fleet.leave(instance, 'The deployment failed.', 'forced');
        }
        break;
      }
      case 'upgrade':
        this.#events.service(service.name, 'deploymentUpdateFailed', name, why);
        this.rollBack(deployment);
        break;
      case 'rollback': {
        this.end(deployment);
        const to = deployment.condition;
        this.#events.service(service.name, 'deploymentRollbackFailed', name, from, to);
        this.#standing.move(deployment, to, why);
        this.#events.service(service.name, 'serviceRollbackFailed', service.status, why);
        break;
      }
      case 'scale':
        // Guide 3216: the number goes back to what it was.
        this.#events.service(service.name, 'manualScalingFailed', name, why);
        deployment.target = rollout.previous.target;
        this.end(deployment);
        this.touch(deployment);
        break;
      case 'auto-scale':
        // It keeps what was reached, or what it had.
        this.#onAutoScaled(deployment, why);
        this.end(deployment);
        this.touch(deployment);
        break;
    }
  }
}

/** It is to be as it should be: it is not being ended, or goes back to the version before. */
function isKept({ status, rollout }: Deployment): boolean {
  return KEPT_IN.includes(status) || (status === 'INTERRUPTING' && rollout?.kind === 'rollback');
}

/** No old instance stays, and enough new ones are ready: one at least (guide 448). */
function isDone(deployment: Deployment): boolean {
  const { staying, version, target, unavailable, rollout } = deployment;
  if (staying.some((instance) => instance.version !== version)) return false;
  if (deployment.comesUp) {
    return deployment.upCount >= Math.max(1, target - unavailable);
  }
  // What may be missing is an upgrade's (guide 448); scaling is done when the number is there.
  const missing = rollout?.kind === 'scale' || rollout?.kind === 'auto-scale' ? 0 : unavailable;
  return staying.filter(({ ready }) => ready).length >= Math.max(1, target - missing);
}

/** Not ready before ready, idle before busy, young before old. */
function leastMissed(instances: readonly Instance[]): Instance[] {
  return [...instances].sort(
    (one, other) => Number(one.ready) - Number(other.ready) || one.load - other.load || other.index - one.index,
  );
}
