import { groupedBy } from '../grouping.ts';
import { type Engines, imageOf, type Recipe, recipesFor, sameEngines } from './recipes.ts';
import type { SiliconRow } from './silicon.ts';
import { measuredOn, WorkerCounts } from './workers.ts';

/** What a disaggregated row was measured on. */
export interface Deployed {
  readonly prefill: Engines;
  readonly decode: Engines;
  /** Whether the table states worker counts for such a row. */
  readonly counted: boolean;
  /** Of multi-token prediction; undefined where nothing tells. */
  readonly draftTokens: number | undefined;
  /** Of the engine, where a recipe names it. */
  readonly version: string | undefined;
  /** What had to be inferred beyond the table and its campaign's recipes, in words. */
  readonly inferred: string | undefined;
}

export const INFERRED = {
  export: 'speculation not labelled: none, as in all rows that state worker counts',
  order: 'several recipes fit: told apart by the order of TPOT among the measurements of one load',
  day: 'speculation not labelled: as in every other row of its day',
  several: 'several recipes fit: the middle one without speculation taken',
  nearest: 'worker counts not in the table, and no recipe: those of the nearest row taken',
} as const;

/**
 * Deployments of disaggregated rows. Two thirds of the table leave out worker counts, and none of it says whether
 * speculation was on. In this order:
 * - counts in the row, or in a row of another export that is the same measurement: both latencies agree to the digit;
 * - the one recipe of its campaign that fits the row's load and sizes;
 * - where several fit, order: as the recipes of one load are ranked by drafts and devices, so are its measurements by
 *   TPOT. Only ranks are read of what was measured, never a value;
 * - where there is but one measurement, what the day's other rows have in common;
 * - the nearest row that states its counts.
 */
export class Deployments {
  readonly #recipes: readonly Recipe[];
  readonly #counts: WorkerCounts;
  readonly #fitting = new Map<SiliconRow, readonly Recipe[]>();
  readonly #stated: ReadonlyMap<string, SiliconRow>;
  /** TPOTs of the measurements of a load, ascending. */
  readonly #loads: ReadonlyMap<string, readonly number[]>;
  /** Whether there is speculation in the rows of a day that leave no doubt; both where a day has both. */
  readonly #days: ReadonlyMap<string, ReadonlySet<boolean>>;

  /** @param rows those to learn from: the table, and whatever rows are asked for */
  constructor(rows: readonly SiliconRow[], recipes: readonly Recipe[]) {
    this.#recipes = recipes;
    this.#counts = new WorkerCounts(rows);
    const apart = rows.filter(({ deployment }) => deployment.mode === 'disagg');
    this.#stated = new Map(apart.filter(states).map((row) => [measurementOf(row), row]));
    const loads = groupedBy(apart, (row) => this.#loadOf(row));
    this.#loads = new Map(
      [...loads].map(([load, some]) => [load, [...new Set(some.map(tpotOf))].sort((a, b) => a - b)]),
    );
    const days = groupedBy(apart, dayOf);
    this.#days = new Map([...days].map(([day, some]) => [day, new Set(some.flatMap((row) => this.#certain(row)))]));
  }

  /** undefined for co-located rows, and where there is nothing to learn from. */
  of(row: SiliconRow): Deployed | undefined {
    if (row.deployment.mode !== 'disagg') return undefined;
    const stated = this.#stated.get(measurementOf(row));
    if (stated !== undefined) return this.#asStated(stated);
    const fitting = this.#fit(row);
    if (fitting.length === 0) {
      const workers = this.#counts.of(row);
      if (workers === undefined) return undefined;
      const { prefill, decode, imputed } = workers;
      const inferred = imputed ? INFERRED.nearest : undefined;
      return { prefill, decode, counted: !imputed, draftTokens: undefined, version: undefined, inferred };
    }
    const counted = this.#counts.of(row)?.imputed === false;
    const [{ prefill, decode, draftTokens, version }, inferred] = this.#choose(row, fitting);
    return { prefill, decode, counted, draftTokens, version, inferred };
  }

  #asStated(row: SiliconRow): Deployed {
    const launched = this.#launched(row);
    const drafts = [...new Set(launched.map(({ draftTokens }) => draftTokens))];
    const { prefill, decode } = this.#counts.of(row)!;
    const told = { prefill, decode, counted: true, version: launched[0]?.version };
    if (drafts.length > 1) return { ...told, draftTokens: 0, inferred: INFERRED.export };
    return { ...told, draftTokens: drafts[0], inferred: undefined };
  }

  #choose(row: SiliconRow, fitting: readonly Recipe[]): [Recipe, string | undefined] {
    if (fitting.length === 1) return [fitting[0]!, undefined];
    const measured = this.#loads.get(this.#loadOf(row)) ?? [];
    if (measured.length > 1) {
      const rank = measured.indexOf(tpotOf(row)) / (measured.length - 1);
      return [fitting[Math.round(rank * (fitting.length - 1))]!, INFERRED.order];
    }
    const day = this.#days.get(dayOf(row));
    const common = day?.size === 1 ? [...day][0]! : undefined;
    const like = fitting.filter(({ draftTokens }) => draftTokens > 0 === (common ?? false));
    const some = like.length > 0 ? like : fitting;
    return [some[(some.length - 1) >> 1]!, common === undefined ? INFERRED.several : INFERRED.day];
  }

  /** Recipes that a row which states its counts can have been launched by. */
  #launched(row: SiliconRow): Recipe[] {
    const { deployment } = row;
    return this.#fit(row).filter(
      ({ prefill, decode }) =>
        deployment.mode === 'disagg' &&
        sameEngines(deployment.prefill, prefill) &&
        sameEngines(deployment.decode, decode),
    );
  }

  #fit(row: SiliconRow): readonly Recipe[] {
    const known = this.#fitting.get(row) ?? recipesFor(row, this.#recipes);
    this.#fitting.set(row, known);
    return known;
  }

  #loadOf(row: SiliconRow): string {
    const fitting = this.#fit(row).map((recipe) => this.#recipes.indexOf(recipe));
    return [measuredOn(row), row.concurrency, ...fitting].join('|');
  }

  /** Whether a row speculates, where its recipes agree on it. */
  #certain(row: SiliconRow): boolean[] {
    const fitting = states(row) ? this.#launched(row) : this.#fit(row);
    const drafting = new Set(fitting.map(({ draftTokens }) => draftTokens > 0));
    return drafting.size === 1 ? [...drafting] : [];
  }
}

function states({ deployment }: SiliconRow): boolean {
  return (
    deployment.mode === 'disagg' && deployment.prefill.workers !== undefined && deployment.decode.workers !== undefined
  );
}

/** Exports differ in the last digits; no two measurements agree in nine digits of both latencies. */
const DIGITS = 9;

function measurementOf(row: SiliconRow): string {
  const { accelerator, engine, precision, concurrency, ttftMs } = row;
  return [accelerator, engine, precision, concurrency, ttftMs.toPrecision(DIGITS), tpotOf(row)].join('|');
}

function tpotOf({ tpotMs }: SiliconRow): number {
  return Number(tpotMs.toPrecision(DIGITS));
}

function dayOf(row: SiliconRow): string {
  return [row.accelerator, row.engine, row.precision, imageOf(row), measuredOn(row)].join('|');
}
