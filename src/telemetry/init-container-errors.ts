import type { EventOrigin } from './event-text.ts';

/** What an init container may find wrong before inference starts. */
export type InitContainerError = EventOrigin & {
  /** A code of ours: the guide prints `errcode: %s` (4514) and lists no codes. The prefix says whose it is. */
  readonly code: `InferLab.Init.${number}`;
  /** The guide has two wordings in a row: an explanation and, here, what the event prints. */
  readonly message: string;
  readonly guide: number;
};

/** Why a model configuration could not be loaded (guide Table 1-54), in the guide's order. */
export const INIT_CONTAINER_ERRORS = {
  unknown: {
    code: 'InferLab.Init.1001',
    message: 'An unknown error has occurred. Please try again later',
    guide: 4471,
    noCause: 'A simulated check always knows why it failed.',
  },
  obsSystemError: {
    code: 'InferLab.Init.1002',
    message:
      'A system-related error (such as disk full error, disk corruption, etc.) occurred during the OBS download process',
    guide: 4472,
    cause: 'The disk of the node fills up while a model is downloaded.',
  },
  obsDownloadError: {
    code: 'InferLab.Init.1003',
    message:
      'A download error (such as network issues, permission issues, etc.) occurred during the OBS download process',
    guide: 4475,
    cause: 'OBS cannot be reached, or refuses access, while a model is downloaded.',
  },
  obsDiskSpace: {
    code: 'InferLab.Init.1004',
    message: 'Insufficient disk space detected before downloading the OBS file',
    guide: 4476,
    cause: 'The disk of the node has less space than the model needs, before its download.',
  },
  warmupFileMissing: {
    code: 'InferLab.Init.1005',
    message: 'The model warmup file does not exist',
    guide: 4477,
    cause: 'A pod with a pre-warmed model lands where the model is not.',
  },
  warmupNotSuccessful: {
    code: 'InferLab.Init.1006',
    message: 'The model warmup task status is not successful',
    guide: 4478,
    cause: 'The warm-up task of a pre-warmed model is not over, or has failed.',
  },
  sfsTurboMountError: {
    code: 'InferLab.Init.1007',
    message:
      'An error occurred while mounting the SFS Turbo. Please check whether the related configurations are correct',
    guide: 4479,
    cause: "The SFS Turbo file system of a pod is not associated with the pool's network.",
  },
  sfsTurboAccessTimeout: {
    code: 'InferLab.Init.1008',
    message:
      'A timeout was detected while accessing the mount directory when mounting the SFS Turbo. Please try again later',
    guide: 4480,
    cause: 'The SFS Turbo file system of a pod does not answer.',
  },
} as const satisfies Record<string, InitContainerError>;
