import { TIMINGS, type Timings } from '../platform/index.ts';
import { given } from './given.ts';
import type { Scenario } from './schema.ts';

const GIGABYTE = 1e9;

/** What a scenario says of timings, laid over those of the platform. */
export function timingsOf(entry: Scenario['timings']): Timings {
  const {
    imagePullGigabytesPerSecond: pull,
    storageGigabytesPerSecond: storage = {},
    diskGigabytesPerSecond: disk,
    detection = {},
    ...durations
  } = entry;
  const rates = Object.entries(given(storage)).map(([kind, rate]) => [kind, rate * GIGABYTE]);
  return {
    ...TIMINGS,
    ...given(durations),
    ...given({ imagePullBandwidth: pull && pull * GIGABYTE, diskBandwidth: disk && disk * GIGABYTE }),
    storageBandwidth: { ...TIMINGS.storageBandwidth, ...Object.fromEntries(rates) },
    detection: { ...TIMINGS.detection, ...given(detection) },
  };
}
