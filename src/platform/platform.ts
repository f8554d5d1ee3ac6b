import type { Cluster } from '../cluster/index.ts';
import type { Engine, EngineSpec, KvLink, KvLinkSpec } from '../engine/index.ts';
import { after, assert, type EventKind, type Kernel, Priority } from '../kernel/index.ts';
import type { EventLog } from '../telemetry/index.ts';
import { Deployment } from './deployment.ts';
import { engineSpec } from './engine-spec.ts';
import { Pod, type PodSlot, slotsOf } from './pod.ts';
import { PodLifecycle } from './pod-lifecycle.ts';
import { Service } from './service.ts';
import type { ServiceSpec, UnitEvidence } from './spec.ts';
import { unitParallelism, unitStepTime } from './step-time.ts';

/** What the platform is given when a world is composed. */
export interface PlatformPorts {
  readonly kernel: Kernel;
  readonly cluster: Cluster;
  readonly events: EventLog;
  /** Starts the process of a pod's container. */
  readonly startEngine: (pod: Pod, spec: EngineSpec) => Engine;
  /** Opens the link over which a prefill pod's keys and values leave. */
  readonly openLink: (spec: KvLinkSpec) => KvLink;
  /** A service's first deployment is over: it serves, or has failed. */
  readonly onSettled: (service: Service) => void;
}

/** The services and their deployments, kept as they should be: every instance's slot has a pod. */
export class Platform {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  readonly #events: EventLog;
  readonly #openLink: (spec: KvLinkSpec) => KvLink;
  readonly #lifecycle: PodLifecycle;
  readonly #deployTimeout: EventKind;
  readonly #pods: Pod[] = [];
  readonly #slots = new Map<string, PodSlot>();
  readonly services: readonly Service[];
  readonly deployments: Deployment[] = [];

  constructor(specs: readonly ServiceSpec[], ports: PlatformPorts) {
    this.#kernel = ports.kernel;
    this.#cluster = ports.cluster;
    this.#events = ports.events;
    this.#openLink = ports.openLink;
    this.#lifecycle = new PodLifecycle(ports.kernel, ports.cluster, ports.events, this.#pods, ports.startEngine);
    this.#deployTimeout = ports.kernel.kind('platform/deploy-timeout', Priority.control, (index) =>
      this.#onDeployTimeout(this.deployments[index]!),
    );
    this.services = specs.map((spec, index) => new Service(index, spec, ports.events, ports.onSettled));
    for (const service of this.services) {
      for (const spec of service.spec.deployments) {
        const deployment = new Deployment(this.deployments.length, service, spec, ports.events);
        this.deployments.push(deployment);
        service.deployments.push(deployment);
        for (const slot of slotsOf(deployment)) {
          this.#slots.set(slot.name, slot);
          deployment.pods.push(undefined);
        }
      }
    }
  }

  /** Every pod that ever was, in order of creation. */
  get pods(): readonly Pod[] {
    return this.#pods;
  }

  service(name: string): Service | undefined {
    return this.services.find((service) => service.spec.name === name);
  }

  /** The pod that holds a slot now. */
  podAt(slot: string): Pod | undefined {
    const known = this.#slots.get(slot);
    return known?.deployment.pods[known.place];
  }

  /** The pod of an instance, or of a unit's replica in it; of several, the first. */
  podOf(target: {
    readonly service: string;
    readonly deployment: string;
    readonly instance: number;
    readonly unit?: string;
    readonly replica?: number;
  }): Pod | undefined {
    const deployment = this.service(target.service)?.deployments.find(({ spec }) => spec.name === target.deployment);
    return deployment?.pods.find(
      (pod) =>
        pod?.instance === target.instance &&
        (target.unit === undefined || pod.unit.name === target.unit) &&
        (target.replica === undefined || pod.replica === target.replica),
    );
  }

  /** Every slot, in order. */
  get slots(): string[] {
    return [...this.#slots.keys()];
  }

  /** For each unit, and each kind of device that its pool has, how far its step times are to be believed. */
  evidence(): UnitEvidence[] {
    return this.deployments.flatMap(({ spec, service }) => {
      const flavors = new Map(this.#cluster.nodes(spec.pool).map(({ flavor }) => [flavor.accelerator, flavor]));
      return spec.units.flatMap((unit) =>
        [...flavors].map(([accelerator, flavor]): UnitEvidence => {
          const { kind: engine = 'vllm', version, precision = 'bf16' } = unit.engine;
          return {
            service: service.spec.name,
            deployment: spec.name,
            unit: unit.name,
            accelerator,
            devices: unitParallelism(unit, flavor).devices,
            model: unit.model.id,
            engine,
            ...(version === undefined ? {} : { version }),
            precision,
            ...unitStepTime(unit, flavor).evidence,
          };
        }),
      );
    });
  }

  /** Starts every deployment. To be called once, at time zero. */
  deploy(): void {
    for (const deployment of this.deployments) {
      const { spec, service } = deployment;
      for (const node of this.#cluster.nodes(spec.pool)) {
        for (const unit of spec.units)
          engineSpec(unit, node.flavor, `service "${service.spec.name}", deployment "${spec.name}"`);
      }
      if (spec.units.some(({ startupProbe }) => startupProbe === undefined)) {
        this.#events.service(service.spec.name, 'noStartupProbe', spec.name);
      }
      for (const slot of this.#slots.values()) if (slot.deployment === deployment) this.#createPod(slot);
      const deadline = after(this.#kernel.now, spec.deployTimeout);
      this.#kernel.schedule(this.#deployTimeout, deadline, deployment.index);
    }
  }

  /** Kills a pod; its slot gets a new one. */
  killPod(pod: Pod, why: string): void {
    if (pod.phase === 'terminated') return;
    this.#lifecycle.terminate(pod, why);
    assert(pod.deployment.pods[pod.place] === pod, `${pod.name} holds no slot`);
    // Those that have waited for a node come before the successor.
    this.#lifecycle.retryPending();
    this.#createPod(this.#slots.get(pod.slot)!);
  }

  #createPod(slot: PodSlot): void {
    const { deployment, instance, unit, place } = slot;
    const draw = this.#kernel.chance.stream(`pod-names/${slot.name}`);
    const suffix = Math.floor(draw() * 36 ** 5)
      .toString(36)
      .padStart(5, '0');
    const name = `${deployment.service.spec.name}-${deployment.spec.name}-${instance}-${unit.name}-${suffix}`;
    const pod = new Pod(this.#pods.length, name, slot, this.#kernel.now);
    if (unit.role === 'prefill') pod.link = this.#openLink(deployment.spec.kvTransfer!);
    this.#pods.push(pod);
    deployment.pods[place] = pod;
    this.#lifecycle.schedule(pod);
  }

  /** Guide 4396: a deployment that is not up by its deadline has failed; its pods go. */
  #onDeployTimeout(deployment: Deployment): void {
    if (deployment.status !== 'DEPLOYING') return;
    const { spec, service } = deployment;
    this.#events.service(service.spec.name, 'serviceDeploymentTimedOut', spec.deployTimeout / 60e6);
    deployment.fail();
    for (const pod of deployment.pods)
      if (pod !== undefined) this.#lifecycle.terminate(pod, 'The deployment timed out.');
  }
}
