import type { Gateway } from '../gateway/index.ts';
import { after, type EventKind, type Kernel, type Micros, NEVER, Priority } from '../kernel/index.ts';
import { type Platform, type Pod, slotName } from '../platform/index.ts';

/** What can be made to go wrong, each in the room that it strikes. */
export type FaultSpec =
  /** The pod that holds an instance's slot is killed; its streams are cut and a replacement is made. */
  | { readonly kind: 'kill-pod'; readonly service: string; readonly deployment: string; readonly instance: number }
  /** Steps of the engine in an instance's slot take `factor` times as long, until `lasting` has passed. */
  | {
      readonly kind: 'slow-engine';
      readonly service: string;
      readonly deployment: string;
      readonly instance: number;
      readonly factor: number;
      readonly lasting?: Micros;
    }
  /** The gateway refuses every call to a service, until `lasting` has passed. */
  | {
      readonly kind: 'refuse';
      readonly service: string;
      readonly status: 429 | 503;
      readonly retryAfterSeconds?: number;
      readonly lasting?: Micros;
    };

/** Brings faults about. Each kind of fault is one method here and acts on one room. */
export class Faults {
  readonly #kernel: Kernel;
  readonly #platform: Platform;
  readonly #gateway: Gateway;
  readonly #recovery: EventKind;
  /** Engines that run slow, and the latest fault that made them so. */
  readonly #slowed: Pod[] = [];

  constructor(kernel: Kernel, platform: Platform, gateway: Gateway) {
    this.#kernel = kernel;
    this.#platform = platform;
    this.#gateway = gateway;
    this.#recovery = kernel.kind('fault/engine-recovers', Priority.script, (index) => {
      const { engine } = this.#slowed[index]!;
      if (engine?.alive) engine.slowDown(1);
    });
  }

  strike(fault: FaultSpec): void {
    switch (fault.kind) {
      case 'kill-pod':
        this.#killPod(fault);
        break;
      case 'slow-engine':
        this.#slowEngine(fault);
        break;
      case 'refuse':
        this.#refuse(fault);
        break;
    }
  }

  #killPod(fault: FaultSpec & { kind: 'kill-pod' }): void {
    const pod = this.#podAt(fault);
    if (pod !== undefined) this.#platform.killPod(pod, 'It was killed.');
  }

  #slowEngine(fault: FaultSpec & { kind: 'slow-engine' }): void {
    const pod = this.#podAt(fault);
    if (!pod?.engine?.alive) return;
    pod.engine.slowDown(fault.factor);
    if (fault.lasting === undefined) return;
    this.#kernel.schedule(this.#recovery, after(this.#kernel.now, fault.lasting), this.#slowed.push(pod) - 1);
  }

  #refuse(fault: FaultSpec & { kind: 'refuse' }): void {
    const service = this.#platform.service(fault.service);
    if (service === undefined) return;
    const until = fault.lasting === undefined ? NEVER : after(this.#kernel.now, fault.lasting);
    this.#gateway.refuseAll(service, fault.status, fault.retryAfterSeconds, until);
  }

  #podAt({ service, deployment, instance }: { service: string; deployment: string; instance: number }) {
    return this.#platform.podAt(slotName(service, deployment, instance));
  }
}
