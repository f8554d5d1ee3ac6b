import type { Ask } from './ask.ts';
import { fitting } from './filters.ts';
import type { Stage } from './scene.ts';

/** A gang on its way to nodes: pods are put and taken back until all have a place, and nothing is held for good. */
export class Trial {
  readonly scene: Stage;
  readonly asks: readonly Ask[];
  /** The order in which pods are put: all equal as they come, else the largest first. */
  readonly order: readonly number[];
  /** Where each pod is. */
  readonly rows: Int32Array;
  /** Which accelerators each pod has there. */
  readonly accelerators: (readonly number[])[];
  /** Rows of nodes that take part. */
  readonly open: Uint32Array;

  constructor(scene: Stage, open: Uint32Array, asks: readonly Ask[], order: readonly number[]) {
    this.scene = scene;
    this.open = open;
    this.asks = asks;
    this.order = order;
    this.rows = new Int32Array(asks.length).fill(NOWHERE);
    this.accelerators = asks.map(() => []);
  }

  /** Writes the open rows that a pod fits on, in order; returns how many. */
  candidates(pod: number, into: Uint32Array): number {
    return fitting(this.scene.table, this.open, this.asks[pod]!, into);
  }

  put(pod: number, row: number): void {
    const { table, own } = this.scene;
    const ask = this.asks[pod]!;
    const devices = table.devices.choose(row, ask);
    table.take(row, ask, devices);
    own[row]!++;
    this.rows[pod] = row;
    this.accelerators[pod] = devices;
  }

  putAll(rows: Int32Array): void {
    for (const pod of this.order) this.put(pod, rows[pod]!);
  }

  takeBack(pod: number): void {
    const row = this.rows[pod]!;
    this.scene.table.give(row, this.asks[pod]!, this.accelerators[pod]!);
    this.scene.own[row]!--;
    this.rows[pod] = NOWHERE;
  }

  takeAllBack(): void {
    for (const [pod, row] of this.rows.entries()) if (row !== NOWHERE) this.takeBack(pod);
  }
}

const NOWHERE = -1;
