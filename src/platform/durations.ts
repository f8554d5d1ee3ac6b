import { fromSeconds } from '../kernel/index.ts';

/**
 * What a pod's way to service takes, where the platform's documents give no figure. All are assumed, from the
 * order of size that such clusters show; a later version lets a scenario set them.
 */

/** Image registry to node, bytes per second: a shared 10 Gbit/s link at a fifth of its rate. */
export const IMAGE_PULL_BANDWIDTH = 250e6;
/** Mounting the model's volume. */
export const MOUNT_TIME = fromSeconds(1);
/** Creating and starting a container. */
export const CONTAINER_START_TIME = fromSeconds(2);
/** Weights from shared storage to device memory, bytes per second and pod: SFS Turbo's order of size. */
export const MODEL_LOAD_BANDWIDTH = 1e9;
/** Interpreter, device runtime, memory profiling and graph capture of an engine. */
export const ENGINE_BOOT_TIME = fromSeconds(35);
/** A pod that found no node is tried again this often, and whenever resources become free. */
export const RESCHEDULE_PERIOD = fromSeconds(10);
