import type { Model } from '../catalog/index.ts';
import type { ModelUnitEntry } from './schema.ts';

/** What an engine is spread over. */
export interface EngineDevices {
  /** Accelerators of each pod; 0 on a CPU node. */
  readonly accelerators: number;
  /** Pods of a unit replica, each on a node of its own. */
  readonly pods: number;
  readonly onCpu: boolean;
}

/** Where a unit is wrong, below it, and what is wrong. */
export interface ParallelismProblem {
  readonly at: readonly string[];
  readonly message: string;
}

/** Why an engine could not be spread over its devices as its settings ask; vLLM refuses to start then. */
export function parallelismProblem(
  {
    pipelineParallel: stages,
    dataParallelAttention: ranks,
  }: Pick<ModelUnitEntry['engine'], 'pipelineParallel' | 'dataParallelAttention'>,
  model: Model,
  { accelerators, pods, onCpu }: EngineDevices,
): ParallelismProblem | undefined {
  const of = (at: string, message: string): ParallelismProblem => ({ at: ['engine', at], message });
  const stagesAt = 'pipelineParallel';
  const ranksAt = 'dataParallelAttention';
  const whole = pods === 1 ? `${accelerators} accelerators of a pod` : `${pods} x ${accelerators} accelerators`;
  if (onCpu) {
    if (stages > 1) return of(stagesAt, `got ${stages}, expected 1: a CPU node runs no pipeline`);
    if (ranks > 1) return of(ranksAt, `got ${ranks}, expected a divisor of the ${whole}`);
    return undefined;
  }
  const devices = accelerators * pods;
  if (stages > model.layers) return of(stagesAt, `got ${stages}, but "${model.id}" has ${model.layers} layers`);
  if (devices % stages !== 0) return of(stagesAt, `got ${stages}, expected a divisor of the ${whole}`);
  if (straddles(stages, pods))
    return of(
      stagesAt,
      `got ${stages}, expected a divisor or a multiple of the ${pods} pods: stages do not straddle nodes`,
    );

  const ofStage = devices / stages;
  const stage = stages === 1 ? whole : `${ofStage} accelerators of a stage`;
  if (ofStage % ranks !== 0) return of(ranksAt, `got ${ranks}, expected a divisor of the ${stage}`);
  const tensor = ofStage / ranks;
  if (straddles(tensor, accelerators))
    return of(ranksAt, `got ${ranks}, which makes ranks of ${tensor} accelerators straddle pods of ${accelerators}`);
  if (model.heads % tensor === 0) return undefined;
  const message = `got ${accelerators}, but "${model.id}" has ${model.heads} heads, which ${tensor} tensor-parallel accelerators cannot share evenly`;
  return { at: ['resources', 'accelerators'], message };
}

/** Groups of `size` laid out side by side in boxes of `box` end within one, or fill several. */
function straddles(size: number, box: number): boolean {
  return size % box !== 0 && box % size !== 0;
}
