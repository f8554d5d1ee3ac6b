/** A problem of least squares around a prior at zero. */
export interface MapProblem {
  /** Standard deviation of each unknown before anything is measured. */
  readonly deviations: readonly number[];
  /** Errors of all figures in units of their noise, for these unknowns. */
  residuals(unknowns: readonly number[]): readonly number[];
}

const ROUNDS = 15;
/** Step of the derivatives: above what rounding to microseconds does, below what curvature does. */
export const STEP = 0.02;
/** The furthest that one unknown moves in a round: a factor of e. */
const LONGEST_MOVE = 1;
/** Beyond so many deviations an error counts by its size and not its square: one odd point must not bend the rest. */
const ROBUST = 3;
/** A round that gains less than this, in squared deviations, moves nothing that the figures could tell. */
const LEAST_GAIN = 0.01;

/**
 * The unknowns that are likeliest given figures and prior (maximum a posteriori): Levenberg and Marquardt's method with
 * derivatives by differences and Huber's loss. It takes a tenth of the replays of a search without derivatives, and
 * the same ones on every machine.
 */
export function mapFit({ deviations, residuals }: MapProblem, start: readonly number[]): number[] {
  const cost = (unknowns: readonly number[], errors: readonly number[]): number =>
    errors.reduce((sum, each) => sum + huber(each), 0) +
    unknowns.reduce((sum, each, index) => sum + (each / deviations[index]!) ** 2, 0);
  let best = [...start];
  let errors = residuals(best);
  let bestCost = cost(best, errors);
  let damping = 1e-3;
  for (let round = 0; round < ROUNDS; round++) {
    const columns = slopes(residuals, best, errors);
    const weights = errors.map((each) => Math.min(1, ROBUST / Math.max(ROBUST, Math.abs(each))));
    const normal = columns.map((a, row) =>
      columns.map((b, column) => {
        const prior = row === column ? deviations[row]! ** -2 : 0;
        return prior + a.reduce((sum, each, index) => sum + weights[index]! * each * b[index]!, 0);
      }),
    );
    const pull = columns.map(
      (column, row) =>
        -best[row]! / deviations[row]! ** 2 -
        column.reduce((sum, each, index) => sum + weights[index]! * each * errors[index]!, 0),
    );
    let improved = false;
    let gain = 0;
    for (let attempt = 0; attempt < 6 && !improved; attempt++) {
      const damped = normal.map((row, at) => row.map((each, column) => (at === column ? each * (1 + damping) : each)));
      const move = solve(damped, pull).map((each) => Math.max(-LONGEST_MOVE, Math.min(LONGEST_MOVE, each)));
      const next = best.map((each, index) => each + move[index]!);
      const nextErrors = residuals(next);
      const nextCost = cost(next, nextErrors);
      improved = nextCost < bestCost;
      damping = improved ? damping / 10 : damping * 10;
      if (!improved) continue;
      gain = bestCost - nextCost;
      best = next;
      errors = nextErrors;
      bestCost = nextCost;
    }
    if (gain < LEAST_GAIN) break;
  }
  return best;
}

/** How every residual changes with each unknown: a column for each. */
export function slopes(
  residuals: MapProblem['residuals'],
  at: readonly number[],
  errors: readonly number[] = residuals(at),
): number[][] {
  return at.map((_, index) => {
    const beside = residuals(at.map((each, other) => (other === index ? each + STEP : each)));
    return beside.map((each, row) => (each - errors[row]!) / STEP);
  });
}

function huber(error: number): number {
  const size = Math.abs(error);
  return size <= ROBUST ? size ** 2 : 2 * ROBUST * size - ROBUST ** 2;
}

/** Gauss's elimination of a symmetric positive matrix: the prior sees to it that no pivot is zero. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, index) => [...row, right[index]!]);
  const size = rows.length;
  for (let pivot = 0; pivot < size; pivot++) {
    for (let below = pivot + 1; below < size; below++) {
      const factor = rows[below]![pivot]! / rows[pivot]![pivot]!;
      for (let column = pivot; column <= size; column++) rows[below]![column]! -= factor * rows[pivot]![column]!;
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let row = size - 1; row >= 0; row--) {
    let rest = rows[row]![size]!;
    for (let column = row + 1; column < size; column++) rest -= rows[row]![column]! * solution[column]!;
    solution[row] = rest / rows[row]![row]!;
  }
  return solution;
}
