/**
 * Where a pod's files come from, and the rules of mounting them (guide 3668-3890).
 */

/** Kinds of storage: object storage by bucket or as a parallel file system, SFS Turbo, or a model warmed up on nodes. */
export type StorageKind = 'obs' | 'obsfs' | 'sfs-turbo' | 'pre-warmed';

/** The weights that the engine loads (guide 3686-3703). `image`: they are part of the container image. */
export interface ModelStorageSpec {
  readonly kind: StorageKind | 'image';
  /** `obs://bucket/path/`, the SFS Turbo file system's name, or the warmed-up model's; none for `image`. */
  readonly address: string;
  readonly mountPath: string;
  /** Local storage acceleration: kept on the node, and found there after a restart (guide 3736). */
  readonly hostCache: boolean;
}

/** Something else that a unit mounts. */
export interface FileMountSpec {
  readonly kind: StorageKind;
  readonly address: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
}

/** Where a unit leaves what it makes: parallel file systems only (guide 417, 3715). */
export interface DumpSpec {
  readonly kind: 'obsfs';
  readonly address: string;
  readonly mountPath: string;
}

/** A secret that the pods of a deployment mount (guide 3792-3887). Its value never enters the core. */
export interface SecretSpec {
  readonly kind: 'custom' | 'dew';
  readonly name: string;
  readonly mountPath: string;
}

/** The most of each that a unit or a deployment mounts, with the guide's line; that of secrets is the contract's. */
export const MOUNT_LIMITS = {
  files: { most: 15, guide: 417 },
  dumps: { most: 10, guide: 417 },
  sfsTurbo: { most: 8, guide: 3779 },
  secrets: { most: 30, guide: undefined },
} as const;

/** Longest mount paths, as printed for each kind (guide 3761, 3786, 3827). */
export const MOUNT_PATH_LENGTH: Readonly<Record<StorageKind | 'secret', number>> = {
  obs: 1024,
  obsfs: 1024,
  'sfs-turbo': 1024,
  'pre-warmed': 255,
  secret: 255,
};

/** Local storage acceleration wants a data disk of more than this (guide 3738, 3764). */
export const HOST_CACHE_DISK_GIB = 1024;

/** From these versions on, mounts of object storage need no access keys (guide 433). */
export const TEMPORARY_CREDENTIALS = { everest: '2.4.204', cluster: '1.28' } as const;

/** Whether one mount path is the other, or lies within it. */
export function pathsClash(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => `${path.replace(/\/+$/, '')}/`) as [string, string];
  return a.startsWith(b) || b.startsWith(a);
}

/** Compares versions such as "2.4.204": negative when `one` comes first. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => text.replace(/^v/, '').split('.').map(Number)) as [number[], number[]];
  for (let part = 0; part < Math.max(a.length, b.length); part++) {
    const difference = (a[part] ?? 0) - (b[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
