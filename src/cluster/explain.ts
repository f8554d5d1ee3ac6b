import type { GangDecision, NodeVerdict } from './decision.ts';
import { countedReasons, isTainted, reasons } from './filters.ts';
import type { Node } from './node.ts';
import type { Criterion, Scene } from './scores.ts';

/** How a pod's candidates stood at one moment, in numbers: words are made of them only when somebody asks. */
export interface Standing {
  readonly nodes: readonly Node[];
  /** What refuses the pod, node by node; 0 for nothing. */
  readonly refusals: Uint16Array;
  readonly taintKeys: ReadonlyMap<number, readonly string[]>;
  readonly criteria: readonly Criterion[];
  /** Figures of one node after the other. */
  readonly scores: Float64Array;
}

export function standing(
  nodes: readonly Node[],
  refusal: (row: number) => number,
  criteria: readonly Criterion[],
  scene: Scene,
): Standing {
  const refusals = Uint16Array.from(nodes, ({ row }) => refusal(row));
  const scores = new Float64Array(nodes.length * criteria.length);
  const taintKeys = new Map<number, readonly string[]>();
  for (const [index, { row, taints }] of nodes.entries()) {
    if (isTainted(refusals[index]!))
      taintKeys.set(
        index,
        taints.map(({ key }) => key),
      );
    if (refusals[index] !== 0) continue;
    for (const [nth, { of }] of criteria.entries()) scores[index * criteria.length + nth] = of(scene)[row]!;
  }
  return { nodes, refusals, taintKeys, criteria, scores };
}

/** The decision that a gang goes nowhere, as the first pod without a place found the nodes. */
export function refusedDecision(at: Standing, placed: number, pods: number): GangDecision {
  const { nodes, refusals, taintKeys } = at;
  const counted = countedReasons([...refusals], [...taintKeys.values()].flat());
  const some = pods > 1 ? `; ${placed} of the gang's ${pods} pods would fit` : '';
  const why = `0/${nodes.length} nodes are available${counted === '' ? '' : `: ${counted}`}${some}.`;
  return { nodes: undefined, accelerators: [], why, explain: () => verdicts(at, new Map()) };
}

/** Verdicts on nodes as they stood. */
export function verdicts(
  { nodes, refusals, taintKeys, criteria, scores }: Standing,
  chosen: ReadonlyMap<Node, number>,
): readonly NodeVerdict[] {
  return nodes.map((node, index): NodeVerdict => {
    const verdict = { node: node.name, chosen: chosen.get(node) ?? 0 };
    const refusal = refusals[index]!;
    if (refusal !== 0) return { ...verdict, refused: reasons(refusal, taintKeys.get(index) ?? []).join(', ') };
    const score = criteria.map(({ name }, nth) => [name, scores[index * criteria.length + nth]!] as const);
    return { ...verdict, score: Object.fromEntries(score) };
  });
}

/** How many pods of a gang each node gets. */
export function podsByNode(nodes: readonly Node[]): Map<Node, number> {
  const counts = new Map<Node, number>();
  for (const node of nodes) counts.set(node, (counts.get(node) ?? 0) + 1);
  return counts;
}

/** Verdicts on the chosen nodes alone: all that is known of a large pool. */
export function choices(nodes: readonly Node[]): readonly NodeVerdict[] {
  return [...podsByNode(nodes)].map(([{ name }, chosen]) => ({ node: name, chosen }));
}
