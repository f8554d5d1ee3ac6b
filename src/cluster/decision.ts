import type { Node } from './node.ts';

/** Where the pods of a gang go, or why they go nowhere. Nothing is held yet. */
export interface GangDecision {
  /** One for each pod, in order; undefined when the gang goes nowhere. */
  readonly nodes: readonly Node[] | undefined;
  /** The accelerators of each pod on its node; empty when the gang goes nowhere. */
  readonly accelerators: readonly (readonly number[])[];
  /** One sentence for an event. */
  readonly why: string;
  /**
   * Node by node, for people, as it was when the decision was made: all nodes when the gang goes nowhere, else all
   * of a small pool ({@link EXPLAINED_NODES}) and the chosen ones of a large one. Of a gang it is the verdict on the
   * first pod that was placed, or on the one that fits nowhere.
   */
  explain(): readonly NodeVerdict[];
}

export interface NodeVerdict {
  readonly node: string;
  /** What filtered it out. */
  readonly refused?: string;
  /** By criterion, in order of precedence. */
  readonly score?: Readonly<Record<string, number>>;
  /** Pods of the gang that it gets. */
  readonly chosen: number;
}

/** In larger pools scores are not kept beyond the decision. */
export const EXPLAINED_NODES = 200;
