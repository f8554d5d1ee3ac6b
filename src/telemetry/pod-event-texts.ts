import type { PodEventText } from './event-text.ts';

/**
 * Pod events (guide Table 1-55), in the guide's order. The key is the platform's own word, the text its description;
 * what happened here goes behind it.
 */
export const POD_EVENTS = {
  SuccessfulCreate: {
    type: 'Normal',
    text: 'The container is created.',
    guide: 4493,
    cause: 'A pod has its node, image and volumes.',
  },
  Started: { type: 'Normal', text: 'The container is started.', guide: 4494, cause: 'A container starts.' },
  Scheduled: {
    type: 'Normal',
    text: 'The pod is scheduled to the node.',
    guide: 4495,
    cause: 'The scheduler finds a node for a pod.',
  },
  SuccessfulMountVolume: {
    type: 'Normal',
    text: 'The storage volume is mounted.',
    guide: 4496,
    cause: 'The volume with the model is mounted.',
  },
  Pulling: {
    type: 'Normal',
    text: 'The image is being pulled.',
    guide: 4497,
    cause: 'The node of a pod does not have its image.',
  },
  Pulled: {
    type: 'Normal',
    text: 'The image is pulled.',
    guide: 4498,
    cause: 'The image of a pod has arrived, or was there.',
  },
  Healthy: {
    type: 'Normal',
    text: 'The container is in the healthy state.',
    guide: 4499,
    cause: 'A probe of a container passes, for the first time or again.',
  },
  Killing: {
    type: 'Normal',
    text: 'The container is being terminated.',
    guide: 4500,
    cause: 'A pod ends, or its container is restarted.',
  },
  BackOffStart: {
    type: 'Alarm',
    text: 'The container fails to start.',
    guide: 4503,
    cause: 'A container does not start: wrong architecture, less memory than the weights need, or a bad boot command.',
  },
  CrashLoopBackOff: {
    type: 'Alarm',
    text: 'The container is repeatedly restarted and then breaks down.',
    guide: 4504,
    cause: 'A container that was restarted breaks down again, and waits before the next restart.',
  },
  FailedPullImage: {
    type: 'Alarm',
    text: 'Pulling the image failed.',
    guide: 4505,
    cause: 'The image of a pod does not exist, or may not be read.',
  },
  BackOffPullImage: {
    type: 'Alarm',
    text: 'The image fails to be pulled again.',
    guide: 4506,
    cause: 'A pull that failed is tried again and fails again.',
  },
  Unhealthy: { type: 'Alarm', text: 'The health check fails.', guide: 4507, cause: 'A probe of a pod fails.' },
  FailedScheduling: {
    type: 'Alarm',
    text: 'The pod cannot be scheduled to the node temporarily.',
    guide: 4510,
    cause: 'The scheduler finds no node for a pod this time.',
  },
  FailedMount: {
    type: 'Alarm',
    text: 'The storage volume fails to be mounted.',
    guide: 4511,
    cause: 'A volume or a secret of a pod cannot be mounted.',
  },
  InferInitContainerFailed: {
    type: 'Alarm',
    text: 'Infer init container checked failed, errcode: %s, errmsg: %s.',
    values: ['code', 'message'],
    guide: 4514,
    cause: "The check of a pod's init container fails; code and message are those of INIT_CONTAINER_ERRORS.",
  },
} as const satisfies Record<string, PodEventText>;
