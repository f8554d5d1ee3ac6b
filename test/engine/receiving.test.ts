import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type EndReason,
  type Engine,
  EngineRoom,
  type EngineSpec,
  Sequence,
  SequenceState,
} from '../../src/engine/index.ts';
import { Kernel, type Micros, micros, Priority } from '../../src/kernel/index.ts';
import { STORY_MICROS, tightSpec } from '../support/engine-run.ts';
import { constantSteps } from '../support/serve.ts';

/** A sequence whose keys and values come, or do not, some time after its blocks are reserved. */
interface Arrival {
  readonly at: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly priority: number;
  /** 0: it is known at once, in the middle of the telling, that nothing comes. */
  readonly transferMicros: number;
  readonly arrives: boolean;
  readonly leg: 'whole' | 'decode';
  readonly leavesAfter: number | undefined;
}

const arrivals: fc.Arbitrary<Arrival[]> = fc.array(
  fc.record({
    at: fc.nat(STORY_MICROS / 6),
    promptTokens: fc.integer({ min: 1, max: 40 }),
    outputTokens: fc.integer({ min: 1, max: 30 }),
    priority: fc.nat(2),
    transferMicros: fc.oneof(fc.constant(0), fc.nat(STORY_MICROS / 6)),
    arrives: fc.boolean(),
    leg: fc.constantFrom('whole' as const, 'decode' as const),
    leavesAfter: fc.option(fc.nat(STORY_MICROS / 6), { nil: undefined, freq: 3 }),
  }),
  { minLength: 1, maxLength: 25, size: 'max' },
);

const spec: fc.Arbitrary<EngineSpec> = fc
  .record({
    plain: tightSpec(fc.integer({ min: 1, max: 40 }).map(constantSteps)),
    watermark: fc.constantFrom(0, 0.1, 0.9),
    schedulingPolicy: fc.constantFrom('fcfs' as const, 'priority' as const),
  })
  .map(({ plain, ...rest }) => ({ ...plain, ...rest }));

interface Outcome {
  readonly engine: Engine;
  readonly sequences: readonly Sequence[];
  readonly ends: readonly EndReason[][];
  readonly endedAt: readonly number[];
}

function decode(spec: EngineSpec, all: readonly Arrival[], look: (engine: Engine) => void = () => {}): Outcome {
  const kernel = new Kernel(1);
  const sequences = all.map((ask, request) => new Sequence({ ...ask, request, watched: true }));
  const ends: EndReason[][] = all.map(() => []);
  const endedAt: number[] = all.map(() => -1);
  const engine = new EngineRoom(kernel).start(spec, {
    admitted() {},
    firstToken() {},
    preempted() {},
    receiving(sequence) {
      const { transferMicros, arrives } = all[sequence.request]!;
      if (transferMicros === 0) engine.recompute(sequence);
      else kernel.schedule(transfer, (kernel.now + transferMicros) as Micros, sequence.request, Number(arrives));
    },
    ended(sequence, reason) {
      ends[sequence.request]!.push(reason);
      endedAt[sequence.request] = kernel.now;
    },
  });
  const submit = kernel.kind('test/submit', Priority.arrival, (request) => engine.submit(sequences[request]!));
  const leave = kernel.kind('test/leave', Priority.script, (request) => engine.abort(sequences[request]!));
  const transfer = kernel.kind('test/transfer', Priority.progress, (request, arrives) => {
    const sequence = sequences[request]!;
    if (sequence.state !== SequenceState.receiving) return;
    if (arrives === 1) engine.receive(sequence);
    else engine.recompute(sequence);
  });
  for (const [request, { at, leavesAfter }] of all.entries()) {
    kernel.schedule(submit, micros(at), request);
    if (leavesAfter !== undefined) kernel.schedule(leave, micros(at + leavesAfter), request);
  }
  while (kernel.step()) look(engine);
  return { engine, sequences, ends, endedAt };
}

describe('an engine that receives keys and values', () => {
  test('ends every sequence once, with all tokens unless its client left, whatever comes and does not come', () => {
    fc.assert(
      fc.property(spec, arrivals, (chosen, all) => {
        const { engine, sequences, ends } = decode(chosen, all, (ran) => {
          const { kvBlocksUsed, kvBlocksTotal, running, receiving } = ran.figures();
          expect(kvBlocksUsed).toBeLessThanOrEqual(kvBlocksTotal);
          if (running + receiving === 0) expect(kvBlocksUsed).toBe(0);
        });
        for (const { request, generated, outputTokens, tokenTimes } of sequences) {
          expect(ends[request]!.length).toBe(1);
          if (all[request]!.leavesAfter === undefined) expect(ends[request]).toEqual(['finished']);
          if (ends[request]![0] === 'finished') expect(generated).toBe(outputTokens);
          expect(tokenTimes!.length).toBe(generated);
        }
        expect(engine.figures()).toMatchObject({ running: 0, waiting: 0, receiving: 0, kvBlocksUsed: 0 });
      }),
      { numRuns: 1_000 },
    );
  });

  /** Ten blocks of one token; a step takes 10 µs. */
  const small: EngineSpec = {
    maxNumSeqs: 4,
    maxNumBatchedTokens: 100,
    blockSize: 1,
    kvBlocks: 10,
    maxModelLen: 10,
    stepTime: constantSteps(10),
  };
  const comes = (
    at: number,
    promptTokens: number,
    outputTokens: number,
    overrides: Partial<Arrival> = {},
  ): Arrival => ({
    at,
    promptTokens,
    outputTokens,
    priority: 0,
    transferMicros: 100,
    arrives: true,
    leg: 'decode',
    leavesAfter: undefined,
    ...overrides,
  });

  test('does not wait for what comes: others run meanwhile, and it takes its place when it is there', () => {
    const { endedAt } = decode(small, [comes(0, 4, 1), comes(0, 2, 3, { leg: 'whole' })]);
    expect(endedAt).toEqual([110, 30]);
  });

  test('idle, lets the next one in at once when a client leaves whose blocks were reserved', () => {
    const { endedAt } = decode(small, [comes(0, 8, 1, { transferMicros: 1_000, leavesAfter: 50 }), comes(10, 8, 1)]);
    expect(endedAt).toEqual([50, 160]);
  });

  test('does not let one that waits for blocks stand before one that holds them', () => {
    // The second's blocks are there when the first, out of blocks, is preempted and needs nearly all of them.
    const { ends, endedAt } = decode(small, [comes(0, 4, 6, { leg: 'whole' }), comes(0, 5, 4, { transferMicros: 5 })]);
    expect(ends).toEqual([['finished'], ['finished']]);
    expect(endedAt[1]).toBeLessThan(endedAt[0]!);
  });
});
