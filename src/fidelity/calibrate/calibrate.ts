import { type Evidence, type StepTimeFit, type StepTimeScalars, stepTimeFit } from '../../catalog/index.ts';
import { UserError } from '../../kernel/index.ts';
import { type ErrorFigures, errorFigures } from '../figures.ts';
import { mapFit, STEP } from './map-fit.ts';
import { chooseParameters, moved, type Parameter, priorDeviation, startingScalars } from './parameters.ts';
import { type MeasuredPoint, meanOf, type PointValues, pointName } from './points.ts';
import { type Predict, type Prediction, replayer } from './replay.ts';
import { type CalibrationAsk, calibrationSetup } from './setup.ts';
import { snippetOf } from './snippet.ts';

/** A point: what was measured, and what the engine says with the catalogue's scalars, the fitted, and those fitted without it. */
export interface CalibratedPoint {
  readonly name: string;
  readonly file: string;
  readonly load: MeasuredPoint['load'];
  readonly meanPromptTokens: number;
  readonly meanOutputTokens: number;
  readonly measured: PointValues;
  readonly before: Prediction;
  readonly after: Prediction;
  readonly leftOut?: Prediction;
}

/** Errors by metric, in per cent. */
export type CalibrationErrors = { readonly [metric in keyof PointValues]?: ErrorFigures };

export interface Calibration {
  readonly accelerator: string;
  readonly model: string;
  readonly engine: string;
  readonly version?: string;
  readonly precision: string;
  readonly parallel: number;
  readonly limits: { readonly maxNumSeqs: number; readonly maxNumBatchedTokens: number; readonly kvTokens: number };
  readonly prior: StepTimeFit;
  readonly points: readonly CalibratedPoint[];
  readonly errors: {
    readonly before: CalibrationErrors;
    readonly after: CalibrationErrors;
    /** Each point predicted by a fit of the others; from three points on. */
    readonly leftOut?: CalibrationErrors;
  };
  /** What was freed, and the factor that each came to. */
  readonly freed: readonly { readonly name: string; readonly scalars: readonly string[]; readonly factor: number }[];
  readonly scalars: StepTimeScalars;
  readonly evidence: Evidence;
  /** YAML of `engine`, for a unit of a scenario. */
  readonly snippet: string;
  readonly notes: readonly string[];
}

export const POINT_METRICS = ['ttft', 'tpot', 'throughput'] as const;
/**
 * What the roofline leaves over of a figure with all scalars free, as a share of it, and a run's own noise: the fit of
 * the catalogue leaves 4 to 8 % of TPOT and 17 % of TTFT (docs/step-time-fit.md, 4). Nothing is to be fitted more closely than that.
 */
const NOISE = { ttft: 0.2, tpot: 0.06, throughput: 0.06 } as const;
/** Fewer say nothing when one is left out. */
const LEAST_FOR_LEFT_OUT = 3;

/**
 * Fits the step-time scalars that a few measured points can tell, starting from the catalogue's for the same
 * accelerator, engine, precision and model, which count as a prior.
 * @throws UserError when the engine as told could not have been measured
 */
export function calibrate(ask: CalibrationAsk, points: readonly MeasuredPoint[]): Calibration {
  if (points.length === 0) throw new UserError('no points; expected at least one measurement');
  const { accelerator, engine, version, precision, model, parallel } = ask;
  const setup = calibrationSetup(ask, points);
  const prior = stepTimeFit({ accelerator, engine, precision, model, ...(version === undefined ? {} : { version }) });
  const start = startingScalars(prior.scalars);
  const predict = replayer(setup, points);
  const all = points.map((_, index) => index);
  const parameters = chosen(predict, points, start, prior);
  const fit = (some: readonly number[], from: readonly number[]): number[] =>
    mapFit(
      {
        deviations: parameters.map((parameter) => priorDeviation(parameter, prior.evidence.tier)),
        residuals: (unknowns) => residualsOf(predict, points, some, moved(start, parameters, unknowns)),
      },
      from,
    );
  const factors = fit(
    all,
    parameters.map(() => 0),
  );
  const scalars = moved(start, parameters, factors);
  // From the whole fit on: its replays are known, and where the search ends does not hang on where it began.
  const leftOut = (index: number): Prediction => {
    const others = all.filter((other) => other !== index);
    return predict(index, moved(start, parameters, fit(others, factors)));
  };
  const crossed = points.length >= LEAST_FOR_LEFT_OUT;
  const calibrated = points.map((point, index): CalibratedPoint => {
    return {
      name: pointName(point),
      file: point.file,
      load: point.load,
      meanPromptTokens: meanOf(point.prompt),
      meanOutputTokens: meanOf(point.output),
      measured: point.measured,
      before: predict(index, prior.scalars),
      after: predict(index, scalars),
      ...(crossed ? { leftOut: leftOut(index) } : {}),
    };
  });
  const errors = {
    before: errorsOf(calibrated, ({ before }) => before),
    after: errorsOf(calibrated, ({ after }) => after),
    ...(crossed ? { leftOut: errorsOf(calibrated, ({ leftOut: one }) => one!) } : {}),
  };
  const evidence = evidenceOf(points, errors, prior.evidence);
  const { maxNumSeqs, maxNumBatchedTokens, kvBlocks, blockSize } = setup.limits;
  return {
    accelerator: accelerator.id,
    model: model.id,
    engine,
    ...(version === undefined ? {} : { version }),
    precision,
    parallel,
    limits: { maxNumSeqs, maxNumBatchedTokens, kvTokens: kvBlocks * blockSize },
    prior,
    points: calibrated,
    errors,
    freed: parameters.map(({ name, scalars: names }, index) => ({
      name,
      scalars: names,
      factor: Math.exp(factors[index]!),
    })),
    scalars,
    evidence,
    snippet: snippetOf(setup, scalars, evidence),
    notes: notesOf(points, errors),
  };
}

