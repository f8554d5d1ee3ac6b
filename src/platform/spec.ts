import type { Model } from '../catalog/index.ts';
import type { ResourceRequest } from '../cluster/index.ts';
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

/** A deployment in basic mode: equal instances of one unit. */
export interface DeploymentSpec {
  readonly name: string;
  readonly pool: string;
  /** Share of the service's traffic, 0 to 100. */
  readonly weight: number;
  /** Deployment replicas, 1 to 128 (guide 382). */
  readonly instances: number;
  readonly unit: UnitSpec;
  /** Not ready by then is failed (guide 444, D22). */
  readonly deployTimeout: Micros;
}

/** One role of a deployment: an image, its resources, its probes and the engine that it runs. */
export interface UnitSpec {
  readonly name: string;
  readonly role: 'common';
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
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly blockSize: number;
  /** Share of device memory for weights and KV cache (`gpu_memory_utilization`). */
  readonly memoryUtilization: number;
  readonly maxModelLen: number;
  /** Set when the engine's own log states the block count. */
  readonly kvBlocks?: number;
}

/** A startup probe (guide 4084-4097). */
export interface ProbeSpec {
  readonly path: string;
  readonly interval: Micros;
  readonly delay: Micros;
  readonly timeout: Micros;
  readonly failureThreshold: number;
}
