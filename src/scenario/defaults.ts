import { deviceOf, type EngineKind, type NodeFlavor } from '../catalog/index.ts';
import type { ResourceRequest } from '../cluster/index.ts';
import type { FrontEnd } from '../engine/index.ts';
import type { DeploymentMode, EngineSettings, ImageSpec } from '../platform/index.ts';
import type { Catalogue } from './catalogue.ts';
import { given } from './given.ts';
import type { DeploymentEntry, PoolEntry, Scenario, UnitEntry } from './schema.ts';

/** Defaults that hang on something else in the scenario: on the pool's nodes, or on the model. */

/** What a pod asks of a CPU node. */
const CPU_POD = { cpu: 32, memoryGiB: 64 } as const;

/** The usual image of each engine, by kind of device. */
const IMAGES = {
  vllm: { npu: 'vllm-ascend', gpu: 'vllm-openai', cpu: 'vllm-cpu' },
  sglang: { npu: 'sglang-ascend', gpu: 'sglang', cpu: 'sglang-cpu' },
  trtllm: { npu: 'tensorrt-llm', gpu: 'tensorrt-llm', cpu: 'tensorrt-llm' },
  mindie: { npu: 'mindie', gpu: 'mindie', cpu: 'mindie' },
} as const;

/** vLLM's gpu_memory_utilization; SGLang's mem_fraction_static as its runs of the silicon table imply it. */
const MEMORY_UTILIZATION: Readonly<Record<EngineKind, number>> = { vllm: 0.9, sglang: 0.83, trtllm: 0.9, mindie: 0.9 };

/**
 * Tokeniser and HTTP: 5 ms before the queue in the two H100 runs of vLLM, and 2 µs a token (docs/step-time-fit.md, 1 and 4). The
 * 40 to 120 ms that benchmark harnesses add are theirs, not the engine's. Nothing is known of the others.
 */
const FRONT_END: Readonly<Partial<Record<EngineKind, FrontEnd>>> = { vllm: { fixedMicros: 5_000, perTokenMicros: 2 } };

/** The pool of that name, or the one of which it is a subpool. */
export function poolNamed(scenario: Scenario, name: string): PoolEntry | undefined {
  return scenario.pools.find((pool) => pool.name === name || pool.subpools.some((subpool) => subpool.name === name));
}

/** The groups of nodes that a deployment may be on: those of its node pool, or all of its pool. */
export function groupsOf({ nodePool }: DeploymentEntry, { nodes }: PoolEntry): PoolEntry['nodes'] {
  return nodePool === undefined ? nodes : nodes.filter(({ name, flavor }) => (name ?? flavor) === nodePool);
}

/** The flavor that a deployment's defaults follow: that of the first nodes that it may be on. */
export function flavorOf(entry: DeploymentEntry, scenario: Scenario, catalogue: Catalogue): NodeFlavor {
  return catalogue.flavor(groupsOf(entry, poolNamed(scenario, entry.pool)!)[0]!.flavor);
}

/** By its units, unless it is said (guide 313-320). */
export function modeOf({ mode, units }: DeploymentEntry): DeploymentMode {
  if (mode !== undefined) return mode;
  if (units.some(({ role }) => role === 'worker')) return 'co-located';
  return units.some(({ role }) => role !== 'common') ? 'disaggregated' : 'basic';
}

/** A pod's resources; cores and memory are by default the share of a node that its accelerators are. */
export function resourcesOf(unit: UnitEntry, flavor: NodeFlavor): ResourceRequest {
  const onCpu = flavor.accelerators === 0;
  const { accelerators = onCpu ? 0 : 1, cpu, memoryGiB } = unit.resources;
  const share = (ofNode: number): number =>
    Math.max(1, Math.floor(Math.floor(ofNode / flavor.accelerators) * accelerators));
  return {
    cpu: cpu ?? (onCpu ? CPU_POD.cpu : share(flavor.cpu)),
    memoryGiB: memoryGiB ?? (onCpu ? CPU_POD.memoryGiB : share(flavor.memoryGiB)),
    accelerators,
  };
}

export function imageOf(unit: UnitEntry, flavor: NodeFlavor): ImageSpec {
  const name = unit.image.name ?? IMAGES[unit.engine.kind][deviceOf(flavor).kind];
  return given({ ...unit.image, name });
}

/** @param seed of the draws of a distribution */
export function engineOf(unit: UnitEntry, catalogue: Catalogue, seed: number): EngineSettings {
  const { maxModelLen = catalogue.model(unit.model).maxContext, stepTime, frontEnd, ...settings } = unit.engine;
  const { kind, memoryUtilization = MEMORY_UTILIZATION[kind] } = settings;
  const before =
    frontEnd === undefined ? FRONT_END[kind] : { fixedMicros: frontEnd.fixed, perTokenMicros: frontEnd.perToken };
  const times = stepTime.kind === 'distribution' ? { ...stepTime, seed } : stepTime;
  return said({ ...settings, memoryUtilization, maxModelLen, stepTime: times, frontEnd: before }) as EngineSettings;
}

/** Only what was said: an absent key is not the same as one without a value. */
function said(value: object): object {
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  const plain = (field: unknown): boolean => typeof field === 'object' && field !== null && !Array.isArray(field);
  return Object.fromEntries(fields.map(([key, field]) => [key, plain(field) ? said(field as object) : field]));
}

/** The guide's default (guide 405, 611): role-0; units of different roles are told apart by them. */
export function unitName({ name, role }: UnitEntry): string {
  return name ?? (role === 'common' ? 'role-0' : role);
}

/** Whether keys and values go from prefill to decode engines. */
export function hasKvTransfer({ units }: DeploymentEntry): boolean {
  return units.some(({ role }) => role === 'prefill' || role === 'decode');
}
