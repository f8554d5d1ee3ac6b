/**
 * The platform's event texts (guide Tables 1-52 to 1-55 and Figure 1-84), each with its type and the guide's line.
 * `%s` takes the arguments in order. Only events that something in the simulation causes stand here.
 */

export type ServiceEventType = 'Normal' | 'Warning' | 'Exception';

export interface ServiceEventText {
  readonly type: ServiceEventType;
  readonly text: string;
  readonly guide: number;
}

export const SERVICE_EVENTS = {
  statusChanged: { type: 'Normal', text: 'Service status change from %s to %s.', guide: 4383 },
  deploymentCreated: {
    type: 'Normal',
    text: 'Deployment [%s] created. Available instances: %s, target instances: %s, status change from %s to %s.',
    guide: 4384,
  },
  serviceDeploymentTimedOut: {
    type: 'Exception',
    text: 'Service deployment timed out. Error: The deployment duration of the service exceeds %s minutes. The deployment failed.',
    guide: 4396,
  },
  serviceDegraded: { type: 'Exception', text: 'Service status transitioned from %s to %s.', guide: 4434 },
  deploymentDegraded: {
    type: 'Exception',
    text: 'Status of deployment [%s] transitioned from %s to %s; error message: %s.',
    guide: 4433,
  },
  noStartupProbe: {
    type: 'Warning',
    text: 'Deployment [%s] has no [Health Check > Startup Probe] configured, which will prevent the model loading process from being monitored. The service may display a Running status but fail to handle predictions because the model is still loading.',
    guide: 4453,
  },
  podsUnhealthy: {
    type: 'Warning',
    text: 'Checking the health status of some pods failed during the deployment [%s]. (Check the pod events for the cause.)',
    guide: 4454,
  },
  podSchedulingFailed: {
    type: 'Warning',
    text: 'Pod scheduling failed in deployment [%s]. (Check the pod events for the cause.)',
    guide: 4461,
  },
} as const satisfies Record<string, ServiceEventText>;

export type PodEventType = 'Normal' | 'Alarm';

/** Pod events: the reason is the platform's; the message says what happened here. */
export const POD_EVENTS = {
  SuccessfulCreate: { type: 'Normal', text: 'The container is created.' },
  Started: { type: 'Normal', text: 'The container is started.' },
  Scheduled: { type: 'Normal', text: 'The pod is scheduled to the node. %s' },
  SuccessfulMountVolume: { type: 'Normal', text: 'The storage volume is mounted.' },
  Pulling: { type: 'Normal', text: 'The image is being pulled. %s' },
  Pulled: { type: 'Normal', text: 'The image is pulled. %s' },
  Healthy: { type: 'Normal', text: 'The container is in the healthy state.' },
  Killing: { type: 'Normal', text: 'The container is being terminated. %s' },
  Unhealthy: { type: 'Alarm', text: 'The health check fails. %s' },
  FailedScheduling: { type: 'Alarm', text: 'The pod cannot be scheduled to the node temporarily. %s' },
} as const satisfies Record<string, { type: PodEventType; text: string }>;

/** Fills the `%s` of a text, in order. */
export function fill(text: string, values: readonly (string | number)[]): string {
  let next = 0;
  return text.replace(/%s/g, () => String(values[next++] ?? '')).trimEnd();
}
