import type { FidelityFigures } from './figures.ts';

/** The figures that a change must not make worse, as committed. */
export interface Baseline {
  readonly baselineFormat: 1;
  /** What they were taken over: `--quick` sees other rows than a whole run. */
  readonly full: readonly BaselineFigure[];
  readonly quick: readonly BaselineFigure[];
}

export interface BaselineFigure {
  readonly table: string;
  readonly group: string;
  readonly metric: string;
  readonly n: number;
  readonly mape: number;
}

/** A figure that is worse than the baseline allows, or no longer there. */
export interface Regression extends BaselineFigure {
  /** undefined: the figure is gone, or was taken over fewer rows. */
  readonly now: number | undefined;
  readonly nowN: number;
}

/** MAPE may grow by this many points, or by this share of itself, whichever is more: rounding, not modelling. */
export const TOLERANCE_POINTS = 0.25;
export const TOLERANCE_SHARE = 0.03;

/** What is worse than the baseline. A figure over fewer rows than before is worse whatever it says. */
export function regressions(baseline: readonly BaselineFigure[], figures: readonly FidelityFigures[]): Regression[] {
  const now = new Map(figures.map((figure) => [keyOf(figure), figure]));
  return baseline.flatMap((before): Regression[] => {
    const figure = now.get(keyOf(before));
    if (figure === undefined || figure.n < before.n) return [{ ...before, now: undefined, nowN: figure?.n ?? 0 }];
    const allowed = before.mape + Math.max(TOLERANCE_POINTS, TOLERANCE_SHARE * before.mape);
    return figure.mape > allowed ? [{ ...before, now: figure.mape, nowN: figure.n }] : [];
  });
}

/** A run's figures as they are committed: rounded, so that the file tells of changes and not of digits. */
export function baselineFigures(figures: readonly FidelityFigures[]): BaselineFigure[] {
  return figures.map(({ table, group, metric, n, mape }) => ({
    table,
    group,
    metric,
    n,
    mape: Number(mape.toFixed(2)),
  }));
}

function keyOf({ table, group, metric }: { table: string; group: string; metric: string }): string {
  return JSON.stringify([table, group, metric]);
}
