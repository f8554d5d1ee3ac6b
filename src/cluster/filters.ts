import type { Ask } from './ask.ts';
import type { Node } from './node.ts';
import { Closed, type NodeTable } from './node-table.ts';
import type { GangRequest, NodeGroupSpec } from './spec.ts';

/** Why a node cannot take a pod, as bits, so that nothing is put together for thousands of nodes. */
const Refusal = {
  cpu: 1,
  memory: 2,
  accelerators: 4,
  taints: 8,
  pods: 16,
  cordoned: 32,
  abnormal: 64,
  affinity: 128,
  notWarm: 256,
  nodePool: 512,
} as const;

/** What an event says (guide 4461, 4464, 4510), in this order. Of taints the key follows in brackets. */
const TEXTS: readonly (readonly [number, string])[] = [
  [Refusal.cpu, 'insufficient cpu'],
  [Refusal.memory, 'insufficient memory'],
  [Refusal.accelerators, 'insufficient accelerators'],
  [Refusal.taints, 'taints'],
  [Refusal.pods, 'too many pods'],
  [Refusal.cordoned, 'node(s) were unschedulable'],
  [Refusal.abnormal, 'node is not ready'],
  [Refusal.affinity, 'did not match node affinity'],
  [Refusal.notWarm, 'model is not pre-warmed'],
  [Refusal.nodePool, 'wrong node pool'],
];

/** Which of a pool's node groups a gang may use: of equal specifications any (guide 410); all, when none is named. */
function groupsOf(groups: readonly NodeGroupSpec[], nodePool: string | undefined): readonly boolean[] {
  if (nodePool === undefined) return groups.map(() => true);
  const named = groups.filter((group) => nodePoolName(group) === nodePool);
  return groups.map((group) => named.some(({ flavor, arch }) => flavor.id === group.flavor.id && arch === group.arch));
}

export function nodePoolName({ name, flavor }: NodeGroupSpec): string {
  return name ?? flavor.id;
}

/** What keeps a whole gang off a node, whatever its pods ask for. */
export class Gate {
  readonly #nodes: readonly Node[];
  readonly #table: NodeTable;
  readonly #groups: readonly boolean[];
  readonly #chosenPool: boolean;
  /** The nodes that a strong affinity names, and whether they are the only ones allowed or the ones forbidden. */
  readonly #named: ReadonlySet<string> | undefined;
  readonly #namedAllowed: boolean;
  readonly #warmModel: string | undefined;

  constructor(request: GangRequest, nodes: readonly Node[], table: NodeTable, groups: readonly NodeGroupSpec[]) {
    const { nodePool, affinity, warmModel } = request;
    this.#nodes = nodes;
    this.#table = table;
    this.#groups = groupsOf(groups, nodePool);
    this.#chosenPool = nodePool !== undefined;
    this.#named = affinity?.strength === 'strong' ? new Set(affinity.nodes) : undefined;
    this.#namedAllowed = affinity?.kind === 'affinity';
    this.#warmModel = warmModel;
  }

  /** Whether it keeps the gang off no node that is open to others. */
  get wide(): boolean {
    return this.#named === undefined && this.#warmModel === undefined && !this.#chosenPool;
  }

  /** Whether several node groups with equal specifications compete. */
  get choosesGroup(): boolean {
    return this.#chosenPool && this.#groups.filter(Boolean).length > 1;
  }

  /** The first reason, as Kubernetes' filters stop at the first; 0 when there is none. */
  refusal(row: number): number {
    const closed = this.#table.closed(row);
    if (!this.#groups[this.#table.group[row]!]) return Refusal.nodePool;
    if ((closed & Closed.abnormal) !== 0) return Refusal.abnormal;
    if ((closed & Closed.cordoned) !== 0) return Refusal.cordoned;
    if ((closed & Closed.tainted) !== 0) return Refusal.taints;
    if (this.#named !== undefined && this.#named.has(this.#nodes[row]!.name) !== this.#namedAllowed) {
      return Refusal.affinity;
    }
    if (this.#warmModel !== undefined && !this.#nodes[row]!.warmModels.has(this.#warmModel)) return Refusal.notWarm;
    return 0;
  }
}

/** Writes those of the rows that take a pod, in order; returns how many. This is asked of every node for every pod. */
export function fitting(table: NodeTable, rows: Uint32Array, ask: Ask, into: Uint32Array): number {
  const { cpu, memory, room } = table;
  const { whole, share } = table.devices;
  let count = 0;
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!;
    if (cpu[row]! < ask.cpu || memory[row]! < ask.memory || room[row]! <= 0) continue;
    if (whole[row]! < ask.devices || share[row]! < ask.share) continue;
    into[count++] = row;
  }
  return count;
}

/** All that an open row lacks for a pod; 0 exactly when it is {@link fitting}. */
export function lacks({ cpu, memory, devices, podsLeft }: NodeTable, row: number, ask: Ask): number {
  return (
    (cpu[row]! < ask.cpu ? Refusal.cpu : 0) |
    (memory[row]! < ask.memory ? Refusal.memory : 0) |
    (devices.whole[row]! < ask.devices || devices.share[row]! < ask.share ? Refusal.accelerators : 0) |
    (podsLeft[row]! <= 0 ? Refusal.pods : 0)
  );
}

/** A refusal in words, with the keys of the taints that are meant. */
export function reasons(refusal: number, taintKeys: readonly string[]): string[] {
  return TEXTS.filter(([bit]) => (refusal & bit) !== 0).map(([bit, text]) => text + keys(bit, taintKeys));
}

/** `2 insufficient cpu, 1 taints (maintenance)`: how many nodes refuse for each reason. */
export function countedReasons(refusals: readonly number[], taintKeys: readonly string[]): string {
  return TEXTS.flatMap(([bit, text]) => {
    const count = refusals.filter((refusal) => (refusal & bit) !== 0).length;
    return count === 0 ? [] : [`${count} ${text}${keys(bit, taintKeys)}`];
  }).join(', ');
}

export function isTainted(refusal: number): boolean {
  return (refusal & Refusal.taints) !== 0;
}

function keys(bit: number, taintKeys: readonly string[]): string {
  return bit === Refusal.taints ? ` (${[...new Set(taintKeys)].join(', ')})` : '';
}
