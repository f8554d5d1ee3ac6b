import type { Cluster } from '../cluster/index.ts';
import type { KvLink, KvLinkSpec, ProcessSpec, ServingProcess } from '../engine/index.ts';
import type { Kernel } from '../kernel/index.ts';
import type { EventLog } from '../telemetry/index.ts';
import { AutoStop } from './auto-stop.ts';
import { Credentials } from './credentials.ts';
import { Deployment } from './deployment.ts';
import type { Timings } from './durations.ts';
import { Endings } from './endings.ts';
import type { UnitEvidence } from './engine-settings.ts';
import { checkEngines, processSpec } from './engine-spec.ts';
import { unitEvidence } from './evidence.ts';
import { Fleet } from './fleet.ts';
import { Hardware } from './hardware.ts';
import { DEFAULT_IAM, type IamSpec } from './iam.ts';
import { Operations } from './operations.ts';
import type { Operation, OperationSpec, PodTarget } from './operations-spec.ts';
import type { Pod } from './pod.ts';
import { PodLifecycle } from './pod-lifecycle.ts';
import { PrivateConnections } from './private-connections.ts';
import type { VpcSpec } from './private-connections-spec.ts';
import { Recovery } from './recovery.ts';
import { bindingRefusalTold } from './refusals.ts';
import { Rollouts } from './rollout.ts';
import { Scaling } from './scaling.ts';
import { Scheduling } from './scheduling.ts';
import { Service } from './service.ts';
import type { DeploymentSpec, ServiceSpec } from './spec.ts';
import { Standing } from './standing.ts';
import { Surroundings } from './surroundings.ts';
import type { UnitReplica } from './unit-replica.ts';

/** What the platform is given when a world is composed. */
export interface PlatformPorts {
  readonly kernel: Kernel;
  readonly cluster: Cluster;
  readonly events: EventLog;
  readonly timings: Timings;
  /** The calendar instant of time zero, milliseconds since 1970. */
  readonly epoch: number;
  /** Absent: the default account. */
  readonly iam?: IamSpec | undefined;
  readonly vpcs?: readonly VpcSpec[] | undefined;
  /** Starts the engine of a replica, or its application. */
  readonly startEngine: (replica: UnitReplica, process: ProcessSpec) => ServingProcess;
  /** The engine of a replica has started. */
  readonly onEngineStarted: (replica: UnitReplica) => void;
  /** Opens the link over which a prefill replica's keys and values leave. */
  readonly openLink: (spec: KvLinkSpec) => KvLink;
  /** A service's first deployment is over: it serves, or has failed. */
  readonly onSettled: (service: Service) => void;
  /** Who takes the requests of a service may be different, or where it stands. */
  readonly onBackendsChanged?: (service: Service) => void;
}

/**
 * The services and their deployments, kept as they should be. It composes the controllers, each of which minds one
 * concern, and passes between them what happens; it decides nothing itself.
 */
export class Platform {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  readonly #events: EventLog;
  readonly #ports: PlatformPorts;
  readonly #fleet: Fleet;
  readonly #standing: Standing;
  readonly #scheduling: Scheduling;
  readonly #lifecycle: PodLifecycle;
  readonly #recovery: Recovery;
  readonly #rollouts: Rollouts;
  readonly #endings: Endings;
  readonly #operations: Operations;
  /** The replica at each slot, the latest. */
  readonly #slots = new Map<string, UnitReplica>();
  /** Registry, storage and secrets, which faults disturb. */
  readonly around = new Surroundings();
  readonly credentials: Credentials;
  readonly connections: PrivateConnections;
  readonly hardware: Hardware;
  readonly scaling: Scaling;
  readonly autoStop: AutoStop;

