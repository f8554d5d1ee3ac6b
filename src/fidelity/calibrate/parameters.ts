import type { EvidenceTier, StepTimeScalars } from '../../catalog/index.ts';

/** What a fit may move: one scalar, or some that are moved together, by a factor from the catalogue's values. */
export interface Parameter {
  readonly name: string;
  readonly scalars: readonly (keyof StepTimeScalars)[];
  /** Standard deviation of the factor's logarithm before anything is measured. */
  readonly deviation: number;
}

/**
 * How far each scalar lies from a fitted group's from one engine build, server and harness to the next. Assumed, from
 * how far the groups of the catalogue's fit lie apart: host costs and front ends by factors, shares of a peak by parts.
 */
const HOST: Parameter = { name: 'host overhead', scalars: ['stepMicros', 'layerMicros'], deviation: 0.5 };
const FRONT_END: Parameter = { name: 'front end', scalars: ['frontEndMillis'], deviation: 1 };
const OTHERS: readonly Parameter[] = [
  { name: 'each sequence', scalars: ['sequenceMicros'], deviation: 0.5 },
  { name: 'weight streaming', scalars: ['weights'], deviation: 0.15 },
  { name: 'linear compute', scalars: ['compute'], deviation: 0.25 },
  { name: 'decode attention', scalars: ['attention'], deviation: 0.25 },
  { name: 'prompt attention', scalars: ['attentionCompute'], deviation: 0.3 },
  { name: 'expert streaming', scalars: ['expertWeights'], deviation: 0.25 },
  { name: 'expert compute', scalars: ['expertCompute'], deviation: 0.35 },
  { name: 'collective set-up', scalars: ['collectiveMicros'], deviation: 0.5 },
  { name: 'link', scalars: ['link'], deviation: 0.3 },
  { name: 'element-wise work', scalars: ['elementwise'], deviation: 0.4 },
];

/** A prior that is carried over from elsewhere is trusted less. */
const WIDER: Readonly<Record<EvidenceTier, number>> = { measured: 1, fitted: 1, derived: 1.5, unsupported: 2 };

/** A factor moves nothing that is zero: what the catalogue leaves out begins at this. */
const LEAST: { readonly [name in keyof StepTimeScalars]?: number } = { frontEndMillis: 1, sequenceMicros: 1 };

/** Never freed: more than this is more than a few points can tell. */
export const MOST_FREE = 6;
/** Squared signal to noise that a scalar must add, beside those freed before it: half the noise of one figure. */
const LEAST_SIGNAL = 0.25;

export function priorDeviation({ deviation }: Parameter, tier: EvidenceTier): number {
  return deviation * WIDER[tier];
}

/** Where a fit begins. */
export function startingScalars(scalars: StepTimeScalars): StepTimeScalars {
  const raised = Object.entries(LEAST).map(([name, least]) => [
    name,
    Math.max(least, scalars[name as keyof StepTimeScalars]),
  ]);
  return { ...scalars, ...Object.fromEntries(raised) };
}

/** The scalars with each parameter's multiplied by e to its part of `logFactors`. */
export function moved(
  scalars: StepTimeScalars,
  parameters: readonly Parameter[],
  logFactors: readonly number[],
): StepTimeScalars {
  const changed = parameters.flatMap(({ scalars: names }, index) =>
    names.map((name) => [name, scalars[name] * Math.exp(logFactors[index]!)] as const),
  );
  return { ...scalars, ...Object.fromEntries(changed) };
}

/**
 * Chooses what so many points can tell: of one, the overheads of steps and of the front end; of more, one more each,
 * up to {@link MOST_FREE}. Always the one that the points see best once those before it have explained what they can:
 * two that show alike in the same points are not freed together.
 * @param seen of a parameter: what moving it by its deviation does to every figure, in units of the figure's noise
 */
export function chooseParameters(points: number, seen: (parameter: Parameter) => readonly number[]): Parameter[] {
  const most = Math.min(MOST_FREE, points + 1);
  const chosen: Parameter[] = [];
  const directions: number[][] = [];
  const left = new Map(OTHERS.map((parameter) => [parameter, seen(parameter)]));
  const take = (parameter: Parameter, column: readonly number[]): void => {
    const rest = beside(column, directions);
    const length = Math.sqrt(squared(rest));
    chosen.push(parameter);
    if (length > 0) directions.push(rest.map((each) => each / length));
    left.delete(parameter);
  };
  take(HOST, seen(HOST));
  const frontEnd = seen(FRONT_END);
  if (squared(frontEnd) >= LEAST_SIGNAL) take(FRONT_END, frontEnd);
  while (chosen.length < most) {
    let best: Parameter | undefined;
    let signal = LEAST_SIGNAL;
    for (const [parameter, column] of left) {
      const found = squared(beside(column, directions));
      if (found < signal) continue;
      best = parameter;
      signal = found;
    }
    if (best === undefined) break;
    take(best, left.get(best)!);
  }
  return chosen;
}

/** What of a column no direction holds (Gram-Schmidt). */
function beside(column: readonly number[], directions: readonly (readonly number[])[]): number[] {
  const rest = [...column];
  for (const direction of directions) {
    const along = rest.reduce((sum, each, row) => sum + each * direction[row]!, 0);
    for (let row = 0; row < rest.length; row++) rest[row]! -= along * direction[row]!;
  }
  return rest;
}

function squared(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each * each, 0);
}
