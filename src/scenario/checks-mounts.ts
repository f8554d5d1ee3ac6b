import { suggestion } from '../kernel/index.ts';
import { HOST_CACHE_DISK_GIB, MOUNT_LIMITS, pathsClash } from '../platform/index.ts';
import type { NodePool, Pool } from './pools.ts';
import type { DeploymentEntry, UnitEntry } from './schema.ts';
import type { Path, Tell } from './tell.ts';

/** What makes the storage that a unit mounts, and the secrets, unsound (guide 3668-3890). */

/** Something mounted, and where it is stated. */
interface Mount {
  readonly kind: string;
  readonly address: string;
  readonly mountPath: string;
  readonly at: Path;
}

/** Directories of an image (Filesystem Hierarchy Standard); a secret is mounted on a new one (guide 3827). */
const SYSTEM = [
  ...['bin', 'boot', 'dev', 'etc', 'home', 'lib', 'lib64', 'media', 'mnt', 'opt', 'proc', 'root', 'run', 'sbin', 'srv'],
  ...['sys', 'tmp', 'usr', 'usr/bin', 'usr/lib', 'usr/local', 'usr/sbin', 'usr/share', 'var', 'var/lib', 'var/log'],
].map((directory) => `/${directory}/`);

/** Storage of these kinds is in dedicated pools only (guide 3702-3703). */
const DEDICATED = { 'sfs-turbo': 'SFS Turbo is', 'pre-warmed': 'pre-warmed models are' } as const;

/** @param path of the unit */
export function checkMounts(unit: UnitEntry, pool: Pool, nodePools: readonly NodePool[], path: Path, tell: Tell): void {
  const mounts = mountsOf(unit, path);
  checkPaths(mounts, tell);
  checkDumps(unit, mounts, path, tell);
  checkSfsTurbo(mounts, pool, tell);
  for (const { kind, at } of mounts) {
    if (pool.entry.type !== 'public' || !Object.hasOwn(DEDICATED, kind)) continue;
    const what = DEDICATED[kind as keyof typeof DEDICATED];
    tell([...at, 'kind'], `pool "${pool.name}" is public, and ${what} in dedicated pools only`);
  }
  const { storage } = unit;
  const small = nodePools.find(({ diskGiB }) => diskGiB !== undefined && diskGiB <= HOST_CACHE_DISK_GIB);
  if ('hostCache' in storage && storage.hostCache && small !== undefined) {
    tell(
      [...path, 'storage', 'hostCache'],
      `nodes of "${small.name}" have a data disk of ${small.diskGiB} GiB; expected more than ${HOST_CACHE_DISK_GIB} GiB`,
    );
  }
}

/** @param path of the deployment */
export function checkSecrets({ secrets, units }: DeploymentEntry, path: Path, tell: Tell): void {
  const mounted = secrets.map((secret, index) => ({ ...secret, address: '', at: [...path, 'secrets', index] }));
  checkPaths(mounted, tell);
  for (const { mountPath, at } of mounted) {
    if (SYSTEM.includes(mountPath)) {
      tell([...at, 'mountPath'], `"${mountPath}" is a directory of the system; expected a new one`);
    }
    const mount = units
      .flatMap((unit, index) => mountsOf(unit, [...path, 'units', index]))
      .find((each) => pathsClash(each.mountPath, mountPath));
    if (mount !== undefined) tellClash({ mountPath, at }, mount, tell);
  }
}

/** A pre-warmed model has the mount path of the deployment's other model sources (guide 3786). @param path of the deployment */
export function checkModelPaths({ units }: DeploymentEntry, path: Path, tell: Tell): void {
  const sources = units.flatMap(({ storage }, index) => (storage.kind === 'image' ? [] : [{ ...storage, index }]));
  const warm = sources.find(({ kind }) => kind === 'pre-warmed');
  for (const { mountPath, index } of sources) {
    if (warm === undefined || mountPath === warm.mountPath) continue;
    const message = `got "${mountPath}", but the pre-warmed model is mounted at "${warm.mountPath}"; all models are at one path`;
    tell([...path, 'units', index, 'storage', 'mountPath'], message);
  }
}

function mountsOf({ storage, files, dumps }: UnitEntry, path: Path): Mount[] {
  return [
    ...(storage.kind === 'image' ? [] : [{ ...storage, at: [...path, 'storage'] }]),
    ...files.map((file, index) => ({ ...file, at: [...path, 'files', index] })),
    ...dumps.map((dump, index) => ({ ...dump, at: [...path, 'dumps', index] })),
  ];
}

/** No path is another, or lies within it (guide 3734, 3780, 3827). */
function checkPaths(mounts: readonly Mount[], tell: Tell): void {
  for (const [index, mount] of mounts.entries()) {
    const other = mounts.slice(0, index).find(({ mountPath }) => pathsClash(mountPath, mount.mountPath));
    if (other !== undefined) tellClash(mount, other, tell);
  }
}

function tellClash({ mountPath, at }: Pick<Mount, 'mountPath' | 'at'>, other: Mount, tell: Tell): void {
  const within = other.at.findLastIndex((step) => step === 'units' || step === 'secrets');
  const where = `${other.at.slice(within).join('.')} is mounted at "${other.mountPath}"`;
  tell([...at, 'mountPath'], `got "${mountPath}", but ${where}: paths may not be the same or within each other`);
}

/** Dumps share no bucket or file system with the model or with files (guide 417). */
function checkDumps({ dumps }: UnitEntry, mounts: readonly Mount[], path: Path, tell: Tell): void {
  const inUse = mounts.slice(0, mounts.length - dumps.length).filter(({ kind }) => kind === 'obs' || kind === 'obsfs');
  for (const [index, { address }] of dumps.entries()) {
    const shared = inUse.find((mount) => bucketOf(mount.address) === bucketOf(address));
    if (shared === undefined) continue;
    const whose = shared.at.at(-1) === 'storage' ? 'the model' : 'files';
    const message = `bucket "${bucketOf(address)}" is mounted for ${whose} too; a dump has one of its own`;
    tell([...path, 'dumps', index, 'address'], message);
  }
}

function bucketOf(address: string): string {
  return address.split('/')[2]!;
}

/** File systems are associated with the pool, and mounted once, at most eight of them (guide 3768, 3776-3779). */
function checkSfsTurbo(mounts: readonly Mount[], { name, entry }: Pool, tell: Tell): void {
  const systems = mounts.filter(({ kind }) => kind === 'sfs-turbo');
  for (const [index, { address, at }] of systems.entries()) {
    if (entry.type === 'dedicated' && !entry.sfsTurbo.includes(address)) {
      const hint = suggestion(address, entry.sfsTurbo) || '; it has none';
      tell([...at, 'address'], `no file system "${address}" is associated with pool "${name}"${hint}`);
    }
    if (systems.findIndex((other) => other.address === address) < index) {
      tell([...at, 'address'], `"${address}" is mounted already; a file system is mounted once`);
    }
    if (index === MOUNT_LIMITS.sfsTurbo.most) {
      tell(at, `got ${systems.length} file systems, expected at most ${MOUNT_LIMITS.sfsTurbo.most}`);
    }
  }
}
