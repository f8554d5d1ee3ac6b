import { type Ask, WHOLE } from './ask.ts';

/** How many accelerators a node has, and in rings of how many. */
export interface DeviceLayout {
  readonly count: number;
  readonly ring: number;
}

/**
 * The accelerators of a pool's nodes: what is free of each, which are healthy, and which ones a pod gets. A node is a
 * row; columns hold a figure for each row, so that a scheduler can ask thousands of rows quickly.
 *
 * Devices are joined in rings, and collectives are slow across them: a pod gets devices of one ring where it can, of
 * the ring with the fewest free ones that suffice, as Huawei's scheduler does (MindCluster, affinity scheduling:
 * "the node with one available processor is the best").
 */
export class Devices {
  /** Healthy devices that nobody holds any of. */
  readonly whole: Int32Array;
  /** The most of them in one ring. */
  readonly inRing: Int32Array;
  /** The most that is free of one healthy device, hundredths. */
  readonly share: Int32Array;
  /** What is free of healthy devices together, hundredths. */
  readonly free: Int32Array;
  readonly #layouts: readonly DeviceLayout[];
  /** Where a row's devices begin. */
  readonly #first: Uint32Array;
  /** Free hundredths of each device, whether it is healthy or not. */
  readonly #left: Uint8Array;
  readonly #broken: Uint8Array;

  constructor(layouts: readonly DeviceLayout[]) {
    const rows = layouts.length;
    this.#layouts = layouts;
    this.#first = new Uint32Array(rows);
    let devices = 0;
    for (const [row, { count }] of layouts.entries()) {
      this.#first[row] = devices;
      devices += count;
    }
    this.#left = new Uint8Array(devices).fill(WHOLE);
    this.#broken = new Uint8Array(devices);
    this.whole = new Int32Array(rows);
    this.inRing = new Int32Array(rows);
    this.share = new Int32Array(rows);
    this.free = new Int32Array(rows);
    for (let row = 0; row < rows; row++) this.#sum(row);
  }

  count(row: number): number {
    return this.#layouts[row]!.count;
  }

  healthy(row: number, device: number): boolean {
    return this.#broken[this.#first[row]! + device] === 0;
  }

  setHealthy(row: number, device: number, healthy: boolean): void {
    this.#broken[this.#first[row]! + device] = healthy ? 0 : 1;
    this.#sum(row);
  }

  /** Which devices a pod would get; they must be there. */
  choose(row: number, ask: Ask): number[] {
    if (ask.share > 0) return [this.#tightest(row, ask.share)];
    return ask.devices === 0 ? [] : this.#fromRings(row, ask.devices);
  }

  take(row: number, devices: readonly number[], ask: Ask): void {
    this.#move(row, devices, ask.share > 0 ? -ask.share : -WHOLE);
  }

  give(row: number, devices: readonly number[], ask: Ask): void {
    this.#move(row, devices, ask.share > 0 ? ask.share : WHOLE);
  }

  /** Whether devices that were chosen are still free. */
  available(row: number, devices: readonly number[], ask: Ask): boolean {
    const needed = ask.share > 0 ? ask.share : WHOLE;
    return devices.every((device) => this.#usable(this.#first[row]! + device) >= needed);
  }

  /** What is free of each, device by device: rows of equal text are equal. */
  stateOf(row: number): string {
    const first = this.#first[row]!;
    return Array.from({ length: this.count(row) }, (_, device) => this.#usable(first + device)).join();
  }

  #usable(device: number): number {
    return this.#broken[device] === 0 ? this.#left[device]! : 0;
  }

  #move(row: number, devices: readonly number[], hundredths: number): void {
    if (devices.length === 0) return;
    for (const device of devices) this.#left[this.#first[row]! + device]! += hundredths;
    this.#sum(row);
  }

  /** The device with the least left that suffices, so that whole ones stay whole. */
  #tightest(row: number, share: number): number {
    const first = this.#first[row]!;
    let best = -1;
    let least = WHOLE + 1;
    for (let device = 0; device < this.count(row); device++) {
      const left = this.#usable(first + device);
      if (left < share || left >= least) continue;
      best = device;
      least = left;
    }
    return best;
  }

  /** From the ring with the fewest that suffice; else from as few rings as can be. */
  #fromRings(row: number, devices: number): number[] {
    const { ring } = this.#layouts[row]!;
    const rings = this.#wholeByRing(row);
    const enough = rings.filter(({ length }) => length >= devices).toSorted((a, b) => a.length - b.length);
    if (ring > 1 && enough[0] !== undefined) return enough[0].slice(0, devices);
    return rings
      .toSorted((a, b) => b.length - a.length)
      .flat()
      .slice(0, devices)
      .sort((a, b) => a - b);
  }

  #wholeByRing(row: number): number[][] {
    const first = this.#first[row]!;
    const { count, ring } = this.#layouts[row]!;
    const rings = Array.from({ length: Math.ceil(count / ring) }, (): number[] => []);
    for (let device = 0; device < count; device++) {
      if (this.#usable(first + device) === WHOLE) rings[Math.floor(device / ring)]!.push(device);
    }
    return rings;
  }

  /** Brings a row's columns up to date. */
  #sum(row: number): void {
    const first = this.#first[row]!;
    const { count, ring } = this.#layouts[row]!;
    let whole = 0;
    let most = 0;
    let here = 0;
    let share = 0;
    let free = 0;
    for (let device = 0; device < count; device++) {
      if (device % ring === 0) here = 0;
      const left = this.#usable(first + device);
      free += left;
      if (left > share) share = left;
      if (left < WHOLE) continue;
      whole++;
      if (++here > most) most = here;
    }
    this.whole[row] = whole;
    this.inRing[row] = most;
    this.share[row] = share;
    this.free[row] = free;
  }
}
