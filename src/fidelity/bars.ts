import { DISTSERVE_ANSWER, type PlacementSearch } from './evaluate/distserve.ts';
import { ASCEND_GROUP } from './evaluate/lab.ts';
import { RUN_GROUPS } from './evaluate/runs.ts';
import { TAG } from './evaluate/silicon.ts';
import { type Comparison, errorFigures, heldOutMape, type Metric, signedErrors } from './figures.ts';

/** A bar that the project has set itself, and what was found. */
export interface Bar {
  readonly name: string;
  readonly limit: string;
  /** What was found, in words; undefined where the rows were not replayed. */
  readonly found: string | undefined;
  readonly held: boolean | undefined;
  /** `replayed`: rows that the fits have seen, on this engine, now. `held out`: by the fit, over rows it had not seen. */
  readonly origin: 'replayed' | 'held out';
}

/**
 * What the fit reports of itself and no replay can repeat: a whole dense model left out, and TTFT of rows left out
 * (three folds; all other rows in the training set). The fit's evaluator bins steps; it is not this engine.
 */
const FIT_REPORT: readonly {
  readonly tag: string;
  readonly name: string;
  readonly error: number;
  readonly limit: number;
}[] = [
  { tag: TAG.dense, name: 'tpot MAPE, whole model left out (n 672)', error: 18.9, limit: 20 },
  { tag: TAG.unsaturated, name: 'ttft median APE (n 643)', error: 18, limit: 20 },
];

type Statistic = 'mape' | 'medianApe';

/** Whether the figures hold what was set. */
export function barsOf(comparisons: readonly Comparison[], searches: readonly PlacementSearch[]): Bar[] {
  const tagged = (tag: string): Comparison[] => comparisons.filter(({ tags }) => tags.includes(tag));
  const grouped = (group: string): Comparison[] => comparisons.filter((row) => row.group === group);
  return [
    ...runBars(RUN_GROUPS.rtx, grouped(RUN_GROUPS.rtx), { ttft: 10, ttft_p99: 15, tpot: 5, e2e: 5, throughput: 5 }),
    ...runBars(RUN_GROUPS.single, grouped(RUN_GROUPS.single), { ttft: 15, tpot: 10, throughput: 5 }),
    ...runBars(RUN_GROUPS.double, grouped(RUN_GROUPS.double), { ttft: 15, tpot: 10, throughput: 5 }),
    ...tableBars(`silicon, ${TAG.dense}`, tagged(TAG.dense), 'tpot', 'mape', 10),
    ...tableBars(`silicon, ${TAG.unsaturated}`, tagged(TAG.unsaturated), 'ttft', 'medianApe', 20),
    ...tableBars(`silicon, ${TAG.experts}`, tagged(TAG.experts), 'tpot', 'mape', 15),
    ...tableBars(`silicon, ${TAG.disaggregated}`, tagged(TAG.disaggregated), 'tpot', 'mape', 20),
    ...tableBars(`silicon, ${TAG.counted}`, tagged(TAG.counted), 'tpot', 'mape', 20).slice(0, 1),
    ...heldOutBar(TAG.dense, tagged(TAG.dense), 10),
    ...heldOutBar(TAG.experts, tagged(TAG.experts), 15),
    ...heldOutBar(TAG.counted, tagged(TAG.counted), 20),
    ...FIT_REPORT.filter(({ tag }) => tagged(tag).length > 0).map(
      ({ tag, name, error, limit }): Bar => ({
        name: `silicon, ${tag}: ${name}`,
        limit: `${limit} %`,
        found: `${error.toFixed(1)} %`,
        held: error <= limit,
        origin: 'held out',
      }),
    ),
    ascendBar(grouped(ASCEND_GROUP)),
    ...searches.map(distServeBar),
  ].filter(({ found }) => found !== undefined);
}

function runBars(group: string, rows: readonly Comparison[], limits: { readonly [metric in Metric]?: number }): Bar[] {
  return (Object.keys(limits) as Metric[]).map((metric) => {
    const [error] = signedErrors(rows, metric);
    const limit = limits[metric]!;
    return {
      name: `${group}: ${metric}`,
      limit: `${limit} %`,
      found: error === undefined ? undefined : `${error >= 0 ? '+' : ''}${(100 * error).toFixed(1)} %`,
      held: error === undefined ? undefined : Math.abs(100 * error) <= limit,
      origin: 'replayed',
    };
  });
}

/** A bar over all rows, and the same over those whose configuration the table tells. */
function tableBars(
  name: string,
  rows: readonly Comparison[],
  metric: Metric,
  statistic: Statistic,
  limit: number,
): Bar[] {
  const bar = (what: string, some: readonly Comparison[]): Bar => {
    const figures = errorFigures(signedErrors(some, metric));
    return {
      name: `${name}: ${metric} ${statistic === 'mape' ? 'MAPE' : 'median APE'}${what}`,
      limit: `${limit} %`,
      found: figures === undefined ? undefined : `${figures[statistic].toFixed(1)} % (n ${figures.n})`,
      held: figures === undefined ? undefined : figures[statistic] <= limit,
      origin: 'replayed',
    };
  };
  const known = rows.filter(({ unknown }) => unknown === undefined);
  return known.length === rows.length ? [bar('', rows)] : [bar('', rows), bar(', configuration known', known)];
}

function heldOutBar(tag: string, rows: readonly Comparison[], limit: number): Bar[] {
  const held = heldOutMape(rows);
  if (held === undefined) return [];
  return [
    {
      name: `silicon, ${tag}: tpot MAPE, three folds`,
      limit: `${limit} %`,
      found: `${held.mape.toFixed(1)} % (n ${held.n})`,
      held: held.mape <= limit,
      origin: 'held out',
    },
  ];
}

function ascendBar(rows: readonly Comparison[]): Bar {
  const errors = (['ttft', 'tpot', 'throughput'] as const).flatMap((metric) => signedErrors(rows, metric));
  const figures = errorFigures(errors);
  return {
    name: `${ASCEND_GROUP}: median of TTFT, TPOT and throughput (a few-point fit)`,
    limit: '20 %',
    found: figures === undefined ? undefined : `${figures.medianApe.toFixed(1)} % (n ${figures.n})`,
    held: figures === undefined ? undefined : figures.medianApe <= 20,
    origin: 'replayed',
  };
}

function distServeBar({ lengths, placements: [best], meanPrompt, meanOutput }: PlacementSearch): Bar {
  const { prefillTp, decodeTp, ratePerGpu } = DISTSERVE_ANSWER;
  const sample = `${lengths}, mean ${meanPrompt.toFixed(0)}/${meanOutput.toFixed(0)}`;
  const { prefillEngines, decodeEngines } = best!;
  return {
    name: `DistServe's regression, OPT-13B, four A100s (${sample}): placement`,
    limit: `TP ${prefillTp} prefill, TP ${decodeTp} decode (its rate ${ratePerGpu}/s per GPU)`,
    found: `TP ${best!.prefillTp} prefill x ${prefillEngines}, TP ${best!.decodeTp} decode x ${decodeEngines}, ${best!.ratePerGpu.toFixed(2)}/s per GPU`,
    held: best!.prefillTp === prefillTp && best!.decodeTp === decodeTp,
    origin: 'replayed',
  };
}
