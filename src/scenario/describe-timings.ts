import { TIMINGS, type Timings } from '../platform/index.ts';
import { given } from './given.ts';
import type { Scenario } from './schema.ts';

/** The platform's timings with a scenario's own laid over them. */
export function timingsOf(entry: Scenario['timings']): Timings {
  const { imagePullGigabytesPerSecond: pull, storageGigabytesPerSecond: storage = {}, ...rest } = entry;
  const { diskGigabytesPerSecond: disk, detection = {}, ...durations } = rest;
  const bytes = (gigabytes: number | undefined, otherwise: number): number =>
    gigabytes === undefined ? otherwise : gigabytes * 1e9;
  const kinds = Object.keys(TIMINGS.storageBandwidth) as (keyof Timings['storageBandwidth'])[];
  return {
    ...TIMINGS,
    ...given(durations),
    imagePullBandwidth: bytes(pull, TIMINGS.imagePullBandwidth),
    diskBandwidth: bytes(disk, TIMINGS.diskBandwidth),
    storageBandwidth: Object.fromEntries(
      kinds.map((kind) => [kind, bytes(storage[kind], TIMINGS.storageBandwidth[kind])]),
    ) as Timings['storageBandwidth'],
    detection: { ...TIMINGS.detection, ...given(detection) },
  };
}
