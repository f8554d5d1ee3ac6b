import { GIB } from '../catalog/index.ts';
import type { Cluster } from '../cluster/index.ts';
import { weightBytes } from '../engine/index.ts';
import type { INIT_CONTAINER_ERRORS } from '../telemetry/index.ts';
import { isApplication, statusOfGet } from './application.ts';
import type { Timings } from './durations.ts';
import type { Pod } from './pod.ts';
import type { ProbeAnswer, ProbeSpec } from './probes.ts';
import type { AnyUnitSpec } from './spec.ts';
import { unitCheckpoint } from './step-time.ts';
import { compareVersions, type ModelStorageSpec, TEMPORARY_CREDENTIALS } from './storage.ts';
import type { Surroundings } from './surroundings.ts';

/** What a pod finds on its way to running: what stands against each stage, and how long the stage takes. */

type InitError = keyof typeof INIT_CONTAINER_ERRORS;

/** Runs a shutdown command (guide 3966). */
const SHELL = 'sh';

/** What a mount of storage that is out of reach says. */
const DOWN: Readonly<Record<ModelStorageSpec['kind'], string>> = {
  obs: 'Object storage (obs) cannot be reached.',
  obsfs: 'The parallel file system (obsfs) cannot be reached.',
  'sfs-turbo': 'The SFS Turbo file system does not answer.',
  'pre-warmed': 'The warmed-up models cannot be read.',
  image: '',
};

/** An application has no weights. */
export function weightGiB(unit: AnyUnitSpec): number {
  return isApplication(unit) ? 0 : weightBytes(unit.model, unitCheckpoint(unit)) / GIB;
}

/** Each pod of an engine of several loads its share of the weights. */
function shareGiB(pod: Pod): number {
  return weightGiB(pod.unit) / pod.replica.leader.group.length;
}

/** Why the image cannot be pulled; undefined if it can (guide 4458). */
export function pullProblem(pod: Pod, { missingImages }: Surroundings): string | undefined {
  const { image } = pod.unit;
  if (image.unavailable === 'denied') return `${image.name}: this account may not read it.`;
  if (image.unavailable === 'missing' || missingImages.has(image.name)) return `${image.name}: not found.`;
  return undefined;
}

/** Microseconds of pulling the image. */
export function pullMicros(pod: Pod, timings: Timings, { registrySlowdown }: Surroundings): number {
  return ((pod.unit.image.sizeGiB * GIB * 1e6) / timings.imagePullBandwidth) * registrySlowdown;
}

/** Whether an init container has work: files come to the node's disk, or are looked for there (guide 3736, 3678). */
export function needsInit({ unit }: Pod): boolean {
  return unit.storage.hostCache || unit.storage.kind === 'pre-warmed';
}

/** Whether the model's files are on the node's disk already (guide 3736). */
export function hasFiles(pod: Pod): boolean {
  const { kind, address } = pod.unit.storage;
  const { node } = pod.placement!;
  return kind === 'pre-warmed' ? node.warmModels.has(address) : node.hasCached(address);
}

/** What the init container finds wrong before it begins (guide 4468-4480). */
export function initProblem(pod: Pod, cluster: Cluster, around: Surroundings): InitError | undefined {
  const { kind, address } = pod.unit.storage;
  if (kind === 'pre-warmed') {
    if (around.isDown(kind)) return 'warmupNotSuccessful';
    return hasFiles(pod) ? undefined : 'warmupFileMissing';
  }
  if (hasFiles(pod)) return undefined;
  if (kind === 'sfs-turbo') {
    if (!isAssociated(pod, address, cluster)) return 'sfsTurboMountError';
    if (around.isDown(kind)) return 'sfsTurboAccessTimeout';
  } else if (around.isDown(kind) || !hasCredentials(pod, cluster, around)) {
    return 'obsDownloadError';
  }
  // Of SFS Turbo the guide has no such error: that of object storage says it best.
  return pod.placement!.node.diskFreeGiB < weightGiB(pod.unit) ? 'obsDiskSpace' : undefined;
}

/** Microseconds until the model's files are on the node's disk. */
export function downloadMicros(pod: Pod, timings: Timings, around: Surroundings): number {
  const { kind } = pod.unit.storage;
  if (hasFiles(pod)) return 0;
  return ((weightGiB(pod.unit) * GIB * 1e6) / timings.storageBandwidth[kind]) * around.slowdownOf(kind);
}

