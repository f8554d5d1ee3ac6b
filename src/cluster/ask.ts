import { assert } from '../kernel/index.ts';
import type { ResourceRequest } from './spec.ts';

/** A resource request in whole numbers, so that what is taken and given back adds up exactly. */
export interface Ask {
  /** Thousandths of a virtual core. */
  readonly cpu: number;
  /** MiB. */
  readonly memory: number;
  /** Whole devices. */
  readonly devices: number;
  /** Hundredths of one device more; 0 when whole devices are asked for. */
  readonly share: number;
}

/** A whole device, in the hundredths that shares are counted in. */
export const WHOLE = 100;
export const MILLICORES = 1_000;
export const MIB_PER_GIB = 1_024;

export function askOf({ cpu, memoryGiB, accelerators }: ResourceRequest): Ask {
  const share = accelerators < 1 ? Math.round(accelerators * WHOLE) : 0;
  const devices = accelerators < 1 ? 0 : accelerators;
  assert(cpu >= 0 && memoryGiB >= 0 && accelerators >= 0, 'a pod asks for less than nothing');
  assert(Number.isInteger(devices), () => `${accelerators} accelerators are neither whole nor a part of one`);
  assert(accelerators === 0 || devices + share > 0, () => `${accelerators} accelerators are less than a hundredth`);
  return {
    cpu: Math.round(cpu * MILLICORES),
    memory: Math.round(memoryGiB * MIB_PER_GIB),
    devices: share === WHOLE ? 1 : devices,
    share: share === WHOLE ? 0 : share,
  };
}

/** Whether two pods ask for the same. */
export function sameAsk(one: Ask, other: Ask): boolean {
  return (
    one.cpu === other.cpu && one.memory === other.memory && one.devices === other.devices && one.share === other.share
  );
}

/** The larger first: by accelerators, then by cores, then by memory. */
export function largerFirst(one: Ask, other: Ask): number {
  return (
    other.devices * WHOLE + other.share - (one.devices * WHOLE + one.share) ||
    other.cpu - one.cpu ||
    other.memory - one.memory
  );
}
