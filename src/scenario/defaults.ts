import { deviceOf, type EngineKind, type NodeFlavor } from '../catalog/index.ts';
import type { ResourceRequest } from '../cluster/index.ts';
import type { FrontEnd } from '../engine/index.ts';
import type { DeploymentMode, EngineSettings, ImageSpec, ScalingSpec } from '../platform/index.ts';
import type { Catalogue } from './catalogue.ts';
import { given } from './given.ts';
import type { DeploymentEntry, ModelUnitEntry, ScalingEntry, UnitEntry } from './schema.ts';
import { LEAST_MEMORY_GIB } from './schema-unit.ts';

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

/** That of an application. */
const CUSTOM_IMAGE = 'custom-image';

/** vLLM's gpu_memory_utilization; SGLang's mem_fraction_static as its runs of the silicon table imply it. */
const MEMORY_UTILIZATION: Readonly<Record<EngineKind, number>> = { vllm: 0.9, sglang: 0.83, trtllm: 0.9, mindie: 0.9 };

/**
 * Tokeniser and HTTP: 5 ms before the queue in the two H100 runs of vLLM, and 2 µs a token (docs/step-time-fit.md, 1 and 4). The
 * 40 to 120 ms that benchmark harnesses add are theirs, not the engine's. Nothing is known of the others.
 */
const FRONT_END: Readonly<Partial<Record<EngineKind, FrontEnd>>> = { vllm: { fixedMicros: 5_000, perTokenMicros: 2 } };

/** A pod's resources; cores and memory are by default the share of a node that its accelerators are. */
export function resourcesOf(unit: UnitEntry, flavor: NodeFlavor): ResourceRequest {
  const onCpu = flavor.accelerators === 0;
  const { accelerators = onCpu ? 0 : 1, cpu, memoryGiB } = unit.resources;
  const share = (ofNode: number): number => Math.floor(ofNode / flavor.accelerators) * accelerators;
  // Custom specifications come in hundredths of a core, as accelerators do, and whole GiB (guide 410).
  return {
    cpu: cpu ?? (onCpu ? CPU_POD.cpu : Math.max(0.01, Math.round(share(flavor.cpu) * 100) / 100)),
    memoryGiB:
      memoryGiB ?? (onCpu ? CPU_POD.memoryGiB : Math.max(LEAST_MEMORY_GIB, Math.floor(share(flavor.memoryGiB)))),
    accelerators,
  };
}

export function imageOf({ image, engine }: UnitEntry, flavor: NodeFlavor): ImageSpec {
  const usual = engine === undefined ? CUSTOM_IMAGE : IMAGES[engine.kind][deviceOf(flavor).kind];
  return given({ ...image, name: image.name ?? usual });
}

/** @param seed of the draws of a distribution */
export function engineOf(unit: ModelUnitEntry, catalogue: Catalogue, seed: number): EngineSettings {
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

/**
 * Prefill and decode units are told apart by their roles, which HRA goes by (guide 4238); the others are role-0, role-1
 * and so on (guide 405, 650).
 * @param index among the units of its deployment
 */
export function unitName({ name, role }: Pick<UnitEntry, 'name' | 'role'>, index: number): string {
  return name ?? (role === 'prefill' || role === 'decode' ? role : `role-${index}`);
}

/** The mode that a deployment's units make. */
export function modeOf(deployment: DeploymentEntry): DeploymentMode {
  const has = (role: UnitEntry['role']): boolean => deployment.units.some((unit) => unit.role === role);
  if (deployment.mode !== undefined) return deployment.mode;
  if (has('worker')) return 'co-located';
  return handsOver(deployment) ? 'disaggregated' : 'basic';
}

/** Requests go from prefill to decode units, and keys and values with them. */
export function handsOver({ units }: DeploymentEntry): boolean {
  return units.some(({ role }) => role === 'prefill' || role === 'decode');
}

/** The node pool that a unit names, or its deployment. */
export function nodePoolOf(unit: UnitEntry, deployment: DeploymentEntry): string | undefined {
  return unit.nodePool ?? deployment.nodePool;
}

export function scalingOf({ utcOffset, ...scaling }: ScalingEntry): ScalingSpec {
  const [hours, minutes] = utcOffset.slice(1).split(':').map(Number) as [number, number];
  const ahead = hours * 60 + minutes;
  return { ...scaling, utcOffsetMinutes: utcOffset.startsWith('-') ? -ahead : ahead };
}
