import type { EngineListener, EngineRoom, EngineSpec, Sequence, StepTimeModel } from '../../src/engine/index.ts';
import type { Kernel, Micros, Priority } from '../../src/kernel/index.ts';

/** What is needed of the engine: the source's in tests, the built code's in benchmarks. */
export interface EngineParts {
  readonly Kernel: typeof Kernel;
  readonly Priority: typeof Priority;
  readonly EngineRoom: typeof EngineRoom;
  readonly Sequence: typeof Sequence;
}

/** A mean and half the width of its 95 % interval. */
export interface Estimate {
  readonly mean: number;
  readonly halfWidth: number;
}

/** Requests at the start that find a queue not yet as it will be. */
const WARM_UP = 0.02;
/** Few and long: neighbours in a queue are alike, batches hardly. */
const BATCHES = 30;
/** Student's t for 29 degrees of freedom, 97.5 %. */
const T_29 = 2.045;

/** The mean of what a queue gives in order, and its 95 % interval by batch means. */
export function batchMeans(samples: Float64Array): Estimate {
  const first = Math.ceil(samples.length * WARM_UP);
  const size = Math.floor((samples.length - first) / BATCHES);
  const means = Array.from({ length: BATCHES }, (_, batch) => mean(samples, first + batch * size, size));
  const all = mean(Float64Array.from(means), 0, BATCHES);
  const variance = means.reduce((sum, each) => sum + (each - all) ** 2, 0) / (BATCHES - 1);
  return { mean: all, halfWidth: T_29 * Math.sqrt(variance / BATCHES) };
}

function mean(samples: Float64Array, from: number, count: number): number {
  let sum = 0;
  for (let index = from; index < from + count; index++) sum += samples[index]!;
  return sum / count;
}

/** A queue that theory knows: one prompt at a time, in order of arrival. */
export interface QueueCase {
  readonly name: 'M/D/1' | 'M/G/1';
  readonly load: number;
  readonly requests: number;
}

/** Short against what a request waits, so that whole microseconds do not matter. */
const MICROS_PER_TOKEN = 100;

/** A step computes one prompt, and takes as long as it is. */
const PER_TOKEN: StepTimeModel = { stepMicros: ({ newTokens }) => MICROS_PER_TOKEN * newTokens };

const SHORT_PROMPT = 300;
const LONG_PROMPT = 900;
/** One prompt in four is long: the squared coefficient of variation of the service is 1/3. */
const LONG_SHARE = 0.25;
const FIXED_PROMPT = 500;

/** A prefill engine that computes one prompt at a time, and holds as many as the theory's endless queue. */
const PREFILL: EngineSpec = {
  maxNumSeqs: 1,
  maxNumBatchedTokens: 2_000,
  blockSize: 16,
  kvBlocks: 1_000,
  maxModelLen: 4_000,
  stepTime: PER_TOKEN,
};

/** What Pollaczek and Khinchine say of the mean wait: λ E[S²] / (2 (1 - ρ)), µs. */
export function theoreticalWait({ name, load }: QueueCase): number {
  const { first, second } = serviceMoments(name);
  return ((load / first) * second) / (2 * (1 - load));
}

function serviceMoments(name: QueueCase['name']): { first: number; second: number } {
  const lengths: readonly (readonly [number, number])[] =
    name === 'M/D/1'
      ? [[1, FIXED_PROMPT]]
      : [
          [1 - LONG_SHARE, SHORT_PROMPT],
          [LONG_SHARE, LONG_PROMPT],
        ];
  const moment = (power: number): number =>
    lengths.reduce((sum, [share, tokens]) => sum + share * (MICROS_PER_TOKEN * tokens) ** power, 0);
  return { first: moment(1), second: moment(2) };
}

/** What each request waited before its prompt began, µs, from an engine fed with Poisson arrivals. */
export function measuredWaits(parts: EngineParts, seed: number, { name, load, requests }: QueueCase): Float64Array {
  const kernel = new parts.Kernel(seed);
  const gaps = kernel.chance.stream('gaps');
  const lengths = kernel.chance.stream('lengths');
  const waits = new Float64Array(requests);
  const rate = load / serviceMoments(name).first;
  let clock = 0;
  const arrivedAt = new Float64Array(requests);
  const engine = new parts.EngineRoom(kernel).start(PREFILL, {
    ...SILENT,
    admitted: ({ request }) => void (waits[request] = kernel.now - arrivedAt[request]!),
  });
  const next = (request: number): void => {
    clock -= Math.log(1 - gaps()) / rate;
    kernel.schedule(arrival, Math.round(clock) as Micros, request);
  };
  const arrival = kernel.kind('arrival', parts.Priority.arrival, (request) => {
    const promptTokens = name === 'M/D/1' ? FIXED_PROMPT : lengths() < LONG_SHARE ? LONG_PROMPT : SHORT_PROMPT;
    arrivedAt[request] = kernel.now;
    engine.submit(new parts.Sequence({ request, promptTokens, outputTokens: 1 }));
    if (request + 1 < requests) next(request + 1);
  });
  next(0);
  while (kernel.step());
  return waits;
}

