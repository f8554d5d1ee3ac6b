import type { Gateway } from '../gateway/index.ts';
import { after, type EventKind, type Kernel, type Micros, NEVER, Priority } from '../kernel/index.ts';
import type { Platform } from '../platform/index.ts';

/** Which pod: that of an instance, or of a disaggregated one the pod of a unit's replica (its first pod by default). */
export interface PodTarget {
  readonly service: string;
  readonly deployment: string;
  readonly instance: number;
  readonly unit?: string;
  readonly replica?: number;
}

/** What can be made to go wrong, each in the room that it strikes. */
export type FaultSpec =
  /** A pod is killed; its streams are cut and a replacement is made. */
  | ({ readonly kind: 'kill-pod' } & PodTarget)
  /** Steps of a pod's engine take `factor` times as long, until `lasting` has passed. */
  | ({ readonly kind: 'slow-engine'; readonly factor: number; readonly lasting?: Micros } & PodTarget)
  /** Keys and values leave a prefill pod `factor` times as slowly, until `lasting` has passed. */
  | ({ readonly kind: 'slow-link'; readonly factor: number; readonly lasting?: Micros } & PodTarget)
  /** No keys and values leave a prefill pod, until `lasting` has passed. */
  | ({ readonly kind: 'break-link'; readonly lasting?: Micros } & PodTarget)
  /** The gateway refuses every call to a service, until `lasting` has passed. */
  | {
      readonly kind: 'refuse';
      readonly service: string;
      readonly status: 429 | 503;
      readonly retryAfterSeconds?: number;
      readonly lasting?: Micros;
    };

/** Brings faults about. Each kind of fault is one case here and acts on one room. */
export class Faults {
  readonly #kernel: Kernel;
  readonly #platform: Platform;
  readonly #gateway: Gateway;
  readonly #recovery: EventKind;
  /** What is to be put right again, by the number that its event carries. */
  readonly #recoveries: (() => void)[] = [];

  constructor(kernel: Kernel, platform: Platform, gateway: Gateway) {
    this.#kernel = kernel;
    this.#platform = platform;
    this.#gateway = gateway;
    this.#recovery = kernel.kind('fault/recovers', Priority.script, (index) => this.#recoveries[index]!());
  }

  /** A fault that names what is not there (any more) strikes nothing. */
  strike(fault: FaultSpec): void {
    if (fault.kind === 'refuse') {
      this.#refuse(fault);
      return;
    }
    const pod = this.#platform.podOf(fault);
    if (pod === undefined) return;
    switch (fault.kind) {
      case 'kill-pod':
        this.#platform.killPod(pod, 'It was killed.');
        break;
      case 'slow-engine':
        this.#strikeFor(fault.lasting, (slow) => {
          if (pod.engine?.alive) pod.engine.slowDown(slow ? fault.factor : 1);
        });
        break;
      case 'slow-link':
        this.#strikeFor(fault.lasting, (slow) => pod.link?.slowDown(slow ? fault.factor : 1));
        break;
      case 'break-link':
        this.#strikeFor(fault.lasting, (broken) => pod.link?.setBroken(broken));
        break;
    }
  }

  #strikeFor(lasting: Micros | undefined, set: (struck: boolean) => void): void {
    set(true);
    if (lasting === undefined) return;
    const index = this.#recoveries.push(() => set(false)) - 1;
    this.#kernel.schedule(this.#recovery, after(this.#kernel.now, lasting), index);
  }

  #refuse(fault: FaultSpec & { kind: 'refuse' }): void {
    const service = this.#platform.service(fault.service);
    if (service === undefined) return;
    const until = fault.lasting === undefined ? NEVER : after(this.#kernel.now, fault.lasting);
    this.#gateway.refuseAll(service, fault.status, fault.retryAfterSeconds, until);
  }
}
