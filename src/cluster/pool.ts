import { ringSize } from '../catalog/index.ts';
import { assert } from '../kernel/index.ts';
import { nodePoolName } from './filters.ts';
import { Node } from './node.ts';
import { type NodeRow, NodeTable } from './node-table.ts';
import { Scheduler } from './scheduler.ts';
import { MAX_PODS, type NodeGroupSpec, type PluginName, type PluginState, type PoolSpec } from './spec.ts';

const PLUGINS: Readonly<Record<PluginName, PluginState>> = { volcano: 'running', hra: 'absent', logs: 'running' };

/** What a physical pool and its logical subpools share. */
interface Hardware {
  readonly scheduler: Scheduler;
  /** Of the cluster: subpools have none of their own. */
  readonly plugins: Record<PluginName, PluginState>;
}

/** A resource pool: a physical one, or a logical subpool, which is some of the nodes of a physical one. */
export class Pool {
  readonly name: string;
  readonly type: 'dedicated' | 'public';
  /** Of the physical pool. */
  readonly spec: PoolSpec;
  readonly nodes: readonly Node[];
  /** Names of the racks that its nodes are in. */
  readonly racks: readonly string[];
  /** False for a physical pool with logical subpools (guide 381). */
  readonly takesDeployments: boolean;
  readonly scheduler: Scheduler;
  readonly #plugins: Hardware['plugins'];

  constructor(spec: PoolSpec, name: string, nodes: readonly Node[], { scheduler, plugins }: Hardware) {
    this.name = name;
    this.type = spec.type;
    this.spec = spec;
    this.nodes = nodes;
    this.racks = [...new Set(nodes.map(({ rack }) => rack))];
    this.takesDeployments = name !== spec.name || (spec.subpools ?? []).length === 0;
    this.scheduler = scheduler;
    this.#plugins = plugins;
  }

  get plugins(): Readonly<Record<PluginName, PluginState>> {
    return this.#plugins;
  }

  /** For all pools on the same cluster. */
  setPlugin(name: PluginName, state: PluginState): void {
    this.#plugins[name] = state;
  }
}

/** A physical pool, and the logical ones that its nodes are divided into. */
export function poolsOf(spec: PoolSpec): Pool[] {
  const { name, subpools = [], plugins } = spec;
  const { nodes, scheduler } = nodesOf(spec);
  const hardware: Hardware = { scheduler, plugins: { ...PLUGINS, ...plugins } };
  let first = 0;
  const logical = subpools.map((subpool) => {
    const part = nodes.slice(first, (first += subpool.nodes));
    assert(part.length === subpool.nodes, () => `pool ${name} has too few nodes for subpool ${subpool.name}`);
    return new Pool(spec, subpool.name, part, hardware);
  });
  return [new Pool(spec, name, nodes, hardware), ...logical];
}

/** Group after group. Racks are filled round robin, and groups share them. */
function nodesOf({ name, nodes: groups }: PoolSpec): { nodes: Node[]; scheduler: Scheduler } {
  const rows = groups.flatMap((spec, group) => Array.from({ length: spec.count }, (_, nth) => rowOf(spec, group, nth)));
  const table = new NodeTable(rows);
  const nodes = rows.map(({ group, rack }, row) => {
    const nodePool = nodePoolName(groups[group]!);
    const place = { name: `${name}-node-${row}`, pool: name, nodePool, rack: `${name}-rack-${rack}`, row };
    return new Node(place, groups[group]!, table);
  });
  return { nodes, scheduler: new Scheduler(nodes, table, groups) };
}

function rowOf(spec: NodeGroupSpec, group: number, nth: number): NodeRow {
  const { flavor, racks = 1, maxPods = MAX_PODS } = spec;
  const { cpu, memoryGiB, accelerators } = flavor;
  return { cpu, memoryGiB, accelerators, ring: ringSize(flavor), maxPods, rack: nth % racks, group };
}