/** Little's law on a decode engine: how many are in it on average, and λ times how long they stay. */
export interface Little {
  /** The integral of the number of sequences over time, divided by the time. */
  readonly inside: number;
  /** Sequences per second times their mean stay in seconds. */
  readonly rateTimesStay: number;
  /**
   * What theory says of the batch from the step time alone. A batch shares the engine as processor sharing does, at
   * 1 / (F + c n) steps a second for each of n; the number in it is then negative binomial whatever the lengths
   * (Kelly, Reversibility and Stochastic Networks, 1979): (F/c + 1) ρ / (1 - ρ) on average, with ρ = λ L_out c (the
   * fluid's fixed point B = λ L_out T(B) is (F/c) ρ / (1 - ρ)). Those who wait for a step's end, half a step each,
   * come on top.
   */
  readonly theory: number;
  /** Batch means of the number of sequences in it at arrivals, which see time averages. */
  readonly seen: Estimate;
}

const OUTPUT_TOKENS = 200;
const STEP_FIXED_MICROS = 5_000;
const STEP_MICROS_PER_SEQUENCE = 100;

const DECODE: EngineSpec = {
  maxNumSeqs: 512,
  maxNumBatchedTokens: 4_096,
  blockSize: 16,
  kvBlocks: 20_000,
  maxModelLen: 4_000,
  stepTime: { stepMicros: ({ sequences }) => STEP_FIXED_MICROS + STEP_MICROS_PER_SEQUENCE * sequences },
};

/** A decode engine to which prompts come computed: each needs `OUTPUT_TOKENS` steps. @param load λ L_out c, c per sequence */
export function measureLittle(parts: EngineParts, seed: number, load: number, requests: number): Little {
  const kernel = new parts.Kernel(seed);
  const gaps = kernel.chance.stream('gaps');
  const rate = load / (OUTPUT_TOKENS * STEP_MICROS_PER_SEQUENCE);
  const seen = new Float64Array(requests);
  let clock = 0;
  let inside = 0;
  let area = 0;
  let since = 0;
  let stay = 0;
  const arrivedAt = new Float64Array(requests);
  const change = (by: number): void => {
    area += inside * (kernel.now - since);
    since = kernel.now;
    inside += by;
  };
  const engine = new parts.EngineRoom(kernel).start(DECODE, {
    ...SILENT,
    receiving: (sequence) => kernel.schedule(comes, kernel.now, sequences.push(sequence) - 1),
    ended({ request }) {
      stay += kernel.now - arrivedAt[request]!;
      change(-1);
    },
  });
  const sequences: Sequence[] = [];
  const comes = kernel.kind('comes', parts.Priority.progress, (index) => engine.receive(sequences[index]!));
  const next = (request: number): void => {
    clock -= Math.log(1 - gaps()) / rate;
    kernel.schedule(arrival, Math.round(clock) as Micros, request);
  };
  const arrival = kernel.kind('arrival', parts.Priority.arrival, (request) => {
    arrivedAt[request] = kernel.now;
    seen[request] = inside;
    change(1);
    engine.submit(new parts.Sequence({ request, promptTokens: 16, outputTokens: OUTPUT_TOKENS, leg: 'decode' }));
    if (request + 1 < requests) next(request + 1);
  });
  next(0);
  while (kernel.step());
  const batch = ((STEP_FIXED_MICROS / STEP_MICROS_PER_SEQUENCE + 1) * load) / (1 - load);
  const halfStep = (STEP_FIXED_MICROS + STEP_MICROS_PER_SEQUENCE * batch) / 2;
  return {
    inside: area / kernel.now,
    rateTimesStay: stay / kernel.now,
    theory: batch + rate * halfStep,
    seen: batchMeans(seen),
  };
}

/** Tells nobody. */
const SILENT: EngineListener = { admitted() {}, firstToken() {}, preempted() {}, ended() {} };