/** Why a volume cannot be mounted now; undefined if all can. A model that is on the node's disk is mounted from there. */
export function mountProblem(pod: Pod, cluster: Cluster, around: Surroundings): string | undefined {
  const { unit, instance } = pod;
  const mounts = [...(needsInit(pod) ? [] : [unit.storage]), ...unit.files, ...unit.dumps];
  for (const { kind, name } of instance.version.spec.secrets) {
    // Guide 3828: so does a restart fail.
    if (kind === 'dew' && around.deletedSecrets.has(name)) return `The DEW secret "${name}" does not exist.`;
  }
  for (const { kind, address } of mounts) {
    if (kind === 'sfs-turbo' && !isAssociated(pod, address, cluster)) {
      return 'The SFS Turbo file system is not associated with the pool.';
    }
    if (kind === 'pre-warmed' && !pod.placement!.node.warmModels.has(address)) {
      return `${address} is not warmed up on ${pod.placement!.node.name}.`;
    }
    if ((kind === 'obs' || kind === 'obsfs') && !hasCredentials(pod, cluster, around)) {
      return `No access keys for ${kind}: the pool needs a DEW secret.`;
    }
    if (around.isDown(kind)) return DOWN[kind];
  }
  return undefined;
}

/** Guide 433: from Everest 2.4.204 and Kubernetes 1.28 on credentials are temporary; below, a DEW secret holds them. */
function hasCredentials(pod: Pod, cluster: Cluster, around: Surroundings): boolean {
  const { everestVersion, clusterVersion } = cluster.pool(pod.instance.version.spec.pool).spec;
  const temporary =
    compareVersions(everestVersion ?? TEMPORARY_CREDENTIALS.everest, TEMPORARY_CREDENTIALS.everest) >= 0 &&
    compareVersions(clusterVersion ?? TEMPORARY_CREDENTIALS.cluster, TEMPORARY_CREDENTIALS.cluster) >= 0;
  const { storageSecret } = pod.instance.version.spec;
  return temporary || (storageSecret !== undefined && !around.deletedSecrets.has(storageSecret));
}

/** Whether a file system is associated with the network of the pod's pool (guide 3768, 3781). */
function isAssociated(pod: Pod, address: string, cluster: Cluster): boolean {
  return cluster.pool(pod.instance.version.spec.pool).spec.sfsTurbo?.includes(address) === true;
}

/** Why the container does not start (guide 4459-4460, 4503); undefined if it does. */
export function startProblem(pod: Pod): string | undefined {
  const { unit, instance } = pod;
  const { image, storage, resources } = unit;
  const { node, accelerators } = pod.placement!;
  if (image.arch !== undefined && image.arch !== node.arch) {
    return `the image is for ${image.arch}, the node is ${node.arch}.`;
  }
  if (image.failsToStart === true) return 'the boot command failed.';
  if (image.multiRole === false && instance.version.spec.mode !== 'basic') {
    return 'the image is not made for several roles.';
  }
  const needed = shareGiB(pod);
  if (storage.kind !== 'image' && resources.memoryGiB <= needed) {
    return `memory of ${resources.memoryGiB} GiB is not above the mounted weights' ${needed.toFixed(1)} GiB.`;
  }
  const broken = accelerators.find((index) => !node.healthy(index));
  return broken === undefined ? undefined : `accelerator ${broken} of ${node.name} is faulty.`;
}

/**
 * Microseconds from the engine's containers all running to its model being loaded. Simplified: storage that fails or
 * slows down meanwhile changes nothing for who has begun to read.
 */
export function loadMicros(pod: Pod, timings: Timings, around: Surroundings): number {
  const { kind } = pod.unit.storage;
  const bytes = shareGiB(pod) * GIB;
  const local = needsInit(pod);
  const bandwidth = local ? timings.diskBandwidth : timings.storageBandwidth[kind];
  const slowdown = local ? 1 : around.slowdownOf(kind);
  const negotiation = pod.replica.leader.group.length > 1 ? timings.rankTable : 0;
  const boot = pod.unit.application?.startup ?? timings.engineBoot;
  return negotiation + boot + Math.round(((bytes * 1e6) / bandwidth) * slowdown);
}

/** What a probe of a running container hears. A command that is not there fails whatever the process does. */
export function answerTo({ check }: ProbeSpec, pod: Pod): ProbeAnswer {
  const { image } = pod.unit;
  const { leader } = pod.replica;
  if (check.kind === 'command' && !hasTool(image.tools, programOf(check.command))) return 'not-found';
  if (pod.stale || leader.hangs) return 'silent';
  if (!leader.loaded) return 'refused';
  if (check.kind === 'http' && isApplication(pod.unit)) {
    const status = statusOfGet(pod.unit.application, check.path);
    if (status < 200 || status > 399) return status;
  }
  if (check.kind === 'http' && image.healthPaths !== undefined && !image.healthPaths.includes(check.path)) {
    return 'not-found';
  }
  return 'healthy';
}

/** Whether the image has what its shutdown command needs (guide 3966). */
export function canShutDown({ unit }: Pod): boolean {
  const command = unit.gracefulShutdown?.command;
  const { tools } = unit.image;
  return command === undefined || (hasTool(tools, SHELL) && hasTool(tools, programOf(command)));
}

function programOf(command: string): string {
  return command.trim().split(/\s+/)[0]!;
}

function hasTool(tools: readonly string[] | undefined, tool: string): boolean {
  return tools === undefined || tools.includes(tool);
}
