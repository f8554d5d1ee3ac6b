import { type Ask, MIB_PER_GIB, MILLICORES } from './ask.ts';
import { Devices } from './devices.ts';

/** What a row of the table begins with. */
export interface NodeRow {
  /** Virtual cores. */
  readonly cpu: number;
  readonly memoryGiB: number;
  readonly accelerators: number;
  /** How many of its accelerators make a ring. */
  readonly ring: number;
  readonly maxPods: number;
  /** Index of its rack within the pool. */
  readonly rack: number;
  /** Index of its node group. */
  readonly group: number;
}

/** Why a node takes no pod at all, as bits. */
export const Closed = { abnormal: 1, cordoned: 2, tainted: 4 } as const;

/**
 * What is free on the nodes of a physical pool, in columns of whole numbers: what a scheduler asks of every node for
 * every pod. A node is a row.
 */
export class NodeTable {
  readonly rows: number;
  /** Thousandths of virtual cores. */
  readonly cpu: Int32Array;
  /** MiB. */
  readonly memory: Int32Array;
  /** How many pods more it may have, and how many it takes: none while it is closed. */
  readonly podsLeft: Int32Array;
  readonly room: Int32Array;
  readonly pods: Int32Array;
  /** 1 where there are any. */
  readonly inUse: Int32Array;
  readonly rack: Uint16Array;
  readonly racks: number;
  readonly group: Uint16Array;
  readonly #closed: Uint8Array;
  readonly devices: Devices;

  constructor(rows: readonly NodeRow[]) {
    this.rows = rows.length;
    this.cpu = Int32Array.from(rows, ({ cpu }) => Math.round(cpu * MILLICORES));
    this.memory = Int32Array.from(rows, ({ memoryGiB }) => Math.round(memoryGiB * MIB_PER_GIB));
    this.podsLeft = Int32Array.from(rows, ({ maxPods }) => maxPods);
    this.room = this.podsLeft.slice();
    this.pods = new Int32Array(rows.length);
    this.inUse = new Int32Array(rows.length);
    this.rack = Uint16Array.from(rows, ({ rack }) => rack);
    this.racks = rows.reduce((most, { rack }) => Math.max(most, rack + 1), 0);
    this.group = Uint16Array.from(rows, ({ group }) => group);
    this.#closed = new Uint8Array(rows.length);
    this.devices = new Devices(rows.map(({ accelerators, ring }) => ({ count: accelerators, ring })));
  }

  /** Bits of {@link Closed}. */
  closed(row: number): number {
    return this.#closed[row]!;
  }

  setClosed(row: number, bit: number, closed: boolean): void {
    if (closed) this.#closed[row]! |= bit;
    else this.#closed[row]! &= ~bit;
    this.#setRoom(row);
  }

  /** Gives a pod its resources, and of the accelerators those. They must be free. */
  take(row: number, ask: Ask, devices: readonly number[]): void {
    this.#move(row, ask, -1);
    this.devices.take(row, devices, ask);
  }

  give(row: number, ask: Ask, devices: readonly number[]): void {
    this.#move(row, ask, 1);
    this.devices.give(row, devices, ask);
  }

  /** Whether all that is still free. */
  available(row: number, ask: Ask, devices: readonly number[]): boolean {
    return (
      this.cpu[row]! >= ask.cpu &&
      this.memory[row]! >= ask.memory &&
      this.podsLeft[row]! > 0 &&
      this.devices.available(row, devices, ask)
    );
  }

  #move(row: number, ask: Ask, sign: 1 | -1): void {
    this.cpu[row]! += sign * ask.cpu;
    this.memory[row]! += sign * ask.memory;
    this.podsLeft[row]! += sign;
    this.pods[row]! -= sign;
    this.inUse[row] = Math.min(1, this.pods[row]!);
    this.#setRoom(row);
  }

  #setRoom(row: number): void {
    this.room[row] = this.#closed[row] === 0 ? this.podsLeft[row]! : 0;
  }
}
