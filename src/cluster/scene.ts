import type { Node } from './node.ts';
import type { NodeTable } from './node-table.ts';
import type { Presence } from './presence.ts';
import type { Column, Scene } from './scores.ts';
import type { GangRequest } from './spec.ts';

/** Sets the scene for one gang after another on a physical pool. The columns are its own and used again each time. */
export class Stage implements Scene {
  readonly table: NodeTable;
  readonly avoided: Column;
  readonly besideOtherRole: Column;
  readonly others: Column;
  readonly othersInRack: Column;
  readonly own: Column;
  readonly groupFree: Column;
  readonly crossing: Column;
  readonly #rowOf: ReadonlyMap<string, number>;
  readonly #othersByRack: Column;

  constructor(nodes: readonly Node[], table: NodeTable) {
    const column = (): Column => new Int32Array(table.rows);
    this.table = table;
    this.avoided = column();
    this.besideOtherRole = column();
    this.others = column();
    this.othersInRack = column();
    this.own = column();
    this.groupFree = column();
    this.crossing = column();
    this.#rowOf = new Map(nodes.map(({ name, row }) => [name, row]));
    this.#othersByRack = new Int32Array(table.racks);
  }

  /** @param presence of the gang's deployment, if it has pods here */
  set(request: GangRequest, presence: Presence | undefined): void {
    this.#setInstances(request, presence);
    this.#setAffinity(request);
    this.#setRoles(request, presence);
  }

  /** For a pod of so many devices. */
  setCrossing(devices: number): void {
    const { inRing } = this.table.devices;
    for (let row = 0; row < this.crossing.length; row++) this.crossing[row] = inRing[row]! < devices ? 1 : 0;
  }

  #setInstances({ instance }: GangRequest, presence: Presence | undefined): void {
    this.own.fill(0);
    this.others.fill(0);
    this.othersInRack.fill(0);
    if (presence === undefined) return;
    this.others.set(presence.pods);
    this.#othersByRack.set(presence.racks);
    const { rack } = this.table;
    for (const row of presence.rowsOf(instance)) {
      this.own[row]!++;
      this.others[row]!--;
      this.#othersByRack[rack[row]!]!--;
    }
    for (let row = 0; row < rack.length; row++) this.othersInRack[row] = this.#othersByRack[rack[row]!]!;
  }

  #setAffinity({ affinity }: GangRequest): void {
    const attracts = affinity?.kind === 'affinity';
    this.avoided.fill(affinity?.strength === 'weak' && attracts ? 1 : 0);
    if (affinity?.strength !== 'weak') return;
    for (const name of affinity.nodes) {
      const row = this.#rowOf.get(name);
      if (row !== undefined) this.avoided[row] = attracts ? 0 : 1;
    }
  }

  #setRoles({ role, rolesApart }: GangRequest, presence: Presence | undefined): void {
    this.besideOtherRole.fill(0);
    if (rolesApart !== true || role === undefined) return;
    const other = presence?.roles[role === 'prefill' ? 'decode' : 'prefill'];
    if (other === undefined) return;
    for (let row = 0; row < other.length; row++) this.besideOtherRole[row] = Math.min(1, other[row]!);
  }
}
