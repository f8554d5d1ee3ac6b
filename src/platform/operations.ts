import type { Cluster } from '../cluster/index.ts';
import { after, type EventKind, fromSeconds, type Kernel, type Micros, Priority, UserError } from '../kernel/index.ts';
import type { EventLog } from '../telemetry/index.ts';
import { concurrentTasksProblem, mirrorProblem, routingProblem, weightProblem } from './call-settings.ts';
import type { Deployment } from './deployment.ts';
import { DELETE_RETRIES } from './durations.ts';
import type { Endings } from './endings.ts';
import { checkEngines } from './engine-spec.ts';
import type { Fleet } from './fleet.ts';
import type { Instance } from './instance.ts';
import type { DeploymentOperation, DeploymentTarget, OperationSpec } from './operations-spec.ts';
import { LAST_INSTANCE, refusalTold } from './refusals.ts';
import type { Rollouts } from './rollout.ts';
import { MOST_INSTANCES, type ScalingSpec, scalingProblem } from './scaling-spec.ts';
import type { Service } from './service.ts';
import { changedService } from './service-changes.ts';
import type { DeploymentSpec } from './spec.ts';
import type { Standing } from './standing.ts';
import { ALLOWED, NOT_IN_PUBLIC_POOLS, SERVICE_ADDS_IN, SERVICE_SETS_IN } from './states.ts';
import type { Surroundings } from './surroundings.ts';
import { MOST_VERSIONS, needsRollout, nextVersion } from './versions.ts';

const PUBLIC = 'deployments in public pools are not managed one by one';
const BUSY = 'another change is in progress';
/** Between two tries to delete an instance that does not go. Assumed. */
const DELETE_RETRY = fromSeconds(60);

/** What operations do besides changing what is wanted. */
export interface OperationActions {
  readonly deletePod: (target: OperationSpec & { kind: 'delete-pod' }) => string | undefined;
  readonly addDeployment: (service: Service, spec: DeploymentSpec) => void;
  readonly setScaling: (deployment: Deployment, scaling: ScalingSpec | undefined) => void;
  readonly setAutoStop: (service: Service, limit: Micros | undefined) => string | undefined;
}

/**
 * What an operator asks for: checked against the state that it is asked in, done or refused. A refusal leaves its event
 * and changes nothing else.
 */
export class Operations {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  readonly #events: EventLog;
  readonly #around: Surroundings;
  readonly #fleet: Fleet;
  readonly #standing: Standing;
  readonly #rollouts: Rollouts;
  readonly #endings: Endings;
  readonly #actions: OperationActions;
  readonly #retry: EventKind;

