import {
  type EndReason,
  type Engine,
  EngineRoom,
  type EngineSpec,
  Sequence,
  type SequenceAsk,
  type StepTimeModel,
} from '../../src/engine/index.ts';
import { Kernel, micros, Priority } from '../../src/kernel/index.ts';
import { percentile } from '../../src/telemetry/index.ts';

/** A sequence and the moment at which it is sent, µs. */
export interface Sent extends Omit<SequenceAsk, 'request'> {
  readonly at: number;
}

/** What became of one. Moments are µs, -1 when they did not come. */
export interface Served {
  readonly sequence: Sequence;
  readonly at: number;
  admittedAt: number;
  firstTokenAt: number;
  endedAt: number;
  ends: EndReason[];
  preempted: number;
}

/** Told of a moment, in the middle of the engine's own telling. */
export interface Hooks {
  admitted?(engine: Engine, sequence: Sequence): void;
  preempted?(engine: Engine, sequence: Sequence): void;
}

export interface Service {
  readonly engine: Engine;
  readonly served: readonly Served[];
}

/** Serves everything that is sent to one engine, to the end. */
export function serve(spec: EngineSpec, sent: readonly Sent[], hooks: Hooks = {}): Service {
  const kernel = new Kernel(1);
  const served: Served[] = sent.map(({ at, ...ask }, request) => ({
    sequence: new Sequence({ ...ask, request }),
    at,
    admittedAt: -1,
    firstTokenAt: -1,
    endedAt: -1,
    ends: [],
    preempted: 0,
  }));
  const engine = new EngineRoom(kernel).start(spec, {
    admitted(sequence) {
      served[sequence.request]!.admittedAt = kernel.now;
      hooks.admitted?.(engine, sequence);
    },
    firstToken(sequence) {
      served[sequence.request]!.firstTokenAt = kernel.now;
    },
    preempted(sequence) {
      served[sequence.request]!.preempted++;
      hooks.preempted?.(engine, sequence);
    },
    ended(sequence, reason) {
      served[sequence.request]!.endedAt = kernel.now;
      served[sequence.request]!.ends.push(reason);
    },
  });
  const submit = kernel.kind('test/submit', Priority.arrival, (request) => engine.submit(served[request]!.sequence));
  for (const [request, { at }] of sent.entries()) kernel.schedule(submit, micros(at), request);
  while (kernel.step());
  return { engine, served };
}

/** Every step takes as long, whatever it does. */
export function constantSteps(stepMicros: number): StepTimeModel {
  return { stepMicros: () => stepMicros, decodeMicros: (_sequences, _context, steps) => steps * stepMicros };
}

export function p50(values: readonly number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    50,
  );
}

export const ttfts = (served: readonly Served[]): number[] => served.map(({ at, firstTokenAt }) => firstTokenAt - at);
export const e2es = (served: readonly Served[]): number[] => served.map(({ at, endedAt }) => endedAt - at);
