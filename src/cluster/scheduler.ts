import { askOf, MILLICORES, WHOLE } from './ask.ts';
import { EXPLAINED_NODES, type GangDecision } from './decision.ts';
import { choices, podsByNode, refusedDecision, type Standing, standing, verdicts } from './explain.ts';
import { Gate, lacks } from './filters.ts';
import type { Node } from './node.ts';
import type { NodeTable } from './node-table.ts';
import { orderOf, pack, searchable, tighten } from './packing.ts';
import { Presences } from './presence.ts';
import { Stage } from './scene.ts';
import { type Criterion, criteriaOf, keepBest, RINGS_CROSSED } from './scores.ts';
import type { GangRequest, NodeGroupSpec } from './spec.ts';
import { Trial } from './trial.ts';

/** Decides where gangs go on the nodes of a physical pool. */
export class Scheduler {
  /** Where each deployment's pods are. */
  readonly presences: Presences;
  readonly #nodes: readonly Node[];
  readonly #table: NodeTable;
  readonly #groups: readonly NodeGroupSpec[];
  readonly #stage: Stage;
  readonly #all: Uint32Array;
  /** Scratch. */
  readonly #candidates: Uint32Array;

  constructor(nodes: readonly Node[], table: NodeTable, groups: readonly NodeGroupSpec[]) {
    this.presences = new Presences(table);
    this.#nodes = nodes;
    this.#table = table;
    this.#groups = groups;
    this.#stage = new Stage(nodes, table);
    this.#all = new Uint32Array(table.rows).map((_, row) => row);
    this.#candidates = new Uint32Array(table.rows);
  }

  /** @param nodes of the pool that was asked for: some or all of the scheduler's, one after the other */
  decide(request: GangRequest, nodes: readonly Node[]): GangDecision {
    const asks = request.pods.map(({ resources }) => askOf(resources));
    const gate = new Gate(request, this.#nodes, this.#table, this.#groups);
    this.#stage.set(request, this.presences.of(request.deployment));
    if (gate.choosesGroup) this.#compareGroups();
    const trial = new Trial(this.#stage, this.#openRows(gate, nodes), asks, orderOf(asks));
    const decision = new Attempt(request, nodes, gate, trial, this.#candidates).decide();
    trial.takeAllBack();
    return decision;
  }

  /** Closed nodes are no matter here: they have no room. */
  #openRows(gate: Gate, nodes: readonly Node[]): Uint32Array {
    const first = nodes[0]?.row ?? 0;
    const all = this.#all.subarray(first, first + nodes.length);
    return gate.wide ? all : all.filter((row) => gate.refusal(row) === 0);
  }

  /** By their accelerators, or cores where they have none. */
  #compareGroups(): void {
    const { group, cpu, devices } = this.#table;
    const free = this.#groups.map(() => 0);
    for (const { row, flavor } of this.#nodes) {
      free[group[row]!]! += flavor.accelerators > 0 ? devices.free[row]! / WHOLE : cpu[row]! / MILLICORES;
    }
    const parts = this.#groups.map(
      ({ flavor, count }, index) => free[index]! / (count * (flavor.accelerators || flavor.cpu)),
    );
    for (const { row } of this.#nodes) this.#stage.groupFree[row] = Math.round(parts[group[row]!]! * 1e6);
  }
}

/** One gang's way to its nodes, or to a refusal. */
class Attempt {
  readonly #request: GangRequest;
  readonly #nodes: readonly Node[];
  readonly #gate: Gate;
  readonly #trial: Trial;
  readonly #candidates: Uint32Array;
  readonly #criteria: readonly Criterion[];
  /** How the first pod found the nodes of a small pool. */
  #first: Standing | undefined;
  /** How many nodes the first pod fits on, and what decided between them. */
  #fitting = 0;
  #decidedBy = 'order';

  constructor(request: GangRequest, nodes: readonly Node[], gate: Gate, trial: Trial, candidates: Uint32Array) {
    this.#request = request;
    this.#nodes = nodes;
    this.#gate = gate;
    this.#trial = trial;
    this.#candidates = candidates;
    this.#criteria = criteriaOf(request);
  }

  decide(): GangDecision {
    const trial = this.#trial;
    for (const [placed, pod] of trial.order.entries()) {
      if (this.#place(pod, placed === 0)) continue;
      const refused = refusedDecision(this.#standing(pod), placed, trial.order.length);
      trial.takeAllBack();
      if (!searchable(trial) || !pack(trial, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)) return refused;
      this.#decidedBy = 'what leaves room for the others';
      return this.#chosen();
    }
    if (this.#request.policy === 'compact' && searchable(trial) && tighten(trial)) {
      this.#decidedBy = 'what packs the gang tightest';
    }
    return this.#chosen();
  }

  /** Puts a pod on the best node; false when it fits on none. */
  #place(pod: number, first: boolean): boolean {
    const { scene, asks } = this.#trial;
    const rows = this.#candidates;
    if (this.#criteria.includes(RINGS_CROSSED)) scene.setCrossing(asks[pod]!.devices);
    let left = this.#trial.candidates(pod, rows);
    if (left === 0) return false;
    if (first) {
      this.#fitting = left;
      if (this.#nodes.length <= EXPLAINED_NODES) this.#first = this.#standing(pod);
    }
    for (const criterion of this.#criteria) {
      if (left === 1) break;
      left = keepBest(rows, left, criterion, scene);
      if (left === 1 && first) this.#decidedBy = criterion.name;
    }
    this.#trial.put(pod, rows[0]!);
    return true;
  }

  #standing(pod: number): Standing {
    const { scene, asks } = this.#trial;
    const refusal = (row: number): number => this.#gate.refusal(row) || lacks(scene.table, row, asks[pod]!);
    return standing(this.#nodes, refusal, this.#criteria, scene);
  }

  #chosen(): GangDecision {
    const { rows, accelerators, order } = this.#trial;
    const offset = this.#nodes[0]!.row;
    const nodes = Array.from(rows, (row) => this.#nodes[row - offset]!);
    const at = this.#first;
    return {
      nodes,
      accelerators: accelerators.slice(),
      why: this.#why(nodes, nodes[order[0]!]!),
      explain: () => (at === undefined ? choices(nodes) : verdicts(at, podsByNode(nodes))),
    };
  }

  #why(nodes: readonly Node[], first: Node): string {
    const fit = `${this.#fitting}/${this.#nodes.length} nodes fit`;
    const by = this.#fitting === 1 ? '' : ` by ${this.#decidedBy}`;
    if (nodes.length === 1) return `${fit}; ${first.name} is chosen${by}.`;
    const count = new Set(nodes).size;
    return `${fit}; ${first.name} is chosen first${by}; the gang's ${nodes.length} pods go to ${count} node${count === 1 ? '' : 's'}.`;
  }
}
