import type { Cluster } from '../cluster/index.ts';
import type { Engine, EngineSpec } from '../engine/index.ts';
import { after, assert, type EventKind, type Kernel, Priority } from '../kernel/index.ts';
import type { EventLog } from '../telemetry/index.ts';
import { Deployment } from './deployment.ts';
import { engineSpec } from './engine-spec.ts';
import { Pod, slotName } from './pod.ts';
import { PodLifecycle } from './pod-lifecycle.ts';
import { Service } from './service.ts';
import type { ServiceSpec } from './spec.ts';

/** What the platform is given when a world is composed. */
export interface PlatformPorts {
  readonly kernel: Kernel;
  readonly cluster: Cluster;
  readonly events: EventLog;
  /** Starts the process of a pod's container. */
  readonly startEngine: (pod: Pod, spec: EngineSpec) => Engine;
  /** A service's first deployment is over: it serves, or has failed. */
  readonly onSettled: (service: Service) => void;
}

/** The services and their deployments, kept as they should be: every instance's slot has a pod. */
export class Platform {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  readonly #events: EventLog;
  readonly #lifecycle: PodLifecycle;
  readonly #deployTimeout: EventKind;
  readonly #pods: Pod[] = [];
  readonly #slots = new Map<string, { readonly deployment: Deployment; readonly instance: number }>();
  readonly services: readonly Service[];
  readonly deployments: Deployment[] = [];

  constructor(specs: readonly ServiceSpec[], ports: PlatformPorts) {
    this.#kernel = ports.kernel;
    this.#cluster = ports.cluster;
    this.#events = ports.events;
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
        for (let instance = 0; instance < spec.instances; instance++) {
          this.#slots.set(slotName(service.spec.name, spec.name, instance), { deployment, instance });
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

  /** The pod that holds an instance's slot now. */
  podAt(slot: string): Pod | undefined {
    const place = this.#slots.get(slot);
    return place?.deployment.pods[place.instance];
  }

  /** Every instance's slot, in order. */
  get slots(): string[] {
    return [...this.#slots.keys()];
  }

  /** Starts every deployment. To be called once, at time zero. */
  deploy(): void {
    for (const deployment of this.deployments) {
      const { spec, service } = deployment;
      for (const node of this.#cluster.nodes(spec.pool)) engineSpec(spec.unit, node.flavor);
      if (spec.unit.startupProbe === undefined) {
        this.#events.service(service.spec.name, 'noStartupProbe', spec.name);
      }
      for (let instance = 0; instance < spec.instances; instance++) this.#createPod(deployment, instance);
      const deadline = after(this.#kernel.now, spec.deployTimeout);
      this.#kernel.schedule(this.#deployTimeout, deadline, deployment.index);
    }
  }

  /** Kills a pod; its slot gets a new one. */
  killPod(pod: Pod, why: string): void {
    if (pod.phase === 'terminated') return;
    this.#lifecycle.terminate(pod, why);
    assert(pod.deployment.pods[pod.instance] === pod, `${pod.name} holds no slot`);
    // Those that have waited for a node come before the successor.
    this.#lifecycle.retryPending();
    this.#createPod(pod.deployment, pod.instance);
  }

  #createPod(deployment: Deployment, instance: number): void {
    const { spec, service } = deployment;
    const draw = this.#kernel.chance.stream(`pod-names/${slotName(service.spec.name, spec.name, instance)}`);
    const suffix = Math.floor(draw() * 36 ** 5)
      .toString(36)
      .padStart(5, '0');
    const name = `${service.spec.name}-${spec.name}-${instance}-${spec.unit.name}-${suffix}`;
    const pod = new Pod(this.#pods.length, name, deployment, instance, this.#kernel.now);
    this.#pods.push(pod);
    deployment.pods[instance] = pod;
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
