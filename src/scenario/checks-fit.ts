import { checkpointOf, deviceOf, GIB, type NodeFlavor } from '../catalog/index.ts';
import type { ResourceRequest } from '../cluster/index.ts';
import { weightBytes } from '../engine/index.ts';
import type { EngineSettings } from '../platform/index.ts';
import type { Catalogue } from './catalogue.ts';
import { parallelismProblem } from './check-parallelism.ts';
import { engineOf, resourcesOf } from './defaults.ts';
import type { NodePool } from './pools.ts';
import type { ModelUnitEntry, UnitEntry } from './schema.ts';
import type { Path, Tell } from './tell.ts';

/** Where a unit's pods may come to. */
export interface Site {
  /** Of its engine, all units that run it together; 0 for a worker, whose engine is the master's. */
  readonly pods: number;
  readonly pool: string;
  readonly nodePools: readonly NodePool[];
}

const RESOURCES = ['accelerators', 'cpu', 'memoryGiB'] as const;

/** A pod fits on some node of the pool, and the model, where there is one, in the pods of an engine. @param path of the unit */
export function checkFit(unit: UnitEntry, site: Site, catalogue: Catalogue, path: Path, tell: Tell): void {
  const serving = unit.application === undefined ? { unit, engine: engineOf(unit, catalogue, 0) } : undefined;
  if (site.pods > 0 && serving !== undefined) checkEngine(serving.unit, serving.engine, catalogue, path, tell);

  const flavors = site.nodePools.map(({ flavor }) => flavor);
  const resources = resourcesOf(unit, flavors[0]!);
  const roomy = flavors.filter((flavor) => RESOURCES.every((what) => resources[what] <= flavor[what]));
  if (roomy.length === 0) {
    tellTooLarge(resources, flavors, site.pool, path, tell);
    return;
  }
  // Where pods may come to nodes of several kinds, it is enough that the engine runs on one of them.
  if (serving === undefined) return;
  const problems = roomy.map((flavor) => deviceProblem(serving.unit, serving.engine, flavor, site, catalogue));
  const [first] = problems;
  if (first !== undefined && problems.every((problem) => problem !== undefined)) {
    tell([...path, ...first.at], first.message);
  }
}

function checkEngine(unit: ModelUnitEntry, engine: EngineSettings, catalogue: Catalogue, path: Path, tell: Tell): void {
  const { maxContext } = catalogue.model(unit.model);
  const { maxModelLen, prefixUnitTokens, blockSize } = engine;
  if (maxModelLen > maxContext) {
    const message = `got ${maxModelLen}, but "${unit.model}" allows at most ${maxContext} tokens`;
    tell([...path, 'engine', 'maxModelLen'], message);
  }
  if (prefixUnitTokens !== undefined && prefixUnitTokens % blockSize !== 0) {
    const at = [...path, 'engine', 'prefixUnitTokens'];
    tell(at, `got ${prefixUnitTokens}, expected a multiple of blockSize ${blockSize}`);
  }
}

function tellTooLarge(
  resources: ResourceRequest,
  flavors: readonly NodeFlavor[],
  pool: string,
  path: Path,
  tell: Tell,
): void {
  for (const what of RESOURCES) {
    const largest = Math.max(...flavors.map((flavor) => flavor[what]));
    if (resources[what] <= largest) continue;
    tell([...path, 'resources', what], `got ${resources[what]}, but a node of pool "${pool}" has at most ${largest}`);
    return;
  }
  const { accelerators, cpu, memoryGiB } = resources;
  const asked = `${accelerators} accelerators, ${cpu} cores and ${memoryGiB} GiB`;
  tell([...path, 'resources'], `no node of pool "${pool}" has ${asked} together`);
}

interface DeviceProblem {
  readonly at: readonly string[];
  readonly message: string;
}

/** Why the unit's engine cannot run on nodes of a flavor. */
function deviceProblem(
  unit: ModelUnitEntry,
  engine: EngineSettings,
  flavor: NodeFlavor,
  { pods, pool }: Site,
  catalogue: Catalogue,
): DeviceProblem | undefined {
  const device = deviceOf(flavor);
  const onCpu = device.kind === 'cpu';
  const { accelerators, memoryGiB } = resourcesOf(unit, flavor);
  if (!onCpu && accelerators === 0) {
    const message = `got 0, expected at least 1 of the ${device.id} of pool "${pool}"`;
    return { at: ['resources', 'accelerators'], message };
  }
  if (pods === 0) return undefined;
  const model = catalogue.model(unit.model);
  // A part of an accelerator is one device to the engine.
  const problem = parallelismProblem(unit.engine, model, { accelerators: Math.ceil(accelerators), pods, onCpu });
  if (problem !== undefined) return problem;

  const { precision, kvCacheType, dataParallelAttention: ranks, pipelineParallel: stages } = unit.engine;
  const weights = weightBytes(model, checkpointOf(model, precision, kvCacheType), ranks, stages);
  const memory = onCpu ? memoryGiB * GIB : device.memoryBytes * accelerators * pods;
  if (weights <= memory * engine.memoryUtilization) return undefined;
  const holder = onCpu ? 'memoryGiB' : `${pods > 1 ? `${pods} x ` : ''}${accelerators} x ${device.id}`;
  const message =
    `"${unit.model}" needs ${gib(weights)} GiB for its weights in ${precision}, but ${holder} at memoryUtilization ` +
    `${engine.memoryUtilization} gives ${gib(memory * engine.memoryUtilization)} GiB`;
  return { at: ['model'], message };
}

function gib(bytes: number): string {
  return (bytes / GIB).toFixed(1);
}
