import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ACCELERATORS,
  type Accelerator,
  MODELS,
  type Model,
  type StepTimeScalars,
  stepTimeFit,
} from '../../src/catalog/index.ts';
import { RooflineModel, type StepTimeModel } from '../../src/engine/index.ts';
import { Segment } from '../../src/engine/segment.ts';
import { micros } from '../../src/kernel/index.ts';
import { runEngine, story } from '../support/engine-run.ts';

const fitFor = (accelerator: Accelerator, model: Model): StepTimeScalars =>
  stepTimeFit({ accelerator, engine: 'vllm', precision: 'bf16', model }).scalars;

const roofline = fc
  .tuple(
    fc.constantFrom(...MODELS),
    fc.constantFrom(...ACCELERATORS.filter(({ kind }) => kind !== 'cpu')),
    fc.constantFrom(1, 2, 4, 8),
  )
  .map(([model, device, devices]) => new RooflineModel(model, device, fitFor(device, model), { devices }));

/** Small models on a CPU's share of cores, where attention is bound by computing. */
const cpu = fc
  .tuple(fc.constantFrom(...MODELS), fc.double({ min: 0.05, max: 1, noNaN: true }))
  .map(([model, devices]) => {
    const device = ACCELERATORS.find(({ kind }) => kind === 'cpu')!;
    return new RooflineModel(model, device, fitFor(device, model), { devices });
  });

const anyModel = fc.oneof(roofline, cpu);
const batch = fc.record({ sequences: fc.integer({ min: 1, max: 256 }), context: fc.integer({ min: 1, max: 4_000 }) });
const steps = fc.integer({ min: 1, max: 500 });

/** The same model without its closed form. */
function stepwise(model: StepTimeModel): StepTimeModel {
  return { stepMicros: (work) => model.stepMicros(work) };
}

function decoding(
  model: StepTimeModel,
  { sequences, context }: { sequences: number; context: number },
  count: number,
  slowdown = 1,
): Segment {
  const contextTokens = sequences * context;
  const segment = new Segment(model);
  const work = { sequences, newTokens: sequences, contextTokens, attentionPairs: contextTokens + sequences / 2 };
  segment.startDecode(micros(1_000), count, work, slowdown);
  return segment;
}

describe('the roofline model', () => {
  test('its closed form is the sum of its steps', () => {
    fc.assert(
      fc.property(anyModel, batch, steps, (model, { sequences, context }, count) => {
        let sum = 0;
        for (let done = 0; done < count; done++) {
          const contextTokens = sequences * (context + done);
          sum += model.stepMicros({
            sequences,
            newTokens: sequences,
            contextTokens,
            attentionPairs: contextTokens + sequences / 2,
          });
        }
        const closed = model.decodeMicros(sequences, sequences * context, count);
        expect(Math.abs(closed - sum) / sum).toBeLessThan(1e-9);
      }),
    );
  });

  test('a step takes longer the more it has to do, and never less than nothing', () => {
    fc.assert(
      fc.property(anyModel, batch, (model, { sequences, context }) => {
        const one = model.decodeMicros(sequences, sequences * context, 1);
        expect(one).toBeGreaterThan(0);
        expect(model.decodeMicros(sequences, sequences * (context + 1), 1)).toBeGreaterThanOrEqual(one);
        expect(model.decodeMicros(sequences + 1, (sequences + 1) * context, 1)).toBeGreaterThanOrEqual(one);
      }),
    );
  });
});

describe('a segment', () => {
  test('by the closed form is the segment step by step, within a microsecond at every step', () => {
    fc.assert(
      fc.property(
        anyModel,
        batch,
        steps,
        fc.double({ min: 1, max: 5, noNaN: true }),
        (model, batch, count, slowdown) => {
          const closed = decoding(model, batch, count, slowdown);
          const looped = decoding(stepwise(model), batch, count, slowdown);
          for (let step = 0; step <= count; step++) {
            expect(Math.abs(closed.endOfStep(step) - looped.endOfStep(step))).toBeLessThanOrEqual(1);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test('stepsEndedBy undoes endOfStep, and steps end one after the other', () => {
    fc.assert(
      fc.property(anyModel, batch, fc.integer({ min: 1, max: 200 }), (model, batch, count) => {
        const segment = decoding(model, batch, count);
        expect(segment.stepsEndedBy(micros(segment.start - 1))).toBe(0);
        for (let step = 0; step <= count; step++) {
          expect(segment.stepsEndedBy(segment.endOfStep(step))).toBe(step);
          if (step > 0) expect(segment.stepsEndedBy(micros(segment.endOfStep(step) - 1))).toBe(step - 1);
        }
        expect(segment.stepsEndedBy(micros(segment.end + 1e9))).toBe(count);
      }),
    );
  });

  test('asked in any order it says the same', () => {
    fc.assert(
      fc.property(anyModel, batch, fc.array(fc.integer({ min: 0, max: 100 })), (model, batch, asked) => {
        const inOrder = decoding(stepwise(model), batch, 100);
        const ends = Array.from({ length: 101 }, (_, step) => inOrder.endOfStep(step));
        const atWill = decoding(stepwise(model), batch, 100);
        for (const step of asked) expect(atWill.endOfStep(step)).toBe(ends[step]);
      }),
    );
  });
});

describe('an engine', () => {
  test('whose model has a closed form is the engine that adds step by step, within a few microseconds', () => {
    fc.assert(
      fc.property(story(anyModel), fc.integer({ min: 100, max: 10_000 }), (told, spread) => {
        // Steps of these models take milliseconds: the story is told as much slower.
        const arrivals = told.arrivals.map((arrival) => ({ ...arrival, at: arrival.at * spread, watched: true }));
        const long = { ...told, arrivals, diesAt: undefined, slows: [] };
        const closed = runEngine(long).heard;
        const looped = runEngine({ ...long, spec: { ...long.spec, stepTime: stepwise(long.spec.stepTime) } }).heard;
        for (const [request, { ended, sequence }] of closed.entries()) {
          expect(ended[0]!.reason).toBe(looped[request]!.ended[0]!.reason);
          expect(sequence.generated).toBe(looped[request]!.sequence.generated);
          expect(Math.abs(ended[0]!.at - looped[request]!.ended[0]!.at)).toBeLessThanOrEqual(5);
        }
      }),
      { numRuns: 50 },
    );
  });
});
