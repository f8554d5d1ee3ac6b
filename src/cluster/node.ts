import type { NodeFlavor } from '../catalog/index.ts';
import { assert } from '../kernel/index.ts';
import type { ResourceRequest } from './spec.ts';

/** A node of a pool: what it has, and who holds it. */
export class Node {
  readonly name: string;
  readonly flavor: NodeFlavor;
  /** Who holds each accelerator; undefined when free. */
  readonly #accelerators: (string | undefined)[];
  readonly #pods = new Map<string, ResourceRequest>();
  readonly #images = new Set<string>();
  #cpuFree: number;
  #memoryFreeGiB: number;

  constructor(name: string, flavor: NodeFlavor) {
    this.name = name;
    this.flavor = flavor;
    this.#accelerators = new Array<string | undefined>(flavor.accelerators).fill(undefined);
    this.#cpuFree = flavor.cpu;
    this.#memoryFreeGiB = flavor.memoryGiB;
  }

  get cpuFree(): number {
    return this.#cpuFree;
  }

  get memoryFreeGiB(): number {
    return this.#memoryFreeGiB;
  }

  get acceleratorsFree(): number {
    return this.#accelerators.reduce((free, holder) => free + (holder === undefined ? 1 : 0), 0);
  }

  /** The pods on it, in order of placement. */
  get pods(): IterableIterator<string> {
    return this.#pods.keys();
  }

  /** Who holds each accelerator, by index. */
  get holders(): readonly (string | undefined)[] {
    return this.#accelerators;
  }

  /** Gives a pod its resources: the lowest free accelerators. It must fit. */
  hold(pod: string, request: ResourceRequest): number[] {
    assert(!this.#pods.has(pod), `${pod} is on ${this.name} already`);
    assert(this.acceleratorsFree >= request.accelerators, `${this.name} has too few accelerators for ${pod}`);
    const given: number[] = [];
    for (let index = 0; given.length < request.accelerators; index++) {
      if (this.#accelerators[index] !== undefined) continue;
      this.#accelerators[index] = pod;
      given.push(index);
    }
    this.#cpuFree -= request.cpu;
    this.#memoryFreeGiB -= request.memoryGiB;
    assert(this.#cpuFree >= 0 && this.#memoryFreeGiB >= 0, `${this.name} is overcommitted by ${pod}`);
    this.#pods.set(pod, request);
    return given;
  }

  release(pod: string): void {
    const request = this.#pods.get(pod);
    assert(request !== undefined, `${pod} is not on ${this.name}`);
    this.#pods.delete(pod);
    this.#cpuFree += request.cpu;
    this.#memoryFreeGiB += request.memoryGiB;
    for (const [index, holder] of this.#accelerators.entries()) {
      if (holder === pod) this.#accelerators[index] = undefined;
    }
  }

  hasImage(image: string): boolean {
    return this.#images.has(image);
  }

  keepImage(image: string): void {
    this.#images.add(image);
  }
}
