import {
  type Checkpoint,
  checkpointOf,
  deviceOf,
  type EngineKind,
  type Evidence,
  type NodeFlavor,
  stepTimeFit,
} from '../catalog/index.ts';
import {
  AffineModel,
  type BatchingPolicy,
  DistributionModel,
  GraphBatches,
  type Parallelism,
  ProfileModel,
  RooflineModel,
  type StepTimeModel,
} from '../engine/index.ts';
import type { UnitSpec } from './spec.ts';

/** MindIE schedules prefill and decode batches apart, prompts first, as SGLang does. */
export const BATCHING: Readonly<Record<EngineKind, BatchingPolicy>> = {
  vllm: 'vllm',
  sglang: 'sglang',
  trtllm: 'trtllm',
  mindie: 'sglang',
};

/** How long the steps of a unit's engine take, and how far that is to be believed. */
export interface UnitStepTime {
  readonly model: StepTimeModel;
  readonly evidence: Evidence;
}

/** The checkpoint that a unit serves. */
export function unitCheckpoint({ model, engine }: UnitSpec): Checkpoint {
  return checkpointOf(model, engine.precision ?? 'bf16', engine.kvCacheType);
}

/** The devices of a unit's pod; on a CPU node its share of the cores. */
export function unitParallelism({ engine, resources }: UnitSpec, flavor: NodeFlavor): Required<Parallelism> {
  const onCpu = deviceOf(flavor).kind === 'cpu';
  return {
    devices: onCpu ? resources.cpu / flavor.cpu : resources.accelerators,
    attentionRanks: engine.dataParallelAttention ?? 1,
  };
}

export function unitStepTime(unit: UnitSpec, flavor: NodeFlavor): UnitStepTime {
  const { model, evidence } = plainStepTime(unit, flavor);
  const { graphBatchSizes } = unit.engine;
  return { model: graphBatchSizes === undefined ? model : new GraphBatches(model, graphBatchSizes), evidence };
}

/** Without regard to captured graphs. */
function plainStepTime(unit: UnitSpec, flavor: NodeFlavor): UnitStepTime {
  const { stepTime = { kind: 'roofline' } } = unit.engine;
  switch (stepTime.kind) {
    case 'affine':
      return { model: new AffineModel(stepTime), evidence: { tier: 'fitted', source: "the scenario's coefficients" } };
    case 'distribution': {
      const { seed, prefill, decode } = stepTime;
      const model = new DistributionModel(seed, prefill, decode);
      return { model, evidence: { tier: 'derived', source: "the scenario's distribution of step times" } };
    }
    case 'profile': {
      const { points } = stepTime;
      const { model, evidence } = roofline(unit, flavor, {});
      const source = `the scenario's ${points.length} measured points, between and beyond them ${evidence.source}`;
      return { model: new ProfileModel(model, points), evidence: { tier: 'measured', n: points.length, source } };
    }
    case 'roofline':
      return roofline(unit, flavor, stepTime.scalars ?? {});
  }
}

function roofline(unit: UnitSpec, flavor: NodeFlavor, overrides: object): UnitStepTime {
  const { model, engine } = unit;
  const accelerator = deviceOf(flavor);
  const { kind = 'vllm', version, precision = 'bf16' } = engine;
  const asked = { accelerator, engine: kind, precision, model, ...(version === undefined ? {} : { version }) };
  const { scalars, evidence } = stepTimeFit(asked);
  const parallelism = unitParallelism(unit, flavor);
  const own = Object.keys(overrides);
  return {
    model: new RooflineModel(model, accelerator, { ...scalars, ...overrides }, parallelism, unitCheckpoint(unit)),
    evidence:
      own.length === 0
        ? evidence
        : { tier: 'derived', source: `the scenario's ${own.join(', ')}; the rest: ${evidence.source}` },
  };
}
