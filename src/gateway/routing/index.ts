/** Routing policies, one file each, by name. A new one is a file beside these and a row in this table. */
import type { RoutingPolicy } from './policy.ts';
import { RoundRobin } from './round-robin.ts';

export type { RoutingPolicy };

export const ROUTING_POLICIES = {
  'round-robin': () => new RoundRobin(),
} as const satisfies Record<string, () => RoutingPolicy>;
