import { accelerator, model, type NodeFlavor, nodeFlavor } from '../catalog/index.ts';
import type { ResourceRequest } from '../cluster/index.ts';
import type { EngineSettings, ImageSpec } from '../platform/index.ts';
import type { DeploymentEntry, PoolEntry, UnitEntry } from './schema.ts';

/** Defaults that hang on something else in the scenario: on the pool's nodes, or on the model. */

/** What a pod asks of a CPU node. */
const CPU_POD = { cpu: 32, memoryGiB: 64 } as const;

/** The official vLLM image for each kind of device. */
const IMAGES = { npu: 'vllm-ascend', gpu: 'vllm-openai', cpu: 'vllm-cpu' } as const;

/** The flavor that defaults follow: that of the pool's first nodes. A pool has one kind of accelerator. */
export function leadingFlavor(pool: PoolEntry): NodeFlavor {
  return nodeFlavor(pool.nodes[0]!.flavor);
}

/** A pod's resources; cores and memory are by default the share of a node that its accelerators are. */
export function resourcesOf(unit: UnitEntry, flavor: NodeFlavor): ResourceRequest {
  const onCpu = flavor.accelerators === 0;
  const { accelerators = onCpu ? 0 : 1, cpu, memoryGiB } = unit.resources;
  const share = (ofNode: number): number => Math.floor(ofNode / flavor.accelerators) * accelerators;
  return {
    cpu: cpu ?? (onCpu ? CPU_POD.cpu : share(flavor.cpu)),
    memoryGiB: memoryGiB ?? (onCpu ? CPU_POD.memoryGiB : share(flavor.memoryGiB)),
    accelerators,
  };
}

export function imageOf(unit: UnitEntry, flavor: NodeFlavor): ImageSpec {
  return { name: unit.image.name ?? IMAGES[accelerator(flavor.accelerator).kind], sizeGiB: unit.image.sizeGiB };
}

export function engineOf(unit: UnitEntry): EngineSettings {
  const { maxModelLen = model(unit.model).maxContext, ...settings } = unit.engine;
  const said = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  return { ...(said as Omit<EngineSettings, 'maxModelLen'>), maxModelLen };
}

/** The guide's default (guide 405, 611): role-0; units of different roles are told apart by them. */
export function unitName({ name, role }: UnitEntry): string {
  return name ?? (role === 'common' ? 'role-0' : role);
}

export function isDisaggregated({ units }: DeploymentEntry): boolean {
  return units.some(({ role }) => role !== 'common');
}