  constructor(
    ports: {
      readonly kernel: Kernel;
      readonly cluster: Cluster;
      readonly events: EventLog;
      readonly around: Surroundings;
      readonly fleet: Fleet;
      readonly standing: Standing;
      readonly rollouts: Rollouts;
      readonly endings: Endings;
    },
    actions: OperationActions,
  ) {
    this.#kernel = ports.kernel;
    this.#cluster = ports.cluster;
    this.#events = ports.events;
    this.#around = ports.around;
    this.#fleet = ports.fleet;
    this.#standing = ports.standing;
    this.#rollouts = ports.rollouts;
    this.#endings = ports.endings;
    this.#actions = actions;
    this.#retry = ports.kernel.kind('platform/instance-deletion', Priority.control, (index, tries) =>
      this.#checkDeletion(ports.fleet.instances[index]!, tries),
    );
  }

  /** @returns why it was refused; undefined when it was taken */
  take(operation: OperationSpec): string | undefined {
    const service = this.#fleet.services.find(({ name, deleted }) => name === operation.service && !deleted);
    if (service === undefined) return `there is no service "${operation.service}"`;
    const refusal = this.#take(service, operation);
    if (refusal !== undefined) refusalTold(this.#events, service, operation, refusal);
    return refusal;
  }

  #take(service: Service, operation: OperationSpec): string | undefined {
    if (service.disturbances.size > 0) return 'a component of the platform does not answer';
    switch (operation.kind) {
      case 'add-deployment':
        return this.#add(service, operation.spec);
      case 'set-auto-stop':
        if (!SERVICE_SETS_IN.includes(service.status)) return `the service is ${service.status}`;
        return this.#actions.setAutoStop(service, operation.limit);
      case 'modify-service': {
        if (!SERVICE_SETS_IN.includes(service.status)) return `the service is ${service.status}`;
        const changed = changedService(service.spec, operation.set);
        if (typeof changed === 'string') return changed;
        service.spec = changed;
        return undefined;
      }
      case 'start':
      case 'stop':
      case 'delete':
      case 'interrupt': {
        if (operation.deployment === undefined) return this.#onService(service, operation.kind);
        break;
      }
      case 'upgrade':
        if (operation.deployment === undefined) return this.#modify(service, operation.spec);
        break;
      default:
    }
    const deployment = service.deployment((operation as DeploymentTarget).deployment);
    if (deployment === undefined) return `there is no deployment "${(operation as DeploymentTarget).deployment}"`;
    if (NOT_IN_PUBLIC_POOLS.includes(operation.kind) && this.#inPublicPool(deployment.spec)) return PUBLIC;
    if (!ALLOWED[operation.kind].includes(deployment.status)) return `it is ${deployment.status}`;
    return this.#onDeployment(deployment, operation);
  }

  /** The service with all its deployments: those whose state allows it; refused when none does. */
  #onService(service: Service, kind: 'start' | 'stop' | 'delete' | 'interrupt'): string | undefined {
    const able = service.deployments.filter(({ status }) => ALLOWED[kind].includes(status));
    if (able.length === 0 && (kind !== 'delete' || service.deployments.length > 0)) return `it is ${service.status}`;
    if (kind === 'delete') {
      service.deleting = true;
      service.deleted = service.deployments.length === 0;
    }
    if (kind === 'interrupt' && able.some(({ spec }) => this.#inPublicPool(spec))) return PUBLIC;
    const refusals = able.map((deployment) => this.#onDeployment(deployment, { kind, service: service.name }));
    this.#standing.refreshService(service);
    return refusals.includes(undefined) ? undefined : refusals[0];
  }

  /** The service as a whole is changed, one of its deployments with it: so it is done in public pools, too. */
  #modify(service: Service, spec: DeploymentSpec): string | undefined {
    if (!SERVICE_SETS_IN.includes(service.status)) return `the service is ${service.status}`;
    const deployment = service.deployment(spec.name);
    if (deployment === undefined) return `there is no deployment "${spec.name}"`;
    if (!ALLOWED.upgrade.includes(deployment.status)) return `it is ${deployment.status}`;
    return this.#upgrade(deployment, spec);
  }

  #inPublicPool({ pool }: DeploymentSpec): boolean {
    return this.#cluster.pools.find(({ name }) => name === pool)?.type === 'public';
  }

  #onDeployment(deployment: Deployment, operation: DeploymentOperation): string | undefined {
    switch (operation.kind) {
      case 'start':
        return this.start(deployment, 'start');
      case 'delete': {
        // All of a service may go at once; one by one, the mirrors first (guide 3644).
        const left = deployment.service.deployments.filter((each) => each !== deployment && each.status !== 'DELETING');
        const orphans = operation.deployment !== undefined && left.length > 0 && left.every(({ mirror }) => mirror);
        if (orphans) return `only mirrors would be left: "${left[0]!.name}"`;
        this.#endings.begin(deployment, operation.kind);
        return undefined;
      }
      case 'stop':
      case 'interrupt':
        this.#endings.begin(deployment, operation.kind);
        return undefined;
      case 'upgrade':
        return this.#upgrade(deployment, operation.spec);
      case 'switch-version':
        return this.#switch(deployment, operation.version);
      case 'delete-version':
        return deleteVersion(deployment, operation.version);
      case 'scale':
        return this.#scale(deployment, operation.instances);
      case 'set-scaling':
        return this.#setScaling(deployment, operation.scaling);
      case 'set-weight':
        return setWeight(deployment, operation.weight);
      case 'set-mirror':
        return setMirror(deployment, operation.mirror);
      case 'delete-instance':
        return this.#deleteInstance(deployment, operation.instance, operation.recreate);
      case 'delete-pod':
        return this.#actions.deletePod(operation);
    }
  }

  /** Brings up a deployment that is new, or was stopped or has failed. */
  start(deployment: Deployment, kind: 'create' | 'start'): string | undefined {
    const { service, spec, version } = deployment;
    const missing = this.#unverified(service, spec);
    if (missing !== undefined && kind === 'start') return missing;
    this.#standing.move(deployment, 'DEPLOYING');
    if (spec.units.some(({ probes, role }) => probes.startup === undefined && role !== 'worker')) {
      this.#events.service(service.name, 'noStartupProbe', spec.name);
    }
    this.#rollouts.begin(deployment, kind, version, deployment.target);
    return undefined;
  }

  #add(service: Service, spec: DeploymentSpec): string | undefined {
    if (this.#inPublicPool(spec)) return PUBLIC;
    if (!SERVICE_ADDS_IN.includes(service.status)) return `the service is ${service.status}`;
    if (service.deployment(spec.name) !== undefined) return 'there is one of that name';
    const missing = this.#unverified(service, spec) ?? this.#unfit(service, spec);
    if (missing !== undefined) return missing;
    this.#actions.addDeployment(service, spec);
    return undefined;
  }

  /** Secrets are looked up before anything is made (guide 4407). */
  #unverified(service: Service, spec: DeploymentSpec): string | undefined {
    const secret = this.#around.missingSecret(spec);
    if (secret === undefined) return undefined;
    const why = 'it does not exist';
    this.#events.service(service.name, 'secretVerificationFailed', secret, why);
    return `secret "${secret}": ${why}`;
  }

  /** Why an engine of these settings could not start, or what is wrong with the others; undefined when nothing is. */
  #unfit(service: Service, spec: DeploymentSpec): string | undefined {
    if (!this.#cluster.pools.some(({ name }) => name === spec.pool)) return `there is no pool "${spec.pool}"`;
    try {
      checkEngines(service.name, spec, this.#cluster);
      const { scaling, routing } = spec;
      const others = service.deployments.filter(({ name }) => name !== spec.name).map((each) => each.spec);
      return (
        (scaling && scalingProblem(scaling)) ??
        (routing && routingProblem(routing, this.#inPublicPool(spec) ? 'public' : 'dedicated')) ??
        concurrentTasksProblem(spec.maxConcurrentTasks, service.spec.mode) ??
        mirrorProblem(service.spec.protocol ?? 'HTTPS', service.spec.mode ?? 'synchronous', [...others, spec])
      );
    } catch (error) {
      if (error instanceof UserError) return error.message;
      throw error;
    }
  }

  #upgrade(deployment: Deployment, spec: DeploymentSpec): string | undefined {
    const { service, versions, status } = deployment;
    if (isBusy(deployment)) return BUSY;
    const missing = this.#unverified(service, spec) ?? this.#unfit(service, spec);
    if (missing !== undefined) return missing;
    if (!needsRollout(deployment.spec, spec)) {
      deployment.version = { ...deployment.version, spec };
      versions[versions.findIndex(({ number }) => number === deployment.version.number)] = deployment.version;
      for (const instance of deployment.instances) instance.version = deployment.version;
      deployment.weight = spec.weight;
      deployment.mirror = spec.mirror === true;
      this.#actions.setScaling(deployment, spec.scaling);
      return undefined;
    }
    if (versions.length >= MOST_VERSIONS) return `it has ${MOST_VERSIONS} versions, the most; delete one first`;
    const number = nextVersion(versions.at(-1)!.number);
    const version = { number, spec, createdAt: this.#kernel.now };
    // Whoever does not touch the number of instances means that which scaling has come to.
    const target = spec.instances === deployment.spec.instances ? deployment.target : spec.instances;
    versions.push(version);
    deployment.weight = spec.weight;
    deployment.mirror = spec.mirror === true;
    this.#actions.setScaling(deployment, spec.scaling);
    if (status === 'STOPPED' || status === 'FAILED') {
      // It stays as it is, with the new version for its next start.
      deployment.version = version;
      deployment.target = target;
      return undefined;
    }
    this.#standing.move(deployment, 'UPGRADING');
    this.#rollouts.begin(deployment, 'upgrade', version, target);
    return undefined;
  }

  #switch(deployment: Deployment, number: string): string | undefined {
    const version = deployment.versions.find((each) => each.number === number);
    if (version === undefined) return `there is no version ${number}`;
    if (version === deployment.version) return `${number} is the current version`;
    if (isBusy(deployment)) return BUSY;
    const missing = this.#unverified(deployment.service, version.spec);
    if (missing !== undefined) return missing;
    if (deployment.status === 'STOPPED') {
      deployment.version = version;
      return undefined;
    }
    this.#standing.move(deployment, 'UPGRADING');
    this.#rollouts.begin(deployment, 'upgrade', version, deployment.target);
    return undefined;
  }

  #scale(deployment: Deployment, instances: number): string | undefined {
    if (!(Number.isInteger(instances) && instances >= 1 && instances <= MOST_INSTANCES)) {
      return `a deployment has 1 to ${MOST_INSTANCES} instances`; // Guide 382, 3231.
    }
    if (isBusy(deployment)) return BUSY;
    if (deployment.status === 'STOPPED') deployment.target = instances;
    else this.#rollouts.begin(deployment, 'scale', deployment.version, instances);
    return undefined;
  }

  #setScaling(deployment: Deployment, scaling: ScalingSpec | undefined): string | undefined {
    const problem = scaling && scalingProblem(scaling);
    if (problem === undefined) this.#actions.setScaling(deployment, scaling);
    return problem;
  }

  #deleteInstance(deployment: Deployment, position: number, recreate: boolean): string | undefined {
    const instance = deployment.instanceAt(position);
    if (instance === undefined) return `there is no instance ${position}`;
    if (!recreate) {
      if (deployment.target <= 1) return LAST_INSTANCE;
      if (isBusy(deployment)) return BUSY;
      deployment.target--;
    }
    this.#fleet.leave(instance, 'The instance is deleted.');
    this.#rollouts.touch(deployment);
    this.#kernel.schedule(this.#retry, after(this.#kernel.now, DELETE_RETRY), instance.index, 1);
    return undefined;
  }

  /** An instance on a node that is lost does not go; some day nobody tries any more (guide 4442-4443). */
  #checkDeletion(instance: Instance, tries: number): void {
    const stuck = instance.pods.some(
      ({ phase, placement }) => phase === 'terminating' && placement?.node.phase === 'Abnormal',
    );
    if (!stuck) return;
    const { service } = instance.deployment;
    if (tries >= DELETE_RETRIES) {
      this.#events.service(service.name, 'instanceDeletionGivenUp', instance.name, tries);
      return;
    }
    if (tries === 1) this.#events.service(service.name, 'instanceDeletionFailed', instance.name);
    this.#kernel.schedule(this.#retry, after(this.#kernel.now, DELETE_RETRY), instance.index, tries + 1);
  }
}

