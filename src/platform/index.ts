/**
 * The platform: services, deployments, instances and pods; desired state and the controllers that keep it. It acts
 * through the cluster and starts engines; it never sees a request.
 */

export { type Address, addressText, type Block, contains, parseAddress, parseBlock } from './address.ts';
export * from './application.ts';
export * from './application-template.ts';
export type { AutoStopState } from './auto-stop.ts';
export * from './call-settings.ts';
export { type ApiKey, Credentials, ownKeyName, TOKEN_LIFE, type Token } from './credentials.ts';
export { parseCron } from './cron.ts';
export type { Deployment, DeploymentVersion } from './deployment.ts';
export { surgeOf, unavailableOf } from './deployment.ts';
export { TIMINGS, type Timings } from './durations.ts';
export type * from './engine-settings.ts';
export * from './iam.ts';
export type { Instance, InstanceStatus } from './instance.ts';
export * from './keys.ts';
export type * from './operations-spec.ts';
export { Platform, type PlatformPorts } from './platform.ts';
export type { Pod, PodPhase, PodStatus } from './pod.ts';
export { type PrivateConnection, PrivateConnections, type PrivateEntry } from './private-connections.ts';
export * from './private-connections-spec.ts';
export { LARGEST_PROBE_FIGURE, PROBE_KINDS, type ProbeKind, type ProbeSpec, type ProbesSpec } from './probes.ts';
export type * from './scaling-policy.ts';
export {
  MOST_INSTANCES,
  MOST_PERIODIC_RULES,
  type ScalingMetric,
  type ScalingRule,
  type ScalingSpec,
  scalingProblem,
} from './scaling-spec.ts';
export type { Service } from './service.ts';
export type * from './spec.ts';
export { ALLOWED, type DeploymentStatus, NOT_IN_PUBLIC_POOLS, type ServiceStatus } from './states.ts';
export * from './storage.ts';
export type { UnitReplica } from './unit-replica.ts';
