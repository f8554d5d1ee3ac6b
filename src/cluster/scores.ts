import type { NodeTable } from './node-table.ts';
import type { GangRequest, SchedulingPolicy } from './spec.ts';

/** A figure for each row. All columns are of one kind, or reading them would take several times as long. */
export type Column = Int32Array;

/** What nodes are judged by while a gang is placed. */
export interface Scene {
  readonly table: NodeTable;
  /** 1 where a weak affinity would rather not have the gang. */
  readonly avoided: Column;
  /** 1 where there are pods of the other role, and they should be apart. */
  readonly besideOtherRole: Column;
  /** Pods of the deployment's other instances, on the node and in its rack. */
  readonly others: Column;
  readonly othersInRack: Column;
  /** Pods of the gang's instance, those included that the gang would put there. */
  readonly own: Column;
  /** The part of its node pool that is free, millionths. */
  readonly groupFree: Column;
  /** 1 where the pod whose turn it is would get devices of several rings. */
  readonly crossing: Column;
}

/** Something that one node is better in than another. */
export interface Criterion {
  readonly name: string;
  readonly best: 'least' | 'most';
  readonly of: (scene: Scene) => Column;
}

/** Weak affinity and anti-affinity come before every policy (guide 3541, 3560). */
const AFFINITY: Criterion = { name: 'against weak affinity', best: 'least', of: ({ avoided }) => avoided };

/** Prefill and decode on different physical nodes (guide 751): before pods of one instance come together. */
const ROLES_APART: Criterion = {
  name: 'pods of the other role',
  best: 'least',
  of: ({ besideOtherRole }) => besideOtherRole,
};

const OTHER_INSTANCES: Criterion = { name: 'pods of other instances', best: 'least', of: ({ others }) => others };

const OTHER_INSTANCES_IN_RACK: Criterion = {
  name: 'pods of other instances in its rack',
  best: 'least',
  of: ({ othersInRack }) => othersInRack,
};

const SAME_INSTANCE: Criterion = { name: 'pods of the same instance', best: 'most', of: ({ own }) => own };

/** Of node pools with equal specifications the freer one is used (guide 410). */
const NODE_POOL_FREE: Criterion = {
  name: 'free millionths of its node pool',
  best: 'most',
  of: ({ groupFree }) => groupFree,
};

const MOST_ACCELERATORS: Criterion = {
  name: 'free hundredths of accelerators',
  best: 'most',
  of: ({ table }) => table.devices.free,
};

const LEAST_ACCELERATORS: Criterion = { ...MOST_ACCELERATORS, best: 'least' };

const IN_USE: Criterion = { name: 'in use already', best: 'most', of: ({ table }) => table.inUse };

const LEAST_CPU: Criterion = { name: 'free thousandths of cores', best: 'least', of: ({ table }) => table.cpu };

const LEAST_MEMORY: Criterion = { name: 'free MiB of memory', best: 'least', of: ({ table }) => table.memory };

export const RINGS_CROSSED: Criterion = { name: 'crosses rings', best: 'least', of: ({ crossing }) => crossing };

const FEWEST_PODS: Criterion = { name: 'pods on it', best: 'least', of: ({ table }) => table.pods };

/**
 * What a policy goes by, the weightiest first; what is left after the last is equal, and the first node is taken.
 *
 * - High availability (guide 385, 3511, 3532): different instances on different nodes as evenly as possible, then in
 *   different racks; pods of one instance together; then where most is free.
 * - Compact (guide 385, 3520, 3547): nodes in use before idle ones, the fullest first, so that the fewest are used.
 * - High performance is in the API and nowhere explained. Decided here: devices of one ring, pods of one instance
 *   together, since their collectives are slow across nodes, then the emptiest node, where nobody else contends.
 */
const POLICIES: Readonly<Record<SchedulingPolicy, readonly Criterion[]>> = {
  'high-availability': [OTHER_INSTANCES, OTHER_INSTANCES_IN_RACK, SAME_INSTANCE, NODE_POOL_FREE, MOST_ACCELERATORS],
  compact: [IN_USE, LEAST_ACCELERATORS, LEAST_CPU, LEAST_MEMORY, NODE_POOL_FREE],
  'high-performance': [RINGS_CROSSED, SAME_INSTANCE, MOST_ACCELERATORS, FEWEST_PODS, NODE_POOL_FREE],
};

/** What a gang's nodes are chosen by, in order of precedence; what cannot matter to it is left out. */
export function criteriaOf({ policy, affinity, rolesApart, role, nodePool }: GangRequest): readonly Criterion[] {
  return [
    ...(affinity?.strength === 'weak' ? [AFFINITY] : []),
    ...(rolesApart === true && role !== undefined ? [ROLES_APART] : []),
    ...POLICIES[policy].filter((criterion) => criterion !== NODE_POOL_FREE || nodePool !== undefined),
  ];
}

/**
 * Keeps of the first `count` rows those that are best by a criterion, in their order; returns how many. Criterion by
 * criterion that is a lexicographic order, whatever the figures are.
 */
export function keepBest(rows: Uint32Array, count: number, { best, of }: Criterion, scene: Scene): number {
  const column = of(scene);
  const sign = best === 'least' ? 1 : -1;
  let lowest = Number.POSITIVE_INFINITY;
  let kept = 0;
  for (let index = 0; index < count; index++) {
    const row = rows[index]!;
    const figure = sign * column[row]!;
    if (figure > lowest) continue;
    if (figure < lowest) kept = 0;
    lowest = figure;
    rows[kept++] = row;
  }
  return kept;
}
