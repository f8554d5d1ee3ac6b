import type { Model } from '../catalog/index.ts';
import type { NodeAffinity, ResourceRequest, SchedulingPolicy } from '../cluster/index.ts';
import type { KvLinkSpec } from '../engine/index.ts';
import type { Micros } from '../kernel/index.ts';
import type { LengthSpec } from '../workload/index.ts';
import type { ApplicationSpec } from './application.ts';
import type { CallSettings, RoutingSpec } from './call-settings.ts';
import type { EngineSettings } from './engine-settings.ts';
import type { ConnectionSpec } from './private-connections-spec.ts';
import type { ProbesSpec } from './probes.ts';
import type { ScalingSpec } from './scaling-spec.ts';
import type { DumpSpec, FileMountSpec, ModelStorageSpec, SecretSpec } from './storage.ts';

/** A service: one endpoint that clients call, over one or more deployments. */
export interface ServiceSpec extends CallSettings {
  readonly name: string;
  /** Fixed for the service's life (guide 205). */
  readonly id: string;
  readonly auth: AuthSpec;
  /** How long the answers to client requests are; scenario traffic states its own lengths. */
  readonly replies: LengthSpec;
  readonly deployments: readonly DeploymentSpec[];
  /** Stopped this long after it has come to run (guide 233). */
  readonly autoStop?: Micros;
  /** Its pods' events are ingested into logs and kept for seven days instead of an hour (guide 4484-4486). */
  readonly ingestsPodEvents?: boolean;
  /** Connected from the beginning (guide 2649-2746). */
  readonly privateConnections?: readonly ConnectionSpec[];
}

/** How clients prove who they are (guide 245): not at all, by an API key, or by an IAM token. */
export type AuthSpec =
  | { readonly kind: 'none' | 'token' }
  /** With keys that are bound to it from the beginning. */
  | { readonly kind: 'api-key'; readonly keys: readonly ApiKeySpec[] };

/** A key by name and digest; the core never holds its plain text. */
export interface ApiKeySpec {
  readonly name: string;
  readonly digest: string;
}

/**
 * How an instance is made up (guide 313-320, 482-510, 742-760).
 * - `basic`: one common unit.
 * - `co-located`: prefill and decode units on the same nodes; or a common unit, the master, and worker units whose
 *   pods are part of its engine.
 * - `disaggregated`: prefill and decode units on nodes of their own.
 */
export type DeploymentMode = 'basic' | 'co-located' | 'disaggregated';

/** A deployment: equal instances of one or more units. */
export interface DeploymentSpec {
  readonly name: string;
  readonly description?: string;
  readonly mode: DeploymentMode;
  readonly pool: string;
  /** Of a heterogeneous pool, the node pool; default any that fits. */
  readonly nodePool?: string;
  /** Share of the service's traffic, 0 to 100. */
  readonly weight: number;
  /** It gets copies of live requests, and no live one (guide 3643). */
  readonly mirror?: boolean;
  /** Default: round robin. */
  readonly routing?: RoutingSpec | undefined;
  /** Tasks that an instance holds at a time, 1 to 100; of asynchronous services, which need it (guide 3392). */
  readonly maxConcurrentTasks?: number;
  /** Deployment replicas, 1 to 128 (guide 382). */
  readonly instances: number;
  readonly schedulingPolicy: SchedulingPolicy;
  /** 1, the lowest, to 3 (guide 386). */
  readonly priority: number;
  readonly units: readonly AnyUnitSpec[];
  /** Of prefill and decode units. */
  readonly kvTransfer?: KvTransferSpec;
  /** Not ready by then is failed (guide 444 gives no figure, 7344 the range). */
  readonly deployTimeout: Micros;
  /** Percent of the instances that a rolling upgrade may add, rounded up; and of those that may be missing, rounded down. */
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  readonly secrets: readonly SecretSpec[];
  /** The DEW secret with the access keys for object storage, where the pool has no temporary credentials (guide 433). */
  readonly storageSecret?: string;
  readonly scaling?: ScalingSpec;
}