function chosen(
  predict: Predict,
  points: readonly MeasuredPoint[],
  start: StepTimeScalars,
  { evidence }: StepTimeFit,
): Parameter[] {
  const all = points.map((_, index) => index);
  const base = residualsOf(predict, points, all, start);
  return chooseParameters(points.length, (parameter) => {
    const beside = residualsOf(predict, points, all, moved(start, [parameter], [STEP]));
    const scale = priorDeviation(parameter, evidence.tier) / STEP;
    return beside.map((each, row) => scale * (each - base[row]!));
  });
}

/** Logarithms of predicted over measured in units of noise. Throughput follows from the latencies; it counts without them. */
function residualsOf(
  predict: Predict,
  points: readonly MeasuredPoint[],
  some: readonly number[],
  scalars: StepTimeScalars,
): number[] {
  return some.flatMap((index) => {
    const { measured, load } = points[index]!;
    const predicted = predict(index, scalars);
    const told = load.kind === 'closed' && (measured.tpot === undefined || measured.ttft === undefined);
    return POINT_METRICS.flatMap((metric) => {
      const truth = measured[metric];
      if (truth === undefined || (metric === 'throughput' && !told)) return [];
      return [Math.log(Math.max(predicted[metric], Number.MIN_VALUE) / truth) / NOISE[metric]];
    });
  });
}

function errorsOf(
  points: readonly CalibratedPoint[],
  predictionOf: (point: CalibratedPoint) => Prediction,
): CalibrationErrors {
  const entries = POINT_METRICS.flatMap((metric) => {
    const signed = points.flatMap((point) => {
      const truth = point.measured[metric];
      return truth === undefined ? [] : [predictionOf(point)[metric] / truth - 1];
    });
    const figures = errorFigures(signed);
    return figures === undefined ? [] : [[metric, figures] as const];
  });
  return Object.fromEntries(entries);
}

/** The error that a person may quote: held out where there is one. */
function evidenceOf(points: readonly MeasuredPoint[], errors: Calibration['errors'], prior: Evidence): Evidence {
  const counted = errors.leftOut ?? errors.after;
  const mape = (counted.tpot ?? counted.ttft ?? counted.throughput)!.mape;
  const files = [...new Set(points.map(({ file }) => file))].join(', ');
  const how = errors.leftOut === undefined ? 'in sample' : 'each point left out in turn';
  return {
    tier: 'fitted',
    n: points.length,
    mape,
    source: `inferlab calibrate ${files} (${how}); prior ${prior.tier}: ${prior.source}`,
  };
}

function notesOf(points: readonly MeasuredPoint[], { before, leftOut, after }: Calibration['errors']): string[] {
  const notes = [...new Set(points.flatMap(({ file, notes: each }) => each.map((note) => `${file}: ${note}`)))];
  if (leftOut === undefined) {
    notes.push(
      `fewer than ${LEAST_FOR_LEFT_OUT} points: no error on points that the fit has not seen; the error in sample says little`,
    );
  }
  const counted = leftOut ?? after;
  for (const metric of POINT_METRICS) {
    const was = before[metric]?.mape;
    const is = counted[metric]?.mape;
    if (was === undefined || is === undefined || is <= was + 1) continue;
    notes.push(
      `${metric}: the catalogue's own scalars predict these points better (${was.toFixed(1)} % against ${is.toFixed(1)} %): look for an odd point or a wrong option`,
    );
  }
  return notes;
}
