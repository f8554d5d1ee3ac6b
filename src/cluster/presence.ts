import type { NodeTable } from './node-table.ts';
import type { Role } from './spec.ts';

/** Who the pods of a gang belong to. */
export interface Owner {
  readonly deployment: string;
  readonly instance: string;
  readonly role?: Role;
}

/** Where a deployment's pods are, on the rows of a pool's table: scheduling asks for it node by node. */
export class Presence {
  /** Pods on each row. */
  readonly pods: Uint16Array;
  /** The same of each role that there has been. */
  readonly roles: Partial<Record<Role, Uint16Array>> = {};
  /** Pods in each rack. */
  readonly racks: Uint32Array;
  /** Rows of each instance's pods, one for each pod. */
  readonly #instances = new Map<string, number[]>();
  readonly #rackOf: Uint16Array;

  constructor({ rows, rack, racks }: NodeTable) {
    this.pods = new Uint16Array(rows);
    this.racks = new Uint32Array(racks);
    this.#rackOf = rack;
  }

  get empty(): boolean {
    return this.#instances.size === 0;
  }

  /** The rows that an instance's pods are on. */
  rowsOf(instance: string): readonly number[] {
    return this.#instances.get(instance) ?? [];
  }

  add(row: number, { instance, role }: Owner): void {
    const rows = this.#instances.get(instance);
    if (rows === undefined) this.#instances.set(instance, [row]);
    else rows.push(row);
    this.#count(row, role, 1);
  }

  remove(row: number, { instance, role }: Owner): void {
    const rows = this.#instances.get(instance)!;
    rows.splice(rows.indexOf(row), 1);
    if (rows.length === 0) this.#instances.delete(instance);
    this.#count(row, role, -1);
  }

  #count(row: number, role: Role | undefined, by: 1 | -1): void {
    this.pods[row]! += by;
    this.racks[this.#rackOf[row]!]! += by;
    if (role !== undefined) (this.roles[role] ??= new Uint16Array(this.pods.length))[row]! += by;
  }
}

/** The presence of every deployment that has pods in a pool. */
export class Presences {
  readonly #all = new Map<string, Presence>();
  readonly #table: NodeTable;

  constructor(table: NodeTable) {
    this.#table = table;
  }

  of(deployment: string): Presence | undefined {
    return this.#all.get(deployment);
  }

  add(row: number, owner: Owner): void {
    let presence = this.#all.get(owner.deployment);
    if (presence === undefined) this.#all.set(owner.deployment, (presence = new Presence(this.#table)));
    presence.add(row, owner);
  }

  remove(row: number, owner: Owner): void {
    const presence = this.#all.get(owner.deployment)!;
    presence.remove(row, owner);
    if (presence.empty) this.#all.delete(owner.deployment);
  }
}