/** What a unit does with a request: all of it, its prompt, its answer; or it lends its devices to the first unit. */
export type UnitRole = 'common' | 'prefill' | 'decode' | 'worker';

/** How keys and values get from a prefill to a decode engine. */
export interface KvTransferSpec extends KvLinkSpec {
  /** Fetched when the prompt is done, or pushed layer by layer while it is computed. */
  readonly mode: 'pull' | 'push';
  /** Who streams the first token: the prefill engine (papers, HRA) or the decode engine (vLLM, SGLang). */
  readonly firstToken: 'prefill' | 'decode';
  /** Failed transfers are tried again this often; then the decode engine computes the prompt itself. */
  readonly retries: number;
}

/** What is rebuilt when a pod restarts (guide 4167-4182). The contract knows all but `unit-replica`. */
export type RebuildScope = 'pod' | 'unit-replica' | 'unit' | 'deployment-replica';

/** One role of a deployment. What a unit of either kind has is the same; what it runs tells them apart. */
export type AnyUnitSpec = UnitSpec | ApplicationUnitSpec;

/** A unit whose pods run an engine with a model. */
export interface UnitSpec extends UnitBase {
  readonly model: Model;
  /** The name that clients use for the model. */
  readonly servedModelName: string;
  readonly engine: EngineSettings;
  readonly application?: undefined;
}

/** A unit whose pods run an application of the image's own. It has no model, and so no weights and no KV cache. */
export interface ApplicationUnitSpec extends UnitBase {
  readonly application: ApplicationSpec;
  readonly model?: undefined;
  readonly servedModelName?: undefined;
  readonly engine?: undefined;
}

/** What every unit has: an image, its resources and its probes. */
interface UnitBase {
  readonly name: string;
  readonly role: UnitRole;
  /** Unit replicas in each instance (`group_count`), 1 to 100. */
  readonly replicas: number;
  /** Pods of a unit replica (`count`): together they run one engine. Default 1. */
  readonly pods?: number;
  /** Instead of the deployment's; of its own only where units may lie in different node pools. */
  readonly nodePool?: string;
  /** What each pod asks for. */
  readonly resources: ResourceRequest;
  readonly image: ImageSpec;
  readonly storage: ModelStorageSpec;
  readonly files: readonly FileMountSpec[];
  readonly dumps: readonly DumpSpec[];
  readonly probes: ProbesSpec;
  readonly autoRebuild?: RebuildScope;
  /** Moves the pods off a node with a faulty NPU, switch or other hardware (guide 4133). */
  readonly autoRestart: boolean;
  /** A faulty chip is reset with its whole node, and the pods start there again (`npu_reset_enable`; guide 10105-10119). */
  readonly nodeReset?: boolean;
  readonly gracefulShutdown?: GracefulShutdownSpec;
  readonly affinity?: NodeAffinity;
  readonly environment?: Readonly<Record<string, string>>;
  /** Where requests and checks reach its containers (guide 441). Default: where the image listens. */
  readonly containerPort?: number;
}

/** How a container ends when it is asked to (guide 424, 3944-4010). */
export interface GracefulShutdownSpec {
  /** From the signal to the kill. */
  readonly timeout: Micros;
  /** Run inside the container on the signal. */
  readonly command?: string;
  /** How long the command takes; it counts within the timeout. */
  readonly commandTakes: Micros;
}

/** A container image, and what can be wrong with it. */
export interface ImageSpec {
  readonly name: string;
  readonly sizeGiB: number;
  /** Default: that of the nodes. */
  readonly arch?: 'x86' | 'arm64';
  /** Not in the registry, or not to be read by this account. */
  readonly unavailable?: 'missing' | 'denied';
  /** Its boot command fails. */
  readonly failsToStart?: boolean;
  /** Paths that answer health checks; default any that a probe asks. */
  readonly healthPaths?: readonly string[];
  /** Where it listens; default the container port. */
  readonly port?: number;
  /** Programs of the image; default those that probes and shutdown commands need. */
  readonly tools?: readonly string[];
  /** Made for several roles (guide 523, 763). Default true. */
  readonly multiRole?: boolean;
}
