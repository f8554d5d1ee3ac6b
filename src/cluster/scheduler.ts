import type { Node } from './node.ts';
import type { ResourceRequest } from './spec.ts';

/** A pod looking for a node. */
export interface PlacementRequest {
  readonly resources: ResourceRequest;
  /** Pods of the same deployment are spread over nodes. */
  readonly isSibling: (pod: string) => boolean;
}

/** Where a pod goes, or why it goes nowhere; `why` is for people. */
export type PlacementDecision =
  | { readonly node: Node; readonly why: string }
  | { readonly node: undefined; readonly why: string };

/** Why a node cannot take a pod, in the scheduler's own words; undefined if it can. */
type Filter = (node: Node, request: PlacementRequest) => string | undefined;

const FILTERS: readonly Filter[] = [
  (node, { resources }) => (node.cpuFree < resources.cpu ? 'insufficient cpu' : undefined),
  (node, { resources }) => (node.memoryFreeGiB < resources.memoryGiB ? 'insufficient memory' : undefined),
  (node, { resources }) => (node.acceleratorsFree < resources.accelerators ? 'insufficient accelerators' : undefined),
];

/**
 * Chooses a node for a pod by the high-availability policy (guide 3505): among the nodes that can take it, the one
 * with the fewest pods of the same deployment, then the one with the most free accelerators, then the first.
 */
export function choosePlacement(nodes: readonly Node[], request: PlacementRequest): PlacementDecision {
  const refusals = new Map<string, number>();
  let best: { node: Node; siblings: number } | undefined;
  let fitting = 0;
  for (const node of nodes) {
    const reasons = FILTERS.map((filter) => filter(node, request)).filter((reason) => reason !== undefined);
    for (const reason of reasons) refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
    if (reasons.length > 0) continue;
    fitting++;
    const siblings = [...node.pods].filter(request.isSibling).length;
    if (
      best === undefined ||
      siblings < best.siblings ||
      (siblings === best.siblings && node.acceleratorsFree > best.node.acceleratorsFree)
    ) {
      best = { node, siblings };
    }
  }
  if (best === undefined) {
    const reasons = [...refusals].map(([reason, count]) => `${count} ${reason}`).join(', ');
    return { node: undefined, why: `0/${nodes.length} nodes are available: ${reasons}.` };
  }
  const { node, siblings } = best;
  return {
    node,
    why: `${fitting}/${nodes.length} nodes fit; ${node.name} holds ${siblings} pods of the deployment and has ${node.acceleratorsFree} accelerators free.`,
  };
}