  constructor(specs: readonly ServiceSpec[], ports: PlatformPorts) {
    const { kernel, cluster, events } = ports;
    this.#kernel = kernel;
    this.#cluster = cluster;
    this.#events = events;
    this.#ports = ports;
    this.#fleet = new Fleet({
      kernel,
      submit: (replica, pods) => this.#scheduling.submit(replica, pods),
      terminate: (pod, why, how) => this.#lifecycle.terminate(pod, why, how),
      openLink: (replica) => {
        replica.link = ports.openLink(replica.instance.version.spec.kvTransfer!);
      },
      created: (instance) => {
        for (const replica of instance.replicas) {
          if (replica.role !== 'worker') this.#slots.set(replica.slot, replica);
        }
      },
    });
    const fleet = this.#fleet;
    const { domain, project } = ports.iam ?? DEFAULT_IAM;
    this.credentials = new Credentials(project.id);
    const pools = cluster.pools.map(({ name }) => name);
    this.connections = new PrivateConnections(kernel, { vpcs: ports.vpcs ?? [], pools, account: domain });
    this.#standing = new Standing(events, {
      statusChanged: (service) => this.autoStop.statusChanged(service),
      settled: ports.onSettled,
      backendsChanged: (service) => ports.onBackendsChanged?.(service),
    });
    this.#lifecycle = new PodLifecycle(
      { ...ports, around: this.around, pods: fleet.pods, replicas: fleet.replicas },
      {
        changed: (pod) => this.#refresh(pod.deployment),
        down: (pod, why) => this.#recovery.down(pod, why),
        troubled: (pod, why) => this.#rollouts.troubled(pod.instance, why),
        startupFailed: (pod, why) => this.#onStartupFailed(pod, why),
        gone: (pod) => this.#onGone(pod),
        startEngine: (replica) => this.#startEngine(replica),
      },
    );
    this.#scheduling = new Scheduling(ports, (pod, placement) => this.#lifecycle.place(pod, placement));
    this.#recovery = new Recovery(fleet, {
      restart: (pod) => this.#lifecycle.restart(pod),
      recover: (pod) => this.#lifecycle.recover(pod),
      terminate: (pod, why, how) => this.#lifecycle.terminate(pod, why, how),
      touch: (pod) => this.#rollouts.touch(pod.deployment),
    });
    this.#rollouts = new Rollouts(ports, fleet, this.#standing, this.around, (deployment, failed) =>
      this.scaling.over(deployment, failed),
    );
    const shared = { ...ports, fleet, standing: this.#standing, rollouts: this.#rollouts, around: this.around };
    this.#endings = new Endings(shared, (deployment) => this.#onDeleted(deployment));
    this.#operations = new Operations(
      { ...shared, endings: this.#endings },
      {
        deletePod: (operation) => this.#deletePod(operation),
        addDeployment: (service, spec) => this.#bringUp(this.#addDeployment(service, spec)),
        setScaling: (deployment, scaling) => this.scaling.set(deployment, scaling),
        setAutoStop: (service, limit) => this.autoStop.set(service, limit),
      },
    );
    this.hardware = new Hardware({
      ...ports,
      fleet,
      lifecycle: this.#lifecycle,
      recovery: this.#recovery,
      scheduling: this.#scheduling,
    });
    this.scaling = new Scaling(kernel, ports.epoch, fleet.deployments, this.#rollouts);
    this.autoStop = new AutoStop(kernel, events, fleet.services, ({ name }) => {
      this.operate({ kind: 'stop', service: name });
    });
    for (const [index, spec] of specs.entries()) {
      const service = new Service(index, spec);
      fleet.services.push(service);
      this.credentials.introduce(service);
      for (const connection of spec.privateConnections ?? []) this.connections.introduce(service, connection);
      for (const deployment of spec.deployments) this.#addDeployment(service, deployment);
    }
  }

  get services(): readonly Service[] {
    return this.#fleet.services;
  }

  /** Every pod that ever was, in order of creation; so with replicas and deployments. */
  get pods(): readonly Pod[] {
    return this.#fleet.pods;
  }

  get replicas(): readonly UnitReplica[] {
    return this.#fleet.replicas;
  }

  get deployments(): readonly Deployment[] {
    return this.#fleet.deployments;
  }

  service(name: string): Service | undefined {
    return this.services.find((service) => service.name === name && !service.deleted);
  }

  /** The replica that holds a slot now, or held it last. */
  replicaAt(slot: string): UnitReplica | undefined {
    return this.#slots.get(slot);
  }

  /** Every slot that there ever was, in order of creation. */
  get slots(): string[] {
    return [...this.#slots.keys()];
  }

  get slotCount(): number {
    return this.#slots.size;
  }

  /** The pod that a fault or an operation names; undefined when there is none now. */
  podOf(target: PodTarget): Pod | undefined {
    const instance = this.service(target.service)?.deployment(target.deployment)?.instanceAt(target.instance);
    const replicas = instance?.replicas.filter(({ unit }) => target.unit === undefined || unit.name === target.unit);
    return replicas?.[target.replica ?? 0]?.pods[target.pod ?? 0];
  }

  /** For each unit, and each kind of device that its pool has, how far its step times are to be believed. */
  evidence(): UnitEvidence[] {
    return this.deployments.flatMap((deployment) => unitEvidence(deployment, this.#cluster));
  }

  /** Starts every deployment. To be called once, at time zero. @throws UserError when an engine could not start */
  deploy(): void {
    for (const deployment of this.deployments) this.#bringUp(deployment);
    // At once: slots are there from the first moment.
    for (const deployment of this.deployments) this.#rollouts.pass(deployment);
    for (const service of this.services) this.#standing.refreshService(service);
  }

  /** Takes an operator's wish. @returns why it was refused; undefined when it was taken */
  operate(operation: Operation): string | undefined {
    switch (operation.kind) {
      case 'create-key':
      case 'delete-key':
        return this.credentials.take(operation, undefined, this.#kernel.now);
      case 'bind-key':
      case 'unbind-key': {
        const service = this.service(operation.service);
        const refusal = this.credentials.take(operation, service, this.#kernel.now);
        if (refusal !== undefined && service !== undefined) {
          bindingRefusalTold(this.#events, service, operation, refusal);
        }
        return refusal;
      }
      case 'create-connection':
      case 'approve-connection':
      case 'reject-connection':
      case 'revoke-connection':
      case 'retry-connection':
      case 'delete-connection':
      case 'set-connection-urls':
        return this.connections.take(operation, this.service(operation.service));
      default:
        return this.#operations.take(operation);
    }
  }

  /** Kills a pod; a new one takes its place, and of what goes with it (guide 4163). */
  killPod(pod: Pod, why: string): void {
    if (pod.phase !== 'terminated') this.#recovery.rebuild(pod, pod.unit.autoRebuild ?? 'pod', why);
  }

  /** The process of a pod's container ends with an error. */
  crashContainer(pod: Pod, why: string): void {
    this.#lifecycle.crash(pod, why);
  }

  /** The process of a pod hangs, or does so no longer; with its end it does not either. */
  hang(pod: Pod, by: object, hangs: boolean): void {
    if (!hangs || pod.phase === 'running') this.#lifecycle.engines.stall(pod, by, hangs ? 'process' : undefined);
  }

  /** Faults make a replica's steps take so many times as long. */
  slow(replica: UnitReplica, factor: number): void {
    this.#lifecycle.engines.slow(replica, factor);
  }

  /** Something that pods may have waited for is different: a node, a plugin. */
  retryScheduling(): void {
    this.#scheduling.retry();
  }

  /** A component of the platform that a service depends on is being rescheduled (guide 4448), or is back. */
  disturb(service: Service, fault: number, disturbed: boolean): void {
    if (disturbed) service.disturbances.add(fault);
    else service.disturbances.delete(fault);
    if (!disturbed) return;
    for (const { name } of service.deployments) this.#events.service(service.name, 'dependenciesRescheduling', name);
  }

  /** A request that a replica worked on has ended. */
  sequenceEnded(replica: UnitReplica): void {
    if (replica.instance.draining) this.#lifecycle.sequenceEnded(replica);
  }

  #addDeployment(service: Service, spec: DeploymentSpec): Deployment {
    const deployment = new Deployment(this.#fleet.deployments.length, service, spec, this.#kernel.now);
    this.#fleet.deployments.push(deployment);
    service.deployments.push(deployment);
    return deployment;
  }

  #bringUp(deployment: Deployment): void {
    const { spec, service } = deployment;
    checkEngines(service.name, spec, this.#cluster);
    this.#operations.start(deployment, 'create');
    this.scaling.set(deployment, spec.scaling);
    this.#standing.refreshService(service);
  }

  #startEngine(replica: UnitReplica): void {
    const { node } = replica.pods[0]!.placement!;
    replica.engine = this.#ports.startEngine(replica, processSpec(replica.engineUnit, node.flavor, replica.slot));
    this.#ports.onEngineStarted(replica);
  }

  #refresh(deployment: Deployment): void {
    this.#standing.refresh(deployment);
    this.#rollouts.touch(deployment);
  }

  /** Guide 4096: too many failures at the start make it abnormal; it goes on trying until its deadline. */
  #onStartupFailed(pod: Pod, why: string): void {
    const { deployment } = pod;
    if (deployment.status === 'DEPLOYING') this.#standing.move(deployment, 'ERROR', `${pod.name}: ${why}`);
  }

  #onGone(pod: Pod): void {
    const { instance, deployment } = pod;
    this.#scheduling.retry();
    if (instance.leaving) {
      if (instance.pods.some(({ phase }) => phase !== 'terminated')) return;
      deployment.instances = deployment.instances.filter((each) => each !== instance);
      this.#endings.instanceGone(deployment);
    } else if (pod.replaced) this.#recovery.replace(pod);
    this.#refresh(deployment);
  }

  #onDeleted(deployment: Deployment): void {
    this.scaling.set(deployment, undefined);
    this.#standing.refreshService(deployment.service);
  }

  #deletePod({ force, ...target }: OperationSpec & { kind: 'delete-pod' }): string | undefined {
    const pod = this.podOf(target);
    if (pod === undefined) return 'there is no such pod';
    pod.replaced = true;
    this.#lifecycle.terminate(pod, 'The pod is deleted.', force ? 'forced' : 'graceful');
    return undefined;
  }
}
