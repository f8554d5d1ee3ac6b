import { randomExponential, randomGamma } from 'd3-random';
import { assert, type Micros, micros, toSeconds, type Uniform } from '../kernel/index.ts';
import type { ArrivalSpec } from './spec.ts';

const MICROS_PER_SECOND = 1e6;

/** One arrival: its offset from the start of the stream, and its number in the stream (a trace's row), from 0. */
export interface Arrival {
  readonly at: Micros;
  readonly row: number;
}

/** Gives arrivals one by one, in order; undefined once there are no more. Offsets never go back. */
export interface ArrivalProcess {
  next(): Arrival | undefined;
}

/**
 * The arrivals of one stream.
 *
 * Elapsed time is kept as a fraction and only what is handed out is rounded, so rounding never drifts. A constant
 * process starts with a request at 0; random ones start with a gap; a trace starts with its first row at 0.
 * @param stream chance; constant processes and traces draw nothing from it
 * @param span how long the stream lasts; only a ramp needs it, to know where it ends
 */
export function arrivalProcess(spec: ArrivalSpec, stream: Uniform, span: Micros | undefined): ArrivalProcess {
  const offset = offsets(spec, stream, span);
  let row = 0;
  return {
    next() {
      const at = offset(row);
      return at === undefined ? undefined : { at: micros(at), row: row++ };
    },
  };
}

/** The unrounded offset of arrival `row`, in microseconds. Asked for in order, each once. */
type Offsets = (row: number) => number | undefined;

function offsets(spec: ArrivalSpec, stream: Uniform, span: Micros | undefined): Offsets {
  switch (spec.kind) {
    case 'constant':
      return (row) => (row * MICROS_PER_SECOND) / spec.rate;
    case 'poisson':
      return gaps(randomExponential.source(stream)(spec.rate));
    case 'gamma': {
      // Shape k and scale θ give a mean gap of kθ = 1 / rate with a coefficient of variation of 1 / √k = cv.
      const shape = 1 / spec.cv ** 2;
      return gaps(randomGamma.source(stream)(shape, 1 / (shape * spec.rate)));
    }
    case 'ramp':
      assert(span !== undefined, 'a ramp has a span');
      return ramp(spec.from, spec.to, toSeconds(span), randomExponential.source(stream)(1));
    case 'trace':
      return (row) => {
        const at = spec.trace.at[row];
        return at === undefined ? undefined : at / spec.speed;
      };
  }
}

function gaps(gapSeconds: () => number): Offsets {
  let seconds = 0;
  return () => {
    seconds += gapSeconds();
    return seconds * MICROS_PER_SECOND;
  };
}

/**
 * A Poisson process with rate λ(t) = from + (to - from) t / span, by inversion: arrivals of a unit-rate process,
 * mapped back through Λ(t) = from t + (to - from) t² / (2 span). (Çınlar, Introduction to Stochastic Processes, 1975.)
 */
function ramp(from: number, to: number, spanSeconds: number, unitGap: () => number): Offsets {
  const slope = (to - from) / spanSeconds;
  let mass = 0;
  return () => {
    mass += unitGap();
    const discriminant = from ** 2 + 2 * slope * mass;
    if (discriminant < 0) return undefined;
    // The form without cancellation: it holds for a slope of zero and for a start of zero alike.
    const seconds = (2 * mass) / (from + Math.sqrt(discriminant));
    return seconds < spanSeconds ? seconds * MICROS_PER_SECOND : undefined;
  };
}
