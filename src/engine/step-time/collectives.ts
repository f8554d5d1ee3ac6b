/**
 * What the devices of a group say to one another, counted for each device. Groups are laid out as vLLM lays out ranks:
 * tensor-parallel devices side by side, stages one after the other, so that a group crosses nodes only when it is
 * larger than one. (vLLM's documents advise tensor parallelism within a node and stages over nodes.)
 */
export interface Traffic {
  /** Over the node's link, and over the network to other nodes, in units of the payload. */
  readonly inside: number;
  readonly across: number;
  /** Messages over the network that wait for one another. */
  readonly hops: number;
}

/** @param perNode the group's engine has so many devices on each node */
export function nodesOf(devices: number, perNode: number): number {
  return Math.max(1, Math.ceil(devices / perNode));
}

/**
 * A ring moves 2(n-1)/n of the payload through each of n devices (nccl-tests, PERFORMANCE.md). Over m nodes it is
 * hierarchical, as HCCL ("Hierarchical Communication Principles") and BlueConnect (Cho et al., MLSys 2019) have it:
 * reduce-scatter in the node, all-reduce of each device's n-th part with its likes on other nodes, all-gather in the
 * node. The way up and down NCCL's tree over the nodes takes 2 log2 m messages.
 */
export function allReduce(devices: number, nodes: number): Traffic {
  const here = devices / nodes;
  return {
    inside: 2 * ((here - 1) / here),
    across: (2 * ((nodes - 1) / nodes)) / here,
    hops: 2 * Math.ceil(Math.log2(nodes)),
  };
}

/**
 * A token goes to `topK` experts, drawn evenly: over the network once to every other node that has one of them, and on
 * from there over the link, as DeepSeek-V3 (3.2.2) sends them.
 */
export function expertExchange(topK: number, nodes: number): Traffic {
  return { inside: topK, across: (nodes - 1) * (1 - (1 - 1 / nodes) ** topK), hops: nodes > 1 ? 1 : 0 };
}
