import { checkpointOf, deviceOf, GIB, type NodeFlavor } from '../catalog/index.ts';
import { weightBytes } from '../engine/index.ts';
import { HOST_CACHE_DISK_GIB, MOUNT_LIMITS, pathsClash, scalingProblem } from '../platform/index.ts';
import type { Catalogue } from './catalogue.ts';
import { parallelismProblem } from './check-parallelism.ts';
import { engineOf, flavorOf, groupsOf, modeOf, poolNamed, resourcesOf, unitName } from './defaults.ts';
import { scalingSpec } from './describe-deployment.ts';
import type { DeploymentEntry, PoolEntry, Scenario, UnitEntry } from './schema.ts';
import { type Path, type Tell, unknown } from './tell.ts';

/** Whether a deployment is one that the platform would take, and its pods fit on some node. */

const DEFAULT_DISK_GIB = 3_500;

export function checkDeployment(
  entry: DeploymentEntry,
  scenario: Scenario,
  catalogue: Catalogue,
  path: Path,
  tell: Tell,
): void {
  checkMode(entry, path, tell);
  checkMounts(entry, path, tell);
  const pool = poolNamed(scenario, entry.pool);
  if (pool === undefined) {
    const known = scenario.pools.flatMap(({ name, subpools }) => [name, ...subpools.map((each) => each.name)]);
    tell([...path, 'pool'], unknown('pool', entry.pool, known));
    return;
  }
  if (!checkPlace(entry, pool, scenario, catalogue, path, tell)) return;
  checkScaling(entry, pool, path, tell);
  const flavor = flavorOf(entry, scenario, catalogue);
  const lent = entry.units.filter(({ role }) => role === 'worker').reduce((sum, { pods }) => sum + pods, 0);
  for (const [index, unit] of entry.units.entries()) {
    const at = [...path, 'units', index];
    checkStorage(unit, entry, pool, at, tell);
    checkNodes(unit, pool, entry, at, tell);
    // A master's engine has its workers' pods as well.
    const pods = unit.role === 'common' ? unit.pods + lent : unit.pods;
    checkFit(unit, pods, { entry, pool, flavor, catalogue }, at, tell);
  }
}

/** Units that make a mode (guide 326, 505, 522, 523, 763, 3965). */
function checkMode(entry: DeploymentEntry, path: Path, tell: Tell): void {
  const { units } = entry;
  const mode = modeOf(entry);
  const at = [...path, 'units'];
  const count = (role: UnitEntry['role']): number => units.filter((unit) => unit.role === role).length;
  const roles = count('prefill') + count('decode');
  if (mode === 'basic') {
    if (units.length > 1) tell(at, `got ${units.length} common units, expected one; or prefill and decode units`);
    const [unit] = units as [UnitEntry];
    if (unit.role !== 'common') tell([...at, 0, 'role'], `got "${unit.role}", expected "common" in basic mode`);
    if (unit.replicas !== 1) tell([...at, 0, 'replicas'], `got ${unit.replicas}, expected 1 in basic mode`);
    return;
  }
  if (mode === 'disaggregated' || roles > 0) {
    for (const role of ['prefill', 'decode'] as const) {
      if (count(role) === 0) tell(at, `no ${role} unit; expected at least one prefill and one decode unit`);
    }
    for (const [index, { role }] of units.entries()) {
      if (role === 'common')
        tell([...at, index], 'a common unit beside prefill and decode units; expected one of these');
      if (role === 'worker') tell([...at, index], 'a worker beside prefill and decode units; it needs a common unit');
    }
  } else if (units[0]!.role !== 'common' || count('common') !== 1) {
    tell(at, 'expected a common unit first, the master, and workers; or prefill and decode units');
  }
  for (const [index, unit] of units.entries()) checkRole(unit, index, entry, mode, [...at, index], tell);
}

function checkRole(
  unit: UnitEntry,
  index: number,
  { units }: DeploymentEntry,
  mode: ReturnType<typeof modeOf>,
  at: Path,
  tell: Tell,
): void {
  const [first] = units as [UnitEntry];
  if (units.findIndex((other) => unitName(other) === unitName(unit)) < index) {
    tell(at, `there is already a unit "${unitName(unit)}"; expected a name of its own`);
  }
  if (unit.model !== first.model) {
    tell(
      [...at, 'model'],
      `got "${unit.model}", but the first unit has "${first.model}": keys and values are of one model`,
    );
  }
  if (unit.role === 'worker' && unit.replicas !== first.replicas) {
    tell([...at, 'replicas'], `got ${unit.replicas}, expected the master's ${first.replicas}`);
  }
  if (mode === 'co-located' && unit.affinity?.strength === 'strong') {
    tell([...at, 'affinity', 'strength'], 'co-located deployments take weak affinity only');
  }
  if (JSON.stringify(unit.gracefulShutdown) !== JSON.stringify(first.gracefulShutdown)) {
    tell([...at, 'gracefulShutdown'], 'expected the same in all units of the deployment');
  }
}

