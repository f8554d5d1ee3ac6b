import { evidenceText } from '../catalog/index.ts';
import { type Calibration, type CalibrationErrors, POINT_METRICS } from '../fidelity/index.ts';

type Metric = (typeof POINT_METRICS)[number];

const NAMES: Readonly<Record<Metric, string>> = { ttft: 'TTFT ms', tpot: 'TPOT ms', throughput: 'tokens/s' };

/** A calibration as a person reads it: points, errors, what was moved, and what to paste. */
export function calibrationText(calibration: Calibration): string {
  const { accelerator, model, engine, version, precision, parallel, limits, prior, errors, freed } = calibration;
  const leftOut = errors.leftOut !== undefined;
  const stages = ['measured', 'before', 'after', ...(leftOut ? ['left out'] : [])];
  const metrics = POINT_METRICS.filter((metric) => errors.after[metric] !== undefined);
  const points = metrics.flatMap((metric) => [
    [NAMES[metric], ...stages],
    ...calibration.points.map(({ name, measured, before, after, leftOut: other }) => {
      const truth = measured[metric];
      const cell = (value: number): string =>
        truth === undefined ? rounded(value) : `${rounded(value)} ${signed(100 * (value / truth - 1))}`;
      return [
        `  ${name}`,
        truth === undefined ? '-' : rounded(truth),
        cell(before[metric]),
        cell(after[metric]),
        ...(other === undefined ? [] : [cell(other[metric])]),
      ];
    }),
  ]);
  const errorRow = (name: string, found: CalibrationErrors): string[] => [
    `  ${name}`,
    ...metrics.map((metric) => `${found[metric]!.mape.toFixed(1)} %`),
  ];
  return [
    `${model} on ${parallel} x ${accelerator}, ${engine}${version === undefined ? '' : ` ${version}`} ${precision}; max_num_seqs ${limits.maxNumSeqs}, max_num_batched_tokens ${limits.maxNumBatchedTokens}, ${limits.kvTokens} tokens of KV cache`,
    `Prior: ${evidenceText(prior.evidence)}, ${prior.evidence.source}`,
    '',
    ...table(points),
    '',
    ...table([
      ['Mean absolute error', ...metrics.map((metric) => NAMES[metric].split(' ')[0]!)],
      errorRow('before', errors.before),
      errorRow('after, in sample', errors.after),
      ...(errors.leftOut === undefined ? [] : [errorRow('each left out in turn', errors.leftOut)]),
    ]),
    '',
    'Freed',
    ...table(freed.map(({ name, scalars, factor }) => [`  ${name}`, `x ${factor.toFixed(3)}`, scalars.join(', ')])),
    '',
    `Tier: ${evidenceText(calibration.evidence)}`,
    ...calibration.notes.map((note) => `Note: ${note}`),
    '',
    'To paste into a unit of a scenario:',
    '',
    calibration.snippet,
  ].join('\n');
}

function rounded(value: number): string {
  return value >= 1_000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)));
}

function signed(percent: number): string {
  return `(${percent < 0 ? '' : '+'}${percent.toFixed(1)} %)`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (most, row) => row.reduce((wide, cell, column) => wide.with(column, Math.max(wide[column]!, cell.length)), most),
    new Array<number>(Math.max(0, ...rows.map(({ length }) => length))).fill(0),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
