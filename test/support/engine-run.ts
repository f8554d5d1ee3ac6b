import fc from 'fast-check';
import {
  type EndReason,
  type Engine,
  EngineRoom,
  type EngineSpec,
  Sequence,
  type StepTimeModel,
} from '../../src/engine/index.ts';
import { Kernel, micros, Priority } from '../../src/kernel/index.ts';

/** One sequence's story, as a test tells it. Moments are µs. */
export interface Arrival {
  readonly at: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly watched: boolean;
  /** Its client leaves this long after it came. */
  readonly leavesAfter: number | undefined;
}

/** All that reaches one engine. */
export interface Story {
  readonly spec: EngineSpec;
  readonly arrivals: readonly Arrival[];
  readonly diesAt?: number | undefined;
  /** From `at` on, steps take `factor` times as long. */
  readonly slows?: readonly { readonly at: number; readonly factor: number }[];
  /** From `at` on nothing is computed, for so long. */
  readonly stall?: { readonly at: number; readonly lasting: number };
}

/** What was heard of one sequence. */
export interface Heard {
  readonly sequence: Sequence;
  admittedAt: number[];
  firstTokenAt: number[];
  preempted: number;
  ended: { readonly at: number; readonly reason: EndReason; readonly generated: number }[];
}

export interface EngineRun {
  readonly kernel: Kernel;
  readonly engine: Engine;
  readonly heard: readonly Heard[];
  readonly hash: string;
}

/** Asked between events at each of its moments; it may only look. */
export interface Observer {
  readonly moments: readonly number[];
  look(engine: Engine, kernel: Kernel, heard: readonly Heard[]): void;
}

const WORDS = { admitted: 1, firstToken: 2, preempted: 3, finished: 4, aborted: 5, cut: 6 } as const;

/** Lives a story through on a real engine. At one instant arrivals come before clients leave, and the death comes last. */
export function runEngine(story: Story, observer?: Observer): EngineRun {
  const kernel = new Kernel(1);
  const note = (what: keyof typeof WORDS, sequence: Sequence): void =>
    kernel.trace.note(kernel.now, { code: WORDS[what], name: what }, sequence.request, sequence.generated);
  const heard: Heard[] = story.arrivals.map(({ promptTokens, outputTokens, watched }, request) => ({
    sequence: new Sequence({ request, promptTokens, outputTokens, watched }),
    admittedAt: [],
    firstTokenAt: [],
    preempted: 0,
    ended: [],
  }));
  const engine = new EngineRoom(kernel).start(story.spec, {
    admitted(sequence) {
      note('admitted', sequence);
      heard[sequence.request]!.admittedAt.push(kernel.now);
    },
    firstToken(sequence) {
      note('firstToken', sequence);
      heard[sequence.request]!.firstTokenAt.push(kernel.now);
    },
    preempted(sequence) {
      note('preempted', sequence);
      heard[sequence.request]!.preempted++;
    },
    ended(sequence, reason) {
      note(reason, sequence);
      heard[sequence.request]!.ended.push({ at: kernel.now, reason, generated: sequence.generated });
    },
  });
  const submit = kernel.kind('test/submit', Priority.arrival, (request) => {
    if (engine.alive) engine.submit(heard[request]!.sequence);
  });
  const leave = kernel.kind('test/leave', Priority.script, (request) => {
    if (engine.alive) engine.abort(heard[request]!.sequence);
  });
  const slow = kernel.kind('test/slow', Priority.script, (_, factor) => engine.slowDown(factor));
  const stall = kernel.kind('test/stall', Priority.script, (_, stalled) => engine.setStalled(stalled === 1));
  const die = kernel.kind('test/die', Priority.script, () => engine.die());
  for (const [request, { at }] of story.arrivals.entries()) kernel.schedule(submit, micros(at), request);
  for (const [request, { at, leavesAfter }] of story.arrivals.entries()) {
    if (leavesAfter !== undefined) kernel.schedule(leave, micros(at + leavesAfter), request);
  }
  for (const { at, factor } of story.slows ?? []) kernel.schedule(slow, micros(at), 0, factor);
  if (story.stall !== undefined) {
    kernel.schedule(stall, micros(story.stall.at), 0, 1);
    kernel.schedule(stall, micros(story.stall.at + story.stall.lasting), 0, 0);
  }
  if (story.diesAt !== undefined) kernel.schedule(die, micros(story.diesAt));
  for (const moment of observer?.moments.toSorted((a, b) => a - b) ?? []) {
    kernel.runUntil(micros(moment));
    observer!.look(engine, kernel, heard);
  }
  while (kernel.step());
  return { kernel, engine, heard, hash: kernel.trace.digest() };
}

/** The sequences that reached the engine alive. */
export function submitted({ heard }: EngineRun, { arrivals, diesAt }: Story): Heard[] {
  return heard.filter((_, request) => diesAt === undefined || arrivals[request]!.at <= diesAt);
}

/** Step times that are whole µs, so that sums of them need no rounding: fixed + token × new + context × cached. */
export function integerModel(fixed: number, perToken: number, perContext: number): StepTimeModel {
  return {
    stepMicros: ({ newTokens, contextTokens }) => fixed + perToken * newTokens + perContext * contextTokens,
    decodeMicros: (sequences, contextTokens, steps) =>
      steps * (fixed + perToken * sequences) +
      perContext * (steps * contextTokens + (sequences * steps * (steps - 1)) / 2),
  };
}

const LONGEST_PROMPT = 40;
const LONGEST_OUTPUT = 30;
/** Long enough for most stories to be over by then. */
export const STORY_MICROS = 3_000;

/** A small engine under pressure: few places, a small budget, hardly more blocks than the longest sequence takes. */
export const tightSpec = (stepTime: fc.Arbitrary<StepTimeModel>): fc.Arbitrary<EngineSpec> =>
  fc
    .record({
      maxNumSeqs: fc.integer({ min: 1, max: 6 }),
      maxNumBatchedTokens: fc.integer({ min: 1, max: 48 }),
      blockSize: fc.integer({ min: 1, max: 8 }),
      spareTokens: fc.nat(80),
      stepTime,
    })
    .map(({ spareTokens, ...rest }) => {
      const maxModelLen = LONGEST_PROMPT + LONGEST_OUTPUT;
      return { ...rest, maxModelLen, kvBlocks: Math.ceil((maxModelLen + spareTokens) / rest.blockSize) };
    });

export const integerSteps: fc.Arbitrary<StepTimeModel> = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(3), fc.nat(1))
  .map(([fixed, perToken, perContext]) => integerModel(fixed, perToken, perContext));

const arrival: fc.Arbitrary<Arrival> = fc.record({
  at: fc.nat(STORY_MICROS),
  promptTokens: fc.integer({ min: 1, max: LONGEST_PROMPT }),
  outputTokens: fc.integer({ min: 1, max: LONGEST_OUTPUT }),
  watched: fc.boolean(),
  leavesAfter: fc.option(fc.nat(STORY_MICROS), { nil: undefined, freq: 3 }),
});

export const story = (stepTime: fc.Arbitrary<StepTimeModel> = integerSteps): fc.Arbitrary<Story> =>
  fc.record({
    spec: tightSpec(stepTime),
    arrivals: fc.array(arrival, { minLength: 1, maxLength: 25, size: 'max' }),
    diesAt: fc.option(fc.nat(2 * STORY_MICROS), { nil: undefined, freq: 3 }),
    slows: fc.array(fc.record({ at: fc.nat(STORY_MICROS), factor: fc.integer({ min: 1, max: 3 }) }), { maxLength: 2 }),
  });
