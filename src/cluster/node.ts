import { architectureOf, type NodeFlavor } from '../catalog/index.ts';
import { assert } from '../kernel/index.ts';
import { type Ask, MIB_PER_GIB, MILLICORES, WHOLE } from './ask.ts';
import { Disk } from './disk.ts';
import { Closed, type NodeTable } from './node-table.ts';
import { DISK_GIB, type NodeGroupSpec, type Taint } from './spec.ts';

/** Where a node stands. */
export interface NodePlace {
  readonly name: string;
  readonly pool: string;
  readonly nodePool: string;
  readonly rack: string;
  /** Its row of the pool's table. */
  readonly row: number;
}

interface Held {
  readonly ask: Ask;
  readonly accelerators: readonly number[];
}

/** A node of a pool: what it has, who holds it, and in what state it is. */
export class Node {
  readonly name: string;
  /** The physical pool. */
  readonly pool: string;
  readonly nodePool: string;
  readonly rack: string;
  readonly row: number;
  readonly flavor: NodeFlavor;
  readonly arch: 'x86' | 'arm64';
  /** Models that a warm-up has brought to it. */
  readonly warmModels: Set<string>;
  readonly #table: NodeTable;
  readonly #pods = new Map<string, Held>();
  readonly #holders: string[][];
  readonly #images: Set<string>;
  readonly #disk: Disk;
  #taints: readonly Taint[];

  constructor(place: NodePlace, group: NodeGroupSpec, table: NodeTable) {
    const { flavor, taints = [], warmImages = [], warmModels = [], arch = architectureOf(flavor) } = group;
    this.name = place.name;
    this.pool = place.pool;
    this.nodePool = place.nodePool;
    this.rack = place.rack;
    this.row = place.row;
    this.flavor = flavor;
    this.arch = arch;
    this.warmModels = new Set(warmModels);
    this.#table = table;
    this.#holders = Array.from({ length: flavor.accelerators }, () => []);
    this.#images = new Set(warmImages);
    this.#disk = new Disk(group.diskGiB ?? DISK_GIB);
    this.#taints = [];
    for (const taint of taints) this.addTaint(taint);
  }

  get phase(): 'Available' | 'Abnormal' {
    return this.#isClosed(Closed.abnormal) ? 'Abnormal' : 'Available';
  }

  set phase(phase: 'Available' | 'Abnormal') {
    this.#close(Closed.abnormal, phase === 'Abnormal');
  }

  /** Takes no more pods; those that it has stay. */
  get cordoned(): boolean {
    return this.#isClosed(Closed.cordoned);
  }

  set cordoned(cordoned: boolean) {
    this.#close(Closed.cordoned, cordoned);
  }

  get taints(): readonly Taint[] {
    return this.#taints;
  }

  /** One of a key and effect at a time, as Kubernetes has it: a later one replaces it. */
  addTaint(taint: Taint): void {
    const others = this.#taints.filter(({ key, effect }) => key !== taint.key || effect !== taint.effect);
    this.#setTaints([...others, taint]);
  }

  removeTaint(key: string): void {
    this.#setTaints(this.#taints.filter((taint) => taint.key !== key));
  }

  get cpuFree(): number {
    return this.#table.cpu[this.row]! / MILLICORES;
  }

  get memoryFreeGiB(): number {
    return this.#table.memory[this.row]! / MIB_PER_GIB;
  }

  /** Of healthy accelerators; a device that is shared counts with the part that is left. */
  get acceleratorsFree(): number {
    return this.#table.devices.free[this.row]! / WHOLE;
  }

  /** Who holds each accelerator, by index: nobody, one pod, or several that share it. */
  get holders(): readonly (readonly string[])[] {
    return this.#holders;
  }

  /** The pods on it, in order of placement. */
  get pods(): IterableIterator<string> {
    return this.#pods.keys();
  }

  get podCount(): number {
    return this.#pods.size;
  }

  healthy(accelerator: number): boolean {
    return this.#table.devices.healthy(this.row, accelerator);
  }

  /** No pod gets it any more; those that hold it keep it until they go. */
  breakAccelerator(accelerator: number): void {
    this.#setHealthy(accelerator, false);
  }

  repairAccelerator(accelerator: number): void {
    this.#setHealthy(accelerator, true);
  }

  hasImage(image: string): boolean {
    return this.#images.has(image);
  }

  keepImage(image: string): void {
    this.#images.add(image);
  }

  get diskGiB(): number {
    return this.#disk.sizeGiB;
  }

  get diskFreeGiB(): number {
    return this.#disk.freeGiB;
  }

  /**
   * Keeps a model on the disk, or renews the use of one that is there; the least recently used ones go when it is
   * full. False, and nothing has changed, when it does not fit even alone.
   */
  cache(model: string, sizeGiB: number): boolean {
    return this.#disk.keep(model, sizeGiB);
  }

  hasCached(model: string): boolean {
    return this.#disk.has(model);
  }

  /** Something else takes so much of the disk, at most what is free. */
  fillDisk(sizeGiB: number): void {
    this.#disk.fill(sizeGiB);
  }

  freeDisk(): void {
    this.#disk.empty();
  }

  clearCache(): void {
    this.#disk.clear();
  }

  /** The cluster's alone: it keeps count of whose pods are where. */
  hold(pod: string, ask: Ask, accelerators: readonly number[]): void {
    assert(!this.#pods.has(pod), () => `${pod} is on ${this.name} already`);
    assert(this.#table.available(this.row, ask, accelerators), () => `${this.name} is overcommitted by ${pod}`);
    this.#table.take(this.row, ask, accelerators);
    for (const index of accelerators) this.#holders[index]!.push(pod);
    this.#pods.set(pod, { ask, accelerators });
  }

  /** The cluster's alone. */
  release(pod: string): void {
    const held = this.#pods.get(pod);
    assert(held !== undefined, () => `${pod} is not on ${this.name}`);
    this.#pods.delete(pod);
    for (const index of held.accelerators) {
      const holders = this.#holders[index]!;
      holders.splice(holders.indexOf(pod), 1);
    }
    this.#table.give(this.row, held.ask, held.accelerators);
  }

  #setHealthy(accelerator: number, healthy: boolean): void {
    assert(accelerator in this.#holders, () => `${this.name} has no accelerator ${accelerator}`);
    this.#table.devices.setHealthy(this.row, accelerator, healthy);
  }

  #setTaints(taints: readonly Taint[]): void {
    this.#taints = taints;
    this.#close(Closed.tainted, taints.length > 0);
  }

  #isClosed(bit: number): boolean {
    return (this.#table.closed(this.row) & bit) !== 0;
  }

  #close(bit: number, closed: boolean): void {
    this.#table.setClosed(this.row, bit, closed);
  }
}
