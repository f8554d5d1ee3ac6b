import type { EngineKind, Evidence, KvCacheType, Precision, StepTimeScalars } from '../catalog/index.ts';
import type { AffineStepTime, FrontEnd, ProfilePoint, Speculation, StepTimeDistribution } from '../engine/index.ts';

/** Engine settings as a person states them; memory and accelerator make an EngineSpec of them. */
export interface EngineSettings {
  /** Which engine it is: its batching rules and its fit. Default `vllm`; on NPUs that is vLLM-Ascend. */
  readonly kind?: EngineKind;
  /** Picks the fit of that version, where there is one. */
  readonly version?: string;
  /** What weights are stored and computed in; default `bf16`. */
  readonly precision?: Precision;
  /** Default: fp8 for fp8 and fp4 checkpoints, else bf16. */
  readonly kvCacheType?: KvCacheType;
  /** Ranks of data-parallel attention; experts are spread over all devices. Default 1. */
  readonly dataParallelAttention?: number;
  /** Pipeline stages, over the devices of all pods of a unit replica. Default 1. */
  readonly pipelineParallel?: number;
  /** Share by which each other engine on a node makes steps longer; see `coLocationSlowdown`. Default 0. */
  readonly interference?: number;
  /** Default: the roofline with the catalogue's scalars. */
  readonly stepTime?: StepTimeSettings;
  /** What a request goes through before the engine's queue; default nothing. */
  readonly frontEnd?: FrontEnd;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly blockSize: number;
  /** Share of device memory for weights and KV cache (`gpu_memory_utilization`). */
  readonly memoryUtilization: number;
  readonly maxModelLen: number;
  /** Set when the engine's own log states the block count. */
  readonly kvBlocks?: number;
  readonly schedulingPolicy?: 'fcfs' | 'priority';
  readonly watermark?: number;
  /** Batch sizes with captured graphs, to which decode batches are padded; none when absent. */
  readonly graphBatchSizes?: readonly number[];
  /** Tokens of a unit of prefix caching; none when absent. */
  readonly prefixUnitTokens?: number;
  readonly speculation?: Speculation;
}

/** Where step times come from: equations with fitted scalars, coefficients, measured points, or a distribution. */
export type StepTimeSettings =
  | { readonly kind: 'roofline'; readonly scalars?: Partial<StepTimeScalars> }
  | ({ readonly kind: 'affine' } & AffineStepTime)
  | { readonly kind: 'profile'; readonly points: readonly ProfilePoint[] }
  | {
      readonly kind: 'distribution';
      /** Of its draws. */
      readonly seed: number;
      readonly prefill: StepTimeDistribution;
      readonly decode: StepTimeDistribution;
    };

/** How far a unit's step times are to be believed, and why. */
export interface UnitEvidence extends Evidence {
  readonly service: string;
  readonly deployment: string;
  readonly unit: string;
  readonly accelerator: string;
  /** Devices of a pod; of a CPU node the share of its cores. */
  readonly devices: number;
  readonly model: string;
  readonly engine: EngineKind;
  readonly version?: string;
  readonly precision: Precision;
}
