/** Routing policies, one file each, by name. A new one is a file beside these, a row in this table and a name in the platform's list. */
import type { RoutingPolicyName } from '../../platform/index.ts';
import { CompositeLoad } from './composite-load.ts';
import { LeastConnections } from './least-connections.ts';
import { MinTtft } from './min-ttft.ts';
import type { ReplicaFigures, RoutedRequest, RoutingPolicy } from './policy.ts';
import { PrefixCacheAware } from './prefix-cache-aware.ts';
import { RoundRobin } from './round-robin.ts';
import { SloPriority } from './slo-priority.ts';
import { SourceIpHash } from './source-ip-hash.ts';

export { ReplicaBook } from './replica-book.ts';
export { enginePriority } from './slo-priority.ts';
export type { ReplicaFigures, RoutedRequest, RoutingPolicy };

/** The guide's six (3927-3942; in the contract ROUND_ROBIN, ORIGIN_IP_HASH, MIN_CONN, MIN_FIRST_TOKEN_TIME, COMPOSITE, SLO_BASED), and ours. */
export const ROUTING_POLICIES = {
  'round-robin': () => new RoundRobin(),
  'source-ip-hash': () => new SourceIpHash(),
  'least-connections': (figures: ReplicaFigures) => new LeastConnections(figures),
  'min-ttft': (figures: ReplicaFigures) => new MinTtft(figures),
  'composite-load': (figures: ReplicaFigures) => new CompositeLoad(figures),
  'slo-priority': (figures: ReplicaFigures) => new SloPriority(figures),
  'prefix-cache-aware': (figures: ReplicaFigures) => new PrefixCacheAware(figures),
} as const satisfies Record<RoutingPolicyName, (figures: ReplicaFigures) => RoutingPolicy>;
