import type { EventLog } from '../telemetry/index.ts';
import type { Pod } from './pod.ts';
import type { Service } from './service.ts';
import type { DeploymentSpec } from './spec.ts';

/** The contract's spelling; the console says Abnormal for ERROR and Alarm for CONCERNING. */
export type DeploymentStatus = 'DEPLOYING' | 'RUNNING' | 'CONCERNING' | 'ERROR' | 'FAILED';

/** A deployment: what is wanted of it, the pods that hold its instances' slots, and the status they add up to. */
export class Deployment {
  readonly index: number;
  readonly service: Service;
  readonly spec: DeploymentSpec;
  readonly #events: EventLog;
  /** The pod in each slot, by place. */
  readonly pods: (Pod | undefined)[] = [];
  /** Pods that take requests, in order of their places: common and prefill pods whose instance can serve. */
  backends: readonly Pod[] = [];
  status: DeploymentStatus = 'DEPLOYING';

  constructor(index: number, service: Service, spec: DeploymentSpec, events: EventLog) {
    this.index = index;
    this.service = service;
    this.spec = spec;
    this.#events = events;
  }

  /** Takes a pod into or out of service. */
  setReady(pod: Pod, ready: boolean): void {
    if (pod.ready === ready) return;
    pod.ready = ready;
    const decodes = (instance: number): boolean => this.decodePods(instance).length > 0;
    this.backends = this.#readyPods().filter(({ unit, instance }) => {
      return unit.role === 'common' || (unit.role === 'prefill' && decodes(instance));
    });
    this.refreshStatus();
  }

  /** The decode pods of an instance that are ready, in order of their places. */
  decodePods(instance: number): Pod[] {
    return this.#readyPods().filter((pod) => pod.unit.role === 'decode' && pod.loaded && pod.instance === instance);
  }

  /** Instances with all their pods ready. */
  get readyInstances(): number {
    const short = new Set<number>();
    for (const [place, pod] of this.pods.entries()) if (pod?.ready !== true) short.add(this.#instanceOf(place));
    return this.spec.instances - short.size;
  }

  #readyPods(): Pod[] {
    return this.pods.filter((pod) => pod?.ready === true) as Pod[];
  }

  #instanceOf(place: number): number {
    return Math.floor(place / (this.pods.length / this.spec.instances));
  }

  /** Derives the status from the instances that are ready. */
  refreshStatus(): void {
    const from = this.status;
    if (from === 'FAILED') return;
    const ready = this.readyInstances;
    const wanted = this.spec.instances;
    const to: DeploymentStatus =
      ready === wanted
        ? 'RUNNING'
        : from === 'DEPLOYING'
          ? 'DEPLOYING'
          : this.backends.length > 0
            ? 'CONCERNING'
            : 'ERROR';
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
