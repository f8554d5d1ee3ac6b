import type { DeploymentSpec } from './spec.ts';

/** The most versions that a deployment keeps. Assumed: the guide speaks of a maximum without a figure (3197). */
export const MOST_VERSIONS = 20;

/** The version after one: 1.0.0, 1.0.1, ... 1.0.99, 1.1.0, up to 99.99.99 (the contract's range). */
export function nextVersion(number: string): string {
  const parts = number.split('.').map(Number) as [number, number, number];
  for (let place = 2; place >= 0; place--) {
    if (parts[place]! < 99) {
      parts[place]!++;
      break;
    }
    parts[place] = 0;
  }
  return parts.join('.');
}

/**
 * Whether a change makes instances anew: all but what only describes the deployment, says what traffic it gets and how it
 * spreads it, or how it scales by itself, does (guide 3179). The number of instances is one of the resource settings.
 */
export function needsRollout(from: DeploymentSpec, to: DeploymentSpec): boolean {
  return essence(from) !== essence(to);
}

function essence(spec: DeploymentSpec): string {
  const { description: _, weight: _w, mirror: _m, routing: _r, scaling: _s, ...rest } = spec;
  return JSON.stringify(rest, sorted);
}

/** Whoever writes the same settings in another order has not changed them. */
function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
