import type { ServiceEventText } from './event-text.ts';
import { EXCEPTION_EVENTS } from './exception-event-texts.ts';

/** The normal service events that the guide shows (Figure 1-84); it describes no others (guide 4390). */
const NORMAL_EVENTS = {
  autoStopScheduled: {
    type: 'Normal',
    text: 'Service will auto-stop in %s hour(s).',
    values: ['hours'],
    guide: 4382,
    cause: 'A service with auto stop comes to run, or gets auto stop while it runs.',
  },
  statusChanged: {
    type: 'Normal',
    text: 'Service status change from %s to %s.',
    values: ['from', 'to'],
    guide: 4383,
    cause: 'A service comes to run, or is started, stopped or changed as asked.',
  },
  deploymentCreated: {
    type: 'Normal',
    text: 'Deployment [%s] created. Available instances: %s, target instances: %s, status change from %s to %s.',
    values: ['deployment', 'available', 'target', 'from', 'to'],
    guide: 4384,
    cause: 'A new deployment has all its instances.',
  },
} as const satisfies Record<string, ServiceEventText>;

/** The warnings (guide Table 1-53), in the guide's order. */
const WARNING_EVENTS = {
  noStartupProbe: {
    type: 'Warning',
    text: 'Deployment [%s] has no [Health Check > Startup Probe] configured, which will prevent the model loading process from being monitored. The service may display a Running status but fail to handle predictions because the model is still loading.',
    values: ['deployment'],
    guide: 4453,
    cause: 'A deployment has a unit without a startup probe.',
  },
  podsUnhealthy: {
    type: 'Warning',
    text: 'Checking the health status of some pods failed during the deployment [%s]. (Check the pod events for the cause.)',
    values: ['deployment'],
    guide: 4454,
    cause: 'A probe of a pod fails.',
  },
  podImagePullFailed: {
    type: 'Warning',
    text: 'Failed to pull the pod image in deployment [%s]. (Check the pod events for the cause.)',
    values: ['deployment'],
    guide: 4455,
    cause: 'The image of a pod does not exist, or may not be read.',
  },
  podStartFailed: {
    type: 'Warning',
    text: 'Failed to start the pod container in deployment [%s]. (Check the pod events for the cause.)',
    values: ['deployment'],
    guide: 4458,
    cause: 'A container does not start: wrong architecture, less memory than the weights need, or a bad boot command.',
  },
  podSchedulingFailed: {
    type: 'Warning',
    text: 'Pod scheduling failed in deployment [%s]. (Check the pod events for the cause.)',
    values: ['deployment'],
    guide: 4461,
    cause: 'The scheduler finds no node for a pod this time.',
  },
  podMountFailed: {
    type: 'Warning',
    text: 'Pod mounting failed during the deployment [%s]. Retrying... (Check the pod events for the cause.)',
    values: ['deployment'],
    guide: 4465,
    cause: 'A volume or a secret of a pod cannot be mounted.',
  },
  modelConfigurationFailed: {
    type: 'Warning',
    text: 'Model configuration loading failed for pods in service deployment unit [%s]. Retrying... Details: %s',
    values: ['unit', 'details'],
    guide: 4466,
    cause: "The check of a pod's init container fails; the details are a message of Table 1-54.",
  },
} as const satisfies Record<string, ServiceEventText>;

/** Every service event. */
export const SERVICE_EVENTS = { ...NORMAL_EVENTS, ...EXCEPTION_EVENTS, ...WARNING_EVENTS } as const;
