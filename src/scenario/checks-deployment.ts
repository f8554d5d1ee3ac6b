import { routingProblem, scalingProblem } from '../platform/index.ts';
import type { Catalogue } from './catalogue.ts';
import { checkFit } from './checks-fit.ts';
import { checkModelPaths, checkMounts, checkSecrets } from './checks-mounts.ts';
import { checkUnits } from './checks-units.ts';
import { nodePoolOf, scalingOf, unitName } from './defaults.ts';
import { isHeterogeneous, type NodePool, nodePoolsFor, type Pool } from './pools.ts';
import type { DeploymentEntry, ScalingEntry, UnitEntry } from './schema.ts';
import { find, type Path, type Tell, unknownNode } from './tell.ts';

/** What deployments are checked against. */
export interface Grounds {
  readonly catalogue: Catalogue;
  readonly pools: readonly Pool[];
  /** Units of one deployment may lie in different node pools. */
  readonly heterogeneous: boolean;
}

/** What makes a deployment unsound. @param path of the deployment */
export function checkDeployment(deployment: DeploymentEntry, grounds: Grounds, path: Path, tell: Tell): void {
  const pool = find(grounds.pools, deployment.pool, 'pool', [...path, 'pool'], tell);
  checkUnits(deployment, path, tell);
  checkModelPaths(deployment, path, tell);
  checkSecrets(deployment, path, tell);
  if (deployment.scaling !== undefined) checkScaling(deployment.scaling, pool, [...path, 'scaling'], tell);
  if (pool === undefined) return;
  if (pool.name === pool.entry.name && pool.entry.subpools.length > 0) {
    const subpools = pool.entry.subpools.map(({ name }) => `"${name}"`).join(', ');
    tell(
      [...path, 'pool'],
      `pool "${pool.name}" is divided into subpools and takes no deployments; expected ${subpools}`,
    );
  }
  const routing = deployment.routing && routingProblem(deployment.routing, pool.entry.type);
  if (routing !== undefined) tell([...path, 'routing'], routing);
  if (pool.entry.type === 'public') checkPublic(deployment, path, tell);
  const named = nodePoolsOfUnits(deployment, pool, grounds, path, tell);
  for (const [index, unit] of deployment.units.entries()) {
    const at = [...path, 'units', index];
    const nodePools = named?.[index];
    checkAffinity(unit, pool, [...at, 'affinity', 'nodes'], tell);
    if (nodePools === undefined) continue;
    checkFit(unit, { pods: podsOfEngine(unit, deployment), pool: pool.name, nodePools }, grounds.catalogue, at, tell);
    checkMounts(unit, pool, nodePools, at, tell);
  }
}

/** Pods that run the engine of a unit's replica: its own, and those of the workers; none for a worker itself. */
function podsOfEngine({ role, pods }: UnitEntry, { units }: DeploymentEntry): number {
  if (role === 'worker') return 0;
  if (role !== 'common') return pods;
  return units.reduce((sum, other) => sum + (other.role === 'worker' ? other.pods : 0), pods);
}

/** For each unit where its pods may come to. All units of a deployment lie in one node pool (guide 410, 521, 653). */
function nodePoolsOfUnits(
  deployment: DeploymentEntry,
  pool: Pool,
  { heterogeneous }: Grounds,
  path: Path,
  tell: Tell,
): readonly (readonly NodePool[])[] | undefined {
  const { units, nodePool } = deployment;
  const { nodePools } = pool;
  if (nodePool !== undefined && !find(nodePools, nodePool, 'node pool', [...path, 'nodePool'], tell)) return undefined;
  for (const [index, unit] of units.entries()) {
    const at = [...path, 'units', index, 'nodePool'];
    if (unit.nodePool !== undefined && !find(nodePools, unit.nodePool, 'node pool', at, tell)) return undefined;
  }
  const allowed = units.map((unit) => nodePoolsFor(pool, nodePoolOf(unit, deployment)));
  if (heterogeneous) return allowed;

  const odd = allowed.findIndex((some) => some[0] !== allowed[0]![0] || some.length !== allowed[0]!.length);
  if (odd > 0) {
    const [first, other] = [units[0]!, units[odd]!];
    const names = [first, other].map((unit) => nodePoolOf(unit, deployment) ?? 'any');
    tell(
      [...path, 'units', odd, 'nodePool'],
      `got "${names[1]}", but unit "${unitName(first, 0)}" lies in "${names[0]}": all units of a deployment lie in one ` +
        'node pool, unless "allowHeterogeneousUnits: true"',
    );
    return undefined;
  }
  if (!isHeterogeneous(pool) || nodePoolOf(units[0]!, deployment) !== undefined) return allowed;
  const names = [...new Set(nodePools.map(({ name }) => `"${name}"`))].join(', ');
  tell(
    [...path, 'nodePool'],
    `missing; expected one of ${names}, as pool "${pool.name}" has accelerators of several kinds`,
  );
  return undefined;
}

const CUSTOM = 'custom specifications (parts of accelerators, other cores or memory) are';

/** Public pools have preset specifications, a queue, and none of the rest (guide 386, 406, 3208, 3505). */
function checkPublic(deployment: DeploymentEntry, path: Path, tell: Tell): void {
  const { schedulingPolicy, priority, units, pool } = deployment;
  const refuse = (at: Path, what: string): void =>
    tell([...path, ...at], `pool "${pool}" is public, and ${what} in dedicated pools only`);
  if (schedulingPolicy !== 'high-availability') refuse(['schedulingPolicy'], 'scheduling policies are');
  if (priority !== 1) refuse(['priority'], 'scheduling priorities are');
  for (const [index, { affinity, resources }] of units.entries()) {
    const at = ['units', index];
    if (affinity !== undefined) refuse([...at, 'affinity'], 'affinity is');
    const { accelerators = 0, cpu, memoryGiB } = resources;
    const own = { accelerators: accelerators % 1 !== 0, cpu: cpu !== undefined, memoryGiB: memoryGiB !== undefined };
    for (const [what, custom] of Object.entries(own)) {
      if (custom) refuse([...at, 'resources', what], CUSTOM);
    }
  }
}

function checkAffinity({ affinity }: UnitEntry, pool: Pool, path: Path, tell: Tell): void {
  const known = affinity === undefined ? [] : pool.nodes.map(({ name }) => name);
  for (const [index, node] of (affinity?.nodes ?? []).entries()) {
    if (!known.includes(node)) tell([...path, index], unknownNode(node, known));
  }
}

/** The platform says what is wrong with the rules; the first of them that it does not take is the one to name. */
export function checkScaling(entry: ScalingEntry, pool: Pool | undefined, path: Path, tell: Tell): void {
  if (pool?.entry.type === 'public') {
    tell(path, `pool "${pool.name}" is public, and automatic scaling is in dedicated pools only`);
  }
  const scaling = scalingOf(entry);
  for (let count = 0; count <= scaling.rules.length; count++) {
    const problem = scalingProblem({ ...scaling, rules: scaling.rules.slice(0, count) });
    if (problem === undefined) continue;
    tell(count === 0 ? path : [...path, 'rules', count - 1], problem);
    return;
  }
}
