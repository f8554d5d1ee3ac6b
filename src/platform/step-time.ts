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

/** The devices of a unit replica, each of its pods on a node of its own; on a CPU node its share of the cores. */
export function unitParallelism({ engine, resources, pods = 1 }: UnitSpec, flavor: NodeFlavor): Required<Parallelism> {
  const onCpu = deviceOf(flavor).kind === 'cpu';
  return {
    devices: onCpu ? resources.cpu / flavor.cpu : resources.accelerators * pods,
    attentionRanks: engine.dataParallelAttention ?? 1,
    stages: engine.pipelineParallel ?? 1,
    microBatchTokens: engine.maxNumBatchedTokens,
    nodes: onCpu ? 1 : pods,
  };
}

/**
 * How much longer the steps of an engine take beside others on its node: 1 + interference x neighbours. Engines there
 * have accelerators of their own, but share host cores, PCIe and network adapters. Nobody has published by how much, so
 * that the share is the scenario's, and 0 by default. A neighbour counts while its engine lives, idle or not: that
 * changes only when pods come and go, and the engine takes it up at a step boundary, with segments exact. Under load,
 * where it matters, the two are the same.
 */
export function coLocationSlowdown({ interference = 0 }: UnitSpec['engine'], neighbours: number): number {
  return 1 + interference * neighbours;
}

export function unitStepTime(unit: UnitSpec, flavor: NodeFlavor): UnitStepTime {
  const { model, evidence } = plainStepTime(unit, flavor);
  const { graphBatchSizes, pipelineParallel: stages = 1, interference = 0 } = unit.engine;
  // A batch is captured by micro-batch.
  const sizes = graphBatchSizes?.map((size) => size * stages);
  return {
    model: sizes === undefined ? model : new GraphBatches(model, sizes),
    evidence:
      interference === 0
        ? evidence
        : { tier: 'derived', source: `the scenario's interference; but for it: ${evidence.source}` },
  };
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
  return {
    model: new RooflineModel(model, accelerator, { ...scalars, ...overrides }, parallelism, unitCheckpoint(unit)),
    evidence: rooflineEvidence(evidence, Object.keys(overrides), parallelism),
  };
}

/** What was fitted had the catalogue's scalars, and one stage on one node. */
function rooflineEvidence(
  fitted: Evidence,
  own: readonly string[],
  { stages, nodes }: Required<Parallelism>,
): Evidence {
  const besides = [
    ...(own.length === 0 ? [] : [`the scenario's ${own.join(', ')}`]),
    ...(stages === 1 ? [] : [`${stages} pipeline stages by equations alone`]),
    ...(nodes === 1 ? [] : [`${nodes} nodes by equations alone`]),
  ];
  return besides.length === 0
    ? fitted
    : { tier: 'derived', source: `${besides.join('; ')}; the rest: ${fitted.source}` };
}
