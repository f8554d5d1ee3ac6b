import { type Bar, barsOf } from './bars.ts';
import { distServeSearches, type PlacementSearch } from './evaluate/distserve.ts';
import { evaluateLab } from './evaluate/lab.ts';
import { type Prediction, predictOnePrefillOneDecode } from './evaluate/prediction.ts';
import { evaluateRuns } from './evaluate/runs.ts';
import { evaluateSilicon } from './evaluate/silicon.ts';
import { evaluateSplitwise } from './evaluate/splitwise.ts';
import { type Comparison, type FidelityFigures, tableFigures } from './figures.ts';
import { groupedBy } from './grouping.ts';
import { MEASUREMENT_FILES, type Measurements, type Table } from './measurements.ts';
import { Deployments } from './tables/deployments.ts';
import { readRecipes } from './tables/recipes.ts';
import { readSilicon } from './tables/silicon.ts';

/** A quick look takes every so many rows of the large table. */
const QUICK_EVERY = 12;

export interface FidelityRequest {
  readonly tables: readonly Table[];
  /** A part of the large table, for CI; nothing that takes long. */
  readonly quick: boolean;
  /** A file in the silicon table's columns, which is evaluated instead of the tables. */
  readonly own?: { readonly name: string; readonly text: string };
  /** Told after every row of a large table: done, of all. */
  readonly progress?: (done: number, all: number) => void;
}

export interface FidelityReport {
  readonly comparisons: readonly Comparison[];
  readonly figures: readonly FidelityFigures[];
  readonly bars: readonly Bar[];
  readonly searches: readonly PlacementSearch[];
  readonly predictions: readonly Prediction[];
}

/** Replays published measurements. */
export function fidelity(files: Measurements, request: FidelityRequest): FidelityReport {
  const { own, quick } = request;
  if (own !== undefined) return reportOf(silicon(files, request, own.name, own.text));
  const evaluate: Record<Table, () => Comparison[]> = {
    silicon: () => silicon(files, request, 'silicon', files.silicon),
    vllm_runs: () => evaluateRuns(files),
    splitwise: () => evaluateSplitwise(files),
    gpustack: () => evaluateLab(files),
    // A search, below, and no table of rows.
    distserve: () => [],
  };
  const comparisons = request.tables.flatMap((table) => evaluate[table]());
  const searches = request.tables.includes('distserve') && !quick ? distServeSearches(files) : [];
  const predictions = request.tables.includes('vllm_runs') ? predictOnePrefillOneDecode(files) : [];
  return reportOf(comparisons, searches, predictions);
}

function silicon(files: Measurements, request: FidelityRequest, name: string, text: string): Comparison[] {
  const shipped = readSilicon(files.silicon, MEASUREMENT_FILES.silicon);
  const all = text === files.silicon ? shipped : readSilicon(text, name);
  const rows = request.quick ? all.filter((_, index) => index % QUICK_EVERY === 0) : all;
  const deployments = new Deployments(
    text === files.silicon ? shipped : [...shipped, ...all],
    readRecipes(files.recipes, MEASUREMENT_FILES.recipes),
  );
  let done = 0;
  return evaluateSilicon(name, rows, deployments, () => request.progress?.(++done, rows.length));
}

function reportOf(
  comparisons: readonly Comparison[],
  searches: readonly PlacementSearch[] = [],
  predictions: readonly Prediction[] = [],
): FidelityReport {
  const rows = [...comparisons, ...searches.map(({ comparison }) => comparison)];
  const figures = [...groupedBy(rows, ({ table }) => table)].flatMap(([table, some]) => tableFigures(table, some));
  return { comparisons: rows, figures, bars: barsOf(rows, searches), searches, predictions };
}