/** The pool takes deployments, and its nodes are of one kind as far as this one is concerned (guide 381, 410, 653). */
function checkPlace(
  entry: DeploymentEntry,
  pool: PoolEntry,
  scenario: Scenario,
  catalogue: Catalogue,
  path: Path,
  tell: Tell,
): boolean {
  if (pool.name === entry.pool && pool.subpools.length > 0) {
    const names = pool.subpools.map(({ name }) => `"${name}"`).join(', ');
    tell([...path, 'pool'], `"${pool.name}" has logical subpools; expected one of ${names}`);
    return false;
  }
  const groups = groupsOf(entry, pool);
  if (groups.length === 0) {
    const known = pool.nodes.map(({ name, flavor }) => name ?? flavor);
    tell([...path, 'nodePool'], unknown('node pool', entry.nodePool!, known));
    return false;
  }
  const kinds = new Set(groups.map(({ flavor }) => catalogue.flavor(flavor).accelerator));
  if (kinds.size > 1 && !scenario.allowHeterogeneousUnits) {
    tell(
      [...path, 'pool'],
      `"${pool.name}" has nodes with ${[...kinds].join(' and ')}; expected a "nodePool": all units lie in one`,
    );
    return false;
  }
  return true;
}

/** Guide 3208, 3221, 3252. */
function checkScaling({ scaling, instances }: DeploymentEntry, pool: PoolEntry, path: Path, tell: Tell): void {
  if (scaling === undefined) return;
  if (pool.type === 'public') {
    tell([...path, 'scaling'], `"${pool.name}" is a public pool: automatic scaling needs a dedicated one`);
    return;
  }
  const problem = scalingProblem(scalingSpec(scaling));
  if (problem !== undefined) tell([...path, 'scaling'], problem);
  else if (instances < scaling.min || instances > scaling.max) {
    tell([...path, 'instances'], `got ${instances}, but its scaling allows ${scaling.min} to ${scaling.max}`);
  }
}

/** Mount paths are apart from each other (guide 3734, 3778, 3850); what is dumped is not what is read (417). */
function checkMounts(entry: DeploymentEntry, path: Path, tell: Tell): void {
  for (const [index, unit] of entry.units.entries()) {
    const at = [...path, 'units', index];
    const model = unit.storage.kind === 'image' ? [] : [{ path: [...at, 'storage'], mount: unit.storage }];
    const files = unit.files.map((mount, which) => ({ path: [...at, 'files', which], mount }));
    const dumps = unit.dumps.map((mount, which) => ({ path: [...at, 'dumps', which], mount }));
    const secrets = entry.secrets.map((mount, which) => ({ path: [...path, 'secrets', which], mount }));
    const mounts = [...model, ...files, ...dumps, ...secrets];
    for (const [which, { path: where, mount }] of mounts.entries()) {
      // Secrets are the deployment's: what is wrong among themselves is told once.
      if (index > 0 && where[where.length - 2] === 'secrets') continue;
      const other = mounts.slice(0, which).find((each) => pathsClash(each.mount.mountPath, mount.mountPath));
      if (other === undefined) continue;
      const clash = `"${mount.mountPath}" and "${other.mount.mountPath}" (${other.path.join('.')}) lie within each other`;
      tell([...where, 'mountPath'], `${clash}; expected directories apart`);
    }
    const turbo = [...model, ...files].filter(({ mount }) => mount.kind === 'sfs-turbo');
    if (turbo.length > MOUNT_LIMITS.sfsTurbo.most) {
      tell([...at, 'files'], `got ${turbo.length} SFS Turbo disks, expected at most ${MOUNT_LIMITS.sfsTurbo.most}`);
    }
    for (const { path: where, mount } of dumps) {
      const bucket = bucketOf(mount.address);
      const read = [...model, ...files].find((each) => bucketOf(each.mount.address) === bucket);
      if (read !== undefined) {
        tell(
          [...where, 'address'],
          `the bucket "${bucket}" is read as well (${read.path.join('.')}); expected another`,
        );
      }
    }
  }
}

function bucketOf(address: string): string | undefined {
  return /^obs:\/\/([^/]+)/.exec(address)?.[1];
}

