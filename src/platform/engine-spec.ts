import { deviceOf, GIB, type NodeFlavor } from '../catalog/index.ts';
import type { Cluster } from '../cluster/index.ts';
import {
  type EngineSpec,
  kvBytesKept,
  kvBytesPerToken,
  kvCopies,
  type ProcessSpec,
  weightBytes,
} from '../engine/index.ts';
import { UserError } from '../kernel/index.ts';
import { isApplication } from './application.ts';
import type { AnyUnitSpec, DeploymentSpec, UnitSpec } from './spec.ts';
import { BATCHING, unitCheckpoint, unitParallelism, unitStepTime } from './step-time.ts';

/** Activations and buffers that the engine's profiling run sets aside, per device. Assumed: 8,192 tokens in flight. */
const ACTIVATION_RESERVE_BYTES = 2 * GIB;

/** @throws UserError when an engine of these settings could not start on a node that it may come to */
export function checkEngines(service: string, spec: DeploymentSpec, cluster: Cluster): void {
  for (const node of cluster.nodes(spec.pool)) {
    for (const unit of spec.units) {
      const { role, nodePool = spec.nodePool } = unit;
      if (role === 'worker' || isApplication(unit) || (nodePool !== undefined && node.nodePool !== nodePool)) continue;
      const where = `service "${service}", deployment "${spec.name}"`;
      engineSpec({ ...unit, pods: enginePods(spec, unit) }, node.flavor, where);
    }
  }
}

/** Pods of the engine of a unit's replica: a master has its workers' as well. */
function enginePods({ units }: DeploymentSpec, { role, pods = 1 }: AnyUnitSpec): number {
  if (role !== 'common') return pods;
  return units.reduce((sum, unit) => sum + (unit.role === 'worker' ? (unit.pods ?? 1) : 0), pods);
}

/** What a unit's pod runs on a node of this flavor, by what it serves. @throws UserError as {@link engineSpec} does */
export function processSpec(unit: AnyUnitSpec, flavor: NodeFlavor, where: string): ProcessSpec {
  if (!isApplication(unit)) return { kind: 'engine', spec: engineSpec(unit, flavor, where) };
  return { kind: 'application', spec: unit.application };
}

/**
 * The engine that a unit's pod runs on a node of this flavor: device memory less weights and reserve is KV cache,
 * as vLLM's profiling run finds it; devices that hold the same keys and values share what is left of it. On a CPU node the pod's own memory and share of cores count.
 * @throws UserError when the cache cannot hold one sequence of `maxModelLen`; vLLM refuses to start then.
 */
export function engineSpec(unit: UnitSpec, flavor: NodeFlavor, where: string): EngineSpec {
  const device = deviceOf(flavor);
  const { engine, model, resources, pods = 1 } = unit;
  const onCpu = device.kind === 'cpu';
  const { devices, attentionRanks, stages } = unitParallelism(unit, flavor);
  const checkpoint = unitCheckpoint(unit);
  const memory = onCpu ? resources.memoryGiB * GIB : device.memoryBytes * devices;
  const reserve = onCpu ? ACTIVATION_RESERVE_BYTES : ACTIVATION_RESERVE_BYTES * devices;
  const cache = memory * engine.memoryUtilization - weightBytes(model, checkpoint, attentionRanks, stages) - reserve;
  const tensor = devices / stages / attentionRanks;
  const perToken = kvBytesKept(model, checkpoint.kvBytes, stages) * kvCopies(model, tensor);
  const kvBlocks = engine.kvBlocks ?? Math.max(0, Math.floor(cache / (perToken * engine.blockSize)));
  if (kvBlocks * engine.blockSize < engine.maxModelLen) {
    throw new UserError(
      `${where}, unit "${unit.name}": the KV cache of ${model.id} on ${pods > 1 ? `${pods} x ` : ''}${resources.accelerators || 'no'} x ${device.id} holds ${kvBlocks * engine.blockSize} tokens, fewer than engine.maxModelLen ${engine.maxModelLen}; expected more memory or a lower maxModelLen`,
    );
  }
  return {
    maxNumSeqs: engine.maxNumSeqs,
    // A step is a turn of all stages: each has a batch in flight, scheduled with a budget of its own.
    maxNumBatchedTokens: engine.maxNumBatchedTokens * stages,
    blockSize: engine.blockSize,
    kvBlocks,
    maxModelLen: engine.maxModelLen,
    ...(engine.schedulingPolicy === undefined ? {} : { schedulingPolicy: engine.schedulingPolicy }),
    ...(engine.watermark === undefined ? {} : { watermark: engine.watermark }),
    ...(engine.prefixUnitTokens === undefined ? {} : { prefixUnitTokens: engine.prefixUnitTokens }),
    ...(engine.speculation === undefined ? {} : { speculation: engine.speculation }),
    ...(engine.frontEnd === undefined ? {} : { frontEnd: engine.frontEnd }),
    batching: BATCHING[engine.kind ?? 'vllm'],
    kvBytesPerToken: kvBytesPerToken(model, checkpoint.kvBytes),
    stepTime: unitStepTime(unit, flavor).model,
  };
}
