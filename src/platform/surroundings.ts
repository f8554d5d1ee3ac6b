import type { DeploymentSpec } from './spec.ts';
import type { StorageKind } from './storage.ts';

/** What pods need from outside the pools, and how it fares: registry, storage, secrets. Faults change it. */
export class Surroundings {
  /** Storage that cannot be reached. */
  readonly storageDown = new Set<StorageKind>();
  /** How many times as long storage takes. */
  readonly storageSlowdown = new Map<StorageKind, number>();
  readonly missingImages = new Set<string>();
  /** How many times as long a pull takes. */
  registrySlowdown = 1;
  readonly deletedSecrets = new Set<string>();

  slowdownOf(kind: StorageKind | 'image'): number {
    return kind === 'image' ? 1 : (this.storageSlowdown.get(kind) ?? 1);
  }

  /** A DEW secret that a deployment mounts and that is not there (any more). */
  missingSecret({ secrets }: DeploymentSpec): string | undefined {
    return secrets.find(({ kind, name }) => kind === 'dew' && this.deletedSecrets.has(name))?.name;
  }

  isDown(kind: StorageKind | 'image'): boolean {
    return kind !== 'image' && this.storageDown.has(kind);
  }
}