/** Guide 433, 3712-3720, 3744, 3775. */
function checkStorage(unit: UnitEntry, entry: DeploymentEntry, pool: PoolEntry, at: Path, tell: Tell): void {
  const { storage, files, resources } = unit;
  const dedicatedOnly = [storage, ...files].find(({ kind }) => kind === 'sfs-turbo' || kind === 'pre-warmed');
  if (pool.type === 'public') {
    if (dedicatedOnly !== undefined) {
      tell([...at, 'storage'], `${dedicatedOnly.kind} needs a dedicated pool, and "${pool.name}" is public`);
    }
    if ((resources.accelerators ?? 1) % 1 !== 0) {
      tell([...at, 'resources', 'accelerators'], `"${pool.name}" is public: it has preset specifications only`);
    }
  }
  if (!('hostCache' in storage) || !storage.hostCache) return;
  const disks = groupsOf(entry, pool).map(({ diskGiB = DEFAULT_DISK_GIB }) => diskGiB);
  const least = Math.min(...disks);
  if (least <= HOST_CACHE_DISK_GIB) {
    tell(
      [...at, 'storage', 'hostCache'],
      `the data disks of "${pool.name}" have ${least} GiB; local storage acceleration needs more than ${HOST_CACHE_DISK_GIB}`,
    );
  }
}

function checkNodes(unit: UnitEntry, pool: PoolEntry, entry: DeploymentEntry, at: Path, tell: Tell): void {
  if (unit.affinity === undefined) return;
  const count = pool.nodes.reduce((sum, group) => sum + group.count, 0);
  const known = Array.from({ length: count }, (_, index) => `${pool.name}-node-${index}`);
  for (const [index, node] of unit.affinity.nodes.entries()) {
    if (!known.includes(node)) tell([...at, 'affinity', 'nodes', index], unknown('node', node, known));
  }
  if (pool.type === 'public') tell([...at, 'affinity'], `"${entry.pool}" is public: affinity needs a dedicated pool`);
}

interface Fit {
  readonly entry: DeploymentEntry;
  readonly pool: PoolEntry;
  readonly flavor: NodeFlavor;
  readonly catalogue: Catalogue;
}

/** A pod fits on some node of the pool, and the model in the pods of an engine. */
function checkFit(
  unit: UnitEntry,
  pods: number,
  { entry, pool, flavor, catalogue }: Fit,
  path: Path,
  tell: Tell,
): void {
  const engine = engineOf(unit, catalogue, 0);
  const model = catalogue.model(unit.model);
  const { maxContext } = model;
  if (engine.maxModelLen > maxContext) {
    tell(
      [...path, 'engine', 'maxModelLen'],
      `got ${engine.maxModelLen}, but "${unit.model}" allows at most ${maxContext} tokens`,
    );
  }
  const { prefixUnitTokens, blockSize } = engine;
  if (prefixUnitTokens !== undefined && prefixUnitTokens % blockSize !== 0) {
    const at = [...path, 'engine', 'prefixUnitTokens'];
    tell(at, `got ${prefixUnitTokens}, expected a multiple of blockSize ${blockSize}`);
  }

  const device = deviceOf(flavor);
  const resources = resourcesOf(unit, flavor);
  const largest = (of: 'accelerators' | 'cpu' | 'memoryGiB'): number =>
    Math.max(...groupsOf(entry, pool).map((group) => catalogue.flavor(group.flavor)[of]));
  for (const what of ['accelerators', 'cpu', 'memoryGiB'] as const) {
    if (resources[what] <= largest(what)) continue;
    tell(
      [...path, 'resources', what],
      `got ${resources[what]}, but a node of pool "${pool.name}" has at most ${largest(what)}`,
    );
    return;
  }
  const onCpu = device.kind === 'cpu';
  if (!onCpu && resources.accelerators === 0) {
    tell(
      [...path, 'resources', 'accelerators'],
      `got 0, expected at least 1 of the ${device.id} of pool "${pool.name}"`,
    );
    return;
  }
  if (unit.role === 'worker') return;
  const spread = { accelerators: resources.accelerators, pods, onCpu };
  // A share of a device is nothing to be spread over.
  const problem = resources.accelerators % 1 === 0 ? parallelismProblem(unit.engine, model, spread) : undefined;
  if (problem !== undefined) {
    tell([...path, ...problem.at], problem.message);
    return;
  }
  const memory = onCpu ? resources.memoryGiB * GIB : device.memoryBytes * resources.accelerators * pods;
  const { precision, kvCacheType, dataParallelAttention: ranks, pipelineParallel: stages } = unit.engine;
  const weights = weightBytes(model, checkpointOf(model, precision, kvCacheType), ranks, stages);
  if (weights > memory * engine.memoryUtilization) {
    const each = pods === 1 ? '' : `${pods} x `;
    const holder = onCpu ? 'memoryGiB' : `${each}${resources.accelerators} x ${device.id}`;
    tell(
      [...path, 'model'],
      `"${unit.model}" needs ${gib(weights)} GiB for its weights in ${precision}, but ${holder} at memoryUtilization ` +
        `${engine.memoryUtilization} gives ${gib(memory * engine.memoryUtilization)} GiB`,
    );
  }
}

function gib(bytes: number): string {
  return (bytes / GIB).toFixed(1);
}
