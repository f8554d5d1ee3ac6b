import type { Engine } from '../engine/index.ts';
import type { Gateway } from '../gateway/index.ts';
import { after, type EventKind, type Kernel, type Micros, Priority } from '../kernel/index.ts';
import type { Platform, Pod } from '../platform/index.ts';

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

interface ActiveFault {
  readonly id: number;
  readonly fault: FaultSpec;
  /** The pod that it struck; a successor is whole. */
  readonly pod: Pod | undefined;
}

/**
 * Brings faults about, and to an end. What holds at any moment is derived from the faults that are active then, so
 * that faults may overlap in any order: slowdowns multiply, a link is broken while any fault breaks it, and of several
 * refusals the latest counts.
 */
export class Faults {
  readonly #kernel: Kernel;
  readonly #platform: Platform;
  readonly #gateway: Gateway;
  readonly #recovery: EventKind;
  #active: ActiveFault[] = [];
  #count = 0;

  constructor(kernel: Kernel, platform: Platform, gateway: Gateway) {
    this.#kernel = kernel;
    this.#platform = platform;
    this.#gateway = gateway;
    this.#recovery = kernel.kind('fault/recovers', Priority.script, (id) => this.#recover(id));
  }

  /** A fault that names what is not there (any more) strikes nothing. */
  strike(fault: FaultSpec): void {
    const pod = fault.kind === 'refuse' ? undefined : this.#platform.podOf(fault);
    if (fault.kind !== 'refuse' && pod === undefined) return;
    if (fault.kind === 'kill-pod') {
      this.#platform.killPod(pod!, 'It was killed.');
      return;
    }
    const active = { id: this.#count++, fault, pod };
    this.#active.push(active);
    this.#refresh(active);
    if (fault.lasting !== undefined) {
      this.#kernel.schedule(this.#recovery, after(this.#kernel.now, fault.lasting), active.id);
    }
  }

  /** A pod's engine has started: what was active before it holds for it too. */
  onEngineStarted(pod: Pod, engine: Engine): void {
    const slow = this.#slowdown('slow-engine', pod);
    if (slow !== 1) engine.slowDown(slow);
  }

  #recover(id: number): void {
    const over = this.#active.find((each) => each.id === id)!;
    this.#active = this.#active.filter((each) => each !== over);
    this.#refresh(over);
  }

  /** Derives what holds for the target of a fault that has begun or ended. */
  #refresh({ fault, pod }: ActiveFault): void {
    switch (fault.kind) {
      case 'slow-engine':
        if (pod!.engine?.alive) pod!.engine.slowDown(this.#slowdown('slow-engine', pod!));
        break;
      case 'slow-link':
        pod!.link?.slowDown(this.#slowdown('slow-link', pod!));
        break;
      case 'break-link':
        pod!.link?.setBroken(this.#active.some((each) => each.pod === pod && each.fault.kind === 'break-link'));
        break;
      case 'refuse':
        this.#refreshRefusal(fault.service);
        break;
    }
  }

  #slowdown(kind: 'slow-engine' | 'slow-link', pod: Pod): number {
    let factor = 1;
    for (const { fault, pod: struck } of this.#active) {
      if (struck === pod && fault.kind === kind) factor *= fault.factor;
    }
    return factor;
  }

  #refreshRefusal(name: string): void {
    const service = this.#platform.service(name);
    if (service === undefined) return;
    const latest = this.#active.findLast(({ fault }) => fault.kind === 'refuse' && fault.service === name)?.fault;
    this.#gateway.refuseAll(service, latest?.kind === 'refuse' ? latest : undefined);
  }
}
