import type { EvidenceTier } from '../catalog/index.ts';
import { percentile } from '../telemetry/index.ts';
import { groupedBy } from './grouping.ts';

/** What published tables measure, and an error is taken of. */
export const METRICS = ['ttft', 'ttft_p99', 'tpot', 'e2e', 'throughput', 'rate'] as const;
export type Metric = (typeof METRICS)[number];

/** Values by metric: milliseconds; throughput in output tokens, rate in requests per second and device. */
export type Values = { readonly [metric in Metric]?: number };

/** One published number beside what the engine says. */
export interface Comparison {
  readonly table: string;
  readonly group: string;
  readonly id: string;
  readonly tier: EvidenceTier;
  readonly measured: Values;
  readonly predicted: Values;
  /** TPOT MAPE in per cent of the fit behind it, over rows that the fit had not seen. */
  readonly heldOut?: number;
  /** What the table does not say of the configuration, so that the prediction rests on an assumption. */
  readonly unknown?: string;
  /** What rows are summed up by besides their group. */
  readonly tags: readonly string[];
}

/** Errors over some rows, in per cent of the measured value; `bias` is the mean signed error. */
export interface ErrorFigures {
  readonly n: number;
  readonly mape: number;
  readonly medianApe: number;
  readonly p90Ape: number;
  readonly bias: number;
}

/** A line of `inferlab fidelity --json`. */
export interface FidelityFigures extends ErrorFigures {
  readonly table: string;
  readonly group: string;
  readonly metric: string;
  readonly tier: EvidenceTier;
}

/** @returns undefined where there is no row */
export function errorFigures(signedErrors: readonly number[]): ErrorFigures | undefined {
  if (signedErrors.length === 0) return undefined;
  const absolute = Float64Array.from(signedErrors, Math.abs).sort();
  const mean = (values: Iterable<number>): number => {
    let sum = 0;
    for (const value of values) sum += value;
    return (100 * sum) / signedErrors.length;
  };
  return {
    n: signedErrors.length,
    mape: mean(absolute),
    medianApe: 100 * percentile(absolute, 50),
    p90Ape: 100 * percentile(absolute, 90),
    bias: mean(signedErrors),
  };
}

/** Predicted over measured, less one, of each row that has both. */
export function signedErrors(comparisons: Iterable<Comparison>, metric: Metric): number[] {
  const errors: number[] = [];
  for (const { measured, predicted } of comparisons) {
    const truth = measured[metric];
    const guess = predicted[metric];
    if (truth !== undefined && guess !== undefined && truth > 0) errors.push(guess / truth - 1);
  }
  return errors;
}

/** The figures of some rows under one name, a line a metric that they have. */
export function figuresOf(table: string, group: string, rows: readonly Comparison[]): FidelityFigures[] {
  return METRICS.flatMap((metric) => {
    const figures = errorFigures(signedErrors(rows, metric));
    return figures === undefined ? [] : [{ table, group, metric, ...figures, tier: leastTier(rows) }];
  });
}

/** Figures of a table: each group in order of name, then everything, then by what is known of the configuration. */
export function tableFigures(table: string, rows: readonly Comparison[]): FidelityFigures[] {
  const groups = groupedBy(rows, ({ group }) => group);
  const figures = [...groups.keys()].sort().flatMap((group) => figuresOf(table, group, groups.get(group)!));
  const tags = [...new Set(rows.flatMap((row) => row.tags))].sort();
  for (const tag of tags) {
    const tagged = rows.filter((row) => row.tags.includes(tag));
    figures.push(...figuresOf(table, `all ${tag}`, tagged));
    figures.push(...byKnowledge(table, `all ${tag}`, tagged));
  }
  figures.push(...figuresOf(table, 'all', rows), ...byKnowledge(table, 'all', rows));
  return figures;
}

function byKnowledge(table: string, name: string, rows: readonly Comparison[]): FidelityFigures[] {
  const unknown = rows.filter((row) => row.unknown !== undefined);
  if (unknown.length === 0) return [];
  const known = rows.filter((row) => row.unknown === undefined);
  return [
    ...figuresOf(table, `${name}, configuration known`, known),
    ...figuresOf(table, `${name}, configuration unknown`, unknown),
  ];
}

/** The fits' own held-out TPOT error over these rows: every row counts with its group's; undefined where none is fitted. */
export function heldOutMape(rows: readonly Comparison[]): { readonly n: number; readonly mape: number } | undefined {
  const known = rows.flatMap(({ heldOut }) => (heldOut === undefined ? [] : [heldOut]));
  if (known.length === 0) return undefined;
  return { n: known.length, mape: known.reduce((sum, mape) => sum + mape, 0) / known.length };
}

/** A group is as well founded as its worst row. */
function leastTier(rows: readonly Comparison[]): EvidenceTier {
  const order: readonly EvidenceTier[] = ['measured', 'fitted', 'derived', 'unsupported'];
  return order[Math.max(...rows.map(({ tier }) => order.indexOf(tier)))]!;
}