/** Guide 3644. */
function setWeight(deployment: Deployment, weight: number): string | undefined {
  const problem = weightProblem(weight);
  if (problem === undefined) deployment.weight = weight;
  return problem;
}

/** Guide 3643, 3644. */
function setMirror(deployment: Deployment, mirror: boolean): string | undefined {
  const { service } = deployment;
  const { protocol = 'HTTPS', mode = 'synchronous' } = service.spec;
  const there = service.deployments.filter(({ status }) => status !== 'DELETING');
  const would = there.map(({ name, mirror: now }) => ({ name, mirror: name === deployment.name ? mirror : now }));
  const problem = mirrorProblem(protocol, mode, would);
  if (problem === undefined) deployment.mirror = mirror;
  return problem;
}

/** A change that somebody has asked for is in progress. Automatic scaling gives way. */
function isBusy({ rollout }: Deployment): boolean {
  return rollout !== undefined && rollout.kind !== 'auto-scale';
}

function deleteVersion(deployment: Deployment, number: string): string | undefined {
  const { versions } = deployment;
  const index = versions.findIndex((each) => each.number === number);
  if (index < 0) return `there is no version ${number}`;
  // Guide 3123: the current version cannot be deleted; nor one that instances still have.
  const used = versions[index] === deployment.version || deployment.rollout?.previous.version === versions[index];
  if (used) return `${number} is the current version`;
  versions.splice(index, 1);
  return undefined;
}
