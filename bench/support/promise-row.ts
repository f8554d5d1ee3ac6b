/** How a figure must stand to its target. */
export const COMPARATORS = {
  '<': (figure: number, target: number) => figure < target,
  '<=': (figure: number, target: number) => figure <= target,
  '=': (figure: number, target: number) => figure === target,
  '>=': (figure: number, target: number) => figure >= target,
  '>': (figure: number, target: number) => figure > target,
} as const;
export type Comparator = keyof typeof COMPARATORS;

/** A figure that the README, the docs or an issue's bar states. */
export interface PromiseRow {
  readonly name: string;
  /** What is measured, and how. */
  readonly measures: string;
  readonly target: readonly [Comparator, number];
  readonly unit: string;
  /** Takes seconds, and holds by far on a busy machine if it holds at all: CI measures it. */
  readonly quick: boolean;
  /** What anybody can run to see it. */
  readonly command: string;
  /** The figure. What it throws is why there is none; the promise does not hold then. */
  measure(): Promise<number>;
}

/** The command that shows a row which no other command shows. */
export const only = (name: string): string => `npm run promises -- --only ${name}`;
