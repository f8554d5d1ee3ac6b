/**
 * The platform: services, deployments, instances and pods; desired state and the controllers that keep it. It acts
 * through the cluster and starts engines; it never sees a request.
 */
export { Deployment, type DeploymentStatus } from './deployment.ts';
export * from './keys.ts';
export { Platform, type PlatformPorts } from './platform.ts';
export { Pod, type PodPhase, type PodSlot } from './pod.ts';
export { Service, type ServiceStatus } from './service.ts';
export type * from './spec.ts';
