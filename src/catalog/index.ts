/**
 * The catalogue: facts about accelerators, models and node flavors, and fitted scalars, each with its source. Tables
 * that a domain expert corrects without reading an algorithm; no behaviour lives here beyond looking a name up.
 */
import { ACCELERATORS, type Accelerator } from './accelerators.ts';
import type { Model } from './architecture.ts';
import { NODE_FLAVORS, type NodeFlavor } from './flavors.ts';
import { MODELS } from './models.ts';

export { type Accelerator, type Generation, networkOf } from './accelerators.ts';
export { type Model, type ModelConfig, type ModelFamily, modelOf } from './architecture.ts';
export { type NodeFlavor, ringSize } from './flavors.ts';
export {
  type Checkpoint,
  checkpointOf,
  KV_CACHE_TYPES,
  type KvCacheType,
  PRECISIONS,
  type Precision,
  peakFlops,
  type Storage,
} from './precisions.ts';
export {
  ENGINE_KINDS,
  type EngineKind,
  type Evidence,
  type EvidenceTier,
  evidenceText,
  FIT_GROUPS,
  type FitGroup,
  type FitQuery,
  type StepTimeFit,
  type StepTimeScalars,
  stepTimeFit,
} from './step-time-fits.ts';
export { GIB } from './units.ts';
export { ACCELERATORS, MODELS, NODE_FLAVORS };

interface Named {
  readonly id: string;
  readonly aliases?: readonly string[];
}

/** The row of that id or alias. */
function find<Row extends Named>(rows: readonly Row[], name: string): Row | undefined {
  return rows.find(({ id }) => id === name) ?? rows.find(({ aliases }) => aliases?.includes(name));
}

function lookUp<Row extends Named>(rows: readonly Row[], what: string, name: string): Row {
  const row = find(rows, name);
  if (row === undefined)
    throw new Error(`No ${what} ${name} in the catalogue; scenario validation lets no such name pass`);
  return row;
}

/** By its id, or by the name that a measurement table has for it (`h100_sxm`). */
export function accelerator(name: string): Accelerator {
  return lookUp(ACCELERATORS, 'accelerator', name);
}

/** By its id, or by the name that a hub or a measurement table has for it (`deepseek-ai/DeepSeek-R1`). */
export function model(name: string): Model {
  return lookUp(MODELS, 'model', name);
}

export function nodeFlavor(id: string): NodeFlavor {
  return lookUp(NODE_FLAVORS, 'node flavor', id);
}

/** As {@link accelerator} and {@link model}, where a name may be unknown. */
export function findAccelerator(name: string): Accelerator | undefined {
  return find(ACCELERATORS, name);
}

export function findModel(name: string): Model | undefined {
  return find(MODELS, name);
}

/** The accelerator of a node. */
export function deviceOf(flavor: NodeFlavor): Accelerator {
  return flavor.device ?? accelerator(flavor.accelerator);
}

/** Of a node's processors, and so of the images that it runs (guide 410): Arm beside Ascend and Grace, else x86. */
export function architectureOf(flavor: NodeFlavor): 'x86' | 'arm64' {
  return deviceOf(flavor).architecture === 'arm' ? 'arm64' : 'x86';
}
