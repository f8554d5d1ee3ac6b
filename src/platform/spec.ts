import type { EngineKind, Evidence, KvCacheType, Model, Precision, StepTimeScalars } from '../catalog/index.ts';
import type { ResourceRequest } from '../cluster/index.ts';
import type {
  AffineStepTime,
  FrontEnd,
  KvLinkSpec,
  ProfilePoint,
  Speculation,
  StepTimeDistribution,
} from '../engine/index.ts';
import type { Micros } from '../kernel/index.ts';
import type { LengthSpec } from '../workload/index.ts';

/** A service: one endpoint that clients call, over one or more deployments. */
export interface ServiceSpec {
  readonly name: string;
  /** Fixed for the service's life (guide 205). */
  readonly id: string;
  readonly auth: AuthSpec;
  /** How long the answers to client requests are; scenario traffic states its own lengths. */
  readonly replies: LengthSpec;
  readonly deployments: readonly DeploymentSpec[];
}

export type AuthSpec = { readonly kind: 'none' } | { readonly kind: 'api-key'; readonly keys: readonly ApiKeySpec[] };

/** A key by name and digest; the core never holds its plain text. */
export interface ApiKeySpec {
  readonly name: string;
  readonly digest: string;
}

/**
 * A deployment: equal instances. In basic mode an instance is one common unit; disaggregated, it is at least one
 * prefill and one decode unit, and keys and values go from one to the other.
 */
export interface DeploymentSpec {
  readonly name: string;
  readonly pool: string;
  /** Share of the service's traffic, 0 to 100. */
  readonly weight: number;
  /** Deployment replicas, 1 to 128 (guide 382). */
  readonly instances: number;
  readonly units: readonly UnitSpec[];
  /** Of a disaggregated deployment. */
  readonly kvTransfer?: KvTransferSpec;
  /** Not ready by then is failed (guide 444 gives no figure, 7344 the range). */
  readonly deployTimeout: Micros;
}

/** What a unit does with a request: all of it, its prompt, or its answer. */
export type UnitRole = 'common' | 'prefill' | 'decode';

/** How keys and values get from a prefill to a decode engine. */
export interface KvTransferSpec extends KvLinkSpec {
  /** Fetched when the prompt is done, or pushed layer by layer while it is computed. */
  readonly mode: 'pull' | 'push';
  /** Who streams the first token: the prefill engine (papers, HRA) or the decode engine (vLLM, SGLang). */
  readonly firstToken: 'prefill' | 'decode';
  /** Failed transfers are tried again this often; then the decode engine computes the prompt itself. */
  readonly retries: number;
}

/** One role of a deployment: an image, its resources, its probes and the engine that it runs. */
export interface UnitSpec {
  readonly name: string;
  readonly role: UnitRole;
  /** Unit replicas in each instance (`group_count`), 1 to 100. */
  readonly replicas: number;
  readonly resources: ResourceRequest;
  readonly image: ImageSpec;
  readonly model: Model;
  /** The name that clients use for the model. */
  readonly servedModelName: string;
  readonly engine: EngineSettings;
  readonly startupProbe?: ProbeSpec;
}

export interface ImageSpec {
  readonly name: string;
  readonly sizeGiB: number;
}

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

/** A startup probe (guide 4084-4097). */
export interface ProbeSpec {
  readonly path: string;
  readonly interval: Micros;
  readonly delay: Micros;
  readonly timeout: Micros;
  readonly failureThreshold: number;
}
