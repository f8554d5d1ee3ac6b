import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EngineSpec, SequenceState, type StepWork } from '../../src/engine/index.ts';
import { integerModel, runEngine, story, submitted } from '../support/engine-run.ts';

const POLICIES = ['vllm', 'sglang', 'trtllm'] as const;
const SPEC = { maxNumSeqs: 8, maxNumBatchedTokens: 100, blockSize: 16, kvBlocks: 1_000, maxModelLen: 4_096 };

/** An engine that notes the work of its steps that are more than decoding. */
function noting(
  batching: (typeof POLICIES)[number],
  spec: Partial<EngineSpec> = {},
): { spec: EngineSpec; steps: StepWork[] } {
  const steps: StepWork[] = [];
  const { stepMicros, decodeMicros } = integerModel(10, 1, 0);
  const stepTime = {
    stepMicros: (work: Readonly<StepWork>): number => {
      steps.push({ ...work });
      return stepMicros(work);
    },
    decodeMicros: decodeMicros!,
  };
  return { spec: { ...SPEC, ...spec, batching, stepTime }, steps };
}

const arrival = (at: number, promptTokens: number, outputTokens = 50) => {
  return { at, promptTokens, outputTokens, watched: true, leavesAfter: undefined };
};

describe('whatever the batching', () => {
  test.each(POLICIES)('%s: every sequence ends once, with all tokens unless cut or left', (batching) => {
    fc.assert(
      fc.property(story(), (told) => {
        const run = runEngine({ ...told, spec: { ...told.spec, batching } });
        for (const { sequence, ended } of submitted(run, told)) {
          expect(ended.length).toBe(1);
          expect(sequence.state).toBe(SequenceState.ended);
          if (ended[0]!.reason === 'finished') expect(sequence.generated).toBe(sequence.outputTokens);
        }
        expect(run.engine.figures()).toMatchObject({ running: 0, waiting: 0, kvBlocksUsed: 0 });
      }),
      { numRuns: 300 },
    );
  });
});

describe('vLLM', () => {
  test('cuts a prompt to what decoding leaves of the budget', () => {
    const { spec, steps } = noting('vllm');
    runEngine({ spec, arrivals: [arrival(0, 20), arrival(40, 250)] });
    expect(steps.slice(1).map(({ sequences, promptTokens }) => [sequences, promptTokens])).toEqual([
      [2, 99],
      [2, 99],
      [2, 52],
    ]);
  });
});

describe('SGLang', () => {
  test('computes prompts alone while decoding stalls, in chunks of the whole budget', () => {
    const { spec, steps } = noting('sglang');
    const { heard } = runEngine({ spec, arrivals: [arrival(0, 20), arrival(40, 250)] });
    expect(steps.slice(1).map(({ sequences, promptTokens }) => [sequences, promptTokens])).toEqual([
      [1, 100],
      [1, 100],
      [1, 50],
    ]);
    const times = heard[0]!.sequence.tokenTimes!;
    const gaps = times.slice(1).map((time, index) => time - times[index]!);
    expect(Math.max(...gaps)).toBe(110 + 110 + 60 + 12);
  });

  test('never mixes prompts with decoding', () => {
    fc.assert(
      fc.property(story(), (told) => {
        // A last chunk of one token is told from a decoding sequence by nobody: prompts here are whole or long.
        const { spec, steps } = noting('sglang', { ...told.spec, maxNumBatchedTokens: 1_000 });
        const arrivals = told.arrivals.map((each) => ({ ...each, promptTokens: Math.max(2, each.promptTokens) }));
        runEngine({ ...told, arrivals, spec });
        for (const { promptSequences, sequences } of steps) expect([0, sequences]).toContain(promptSequences);
      }),
    );
  });
});

describe('TensorRT-LLM', () => {
  test('computes whole prompts beside decoding, one a step beyond the budget', () => {
    const { spec, steps } = noting('trtllm');
    runEngine({ spec, arrivals: [arrival(0, 20), arrival(40, 250), arrival(40, 60), arrival(40, 30)] });
    expect(steps.slice(1).map(({ sequences, promptTokens }) => [sequences, promptTokens])).toEqual([
      [2, 250],
      [4, 90],
    ]);
  });

  test('reserves blocks to the end of the answer: nothing is ever preempted', () => {
    fc.assert(
      fc.property(story(), (told) => {
        const { engine } = runEngine({ ...told, spec: { ...told.spec, batching: 'trtllm' } });
        expect(engine.figures().preemptions).toBe(0);
      }),
    );
  });
});

describe('the front end', () => {
  test('lets a request into the queue later, by the fixed time and that of its tokens', () => {
    const arrivals = [arrival(0, 20, 3), arrival(5_000, 40, 3)];
    const bare = runEngine({ spec: noting('vllm').spec, arrivals });
    const { spec } = noting('vllm', { frontEnd: { fixedMicros: 500, perTokenMicros: 2 } });
    const behind = runEngine({ spec, arrivals });
    for (const [request, { firstTokenAt, ended }] of behind.heard.entries()) {
      const delay = 500 + 2 * arrivals[request]!.promptTokens;
      expect(firstTokenAt[0]).toBe(bare.heard[request]!.firstTokenAt[0]! + delay);
      expect(ended[0]!.at).toBe(bare.heard[request]!.ended[0]!.at + delay);
    }
  });

  test('loses nobody: every sequence ends once, though its client leaves or its engine dies before it is in', () => {
    fc.assert(
      fc.property(story(), fc.nat(2_000), fc.nat(20), (told, fixedMicros, perTokenMicros) => {
        const run = runEngine({ ...told, spec: { ...told.spec, frontEnd: { fixedMicros, perTokenMicros } } });
        for (const { ended } of submitted(run, told)) expect(ended.length).toBe(1);
        expect(run.engine.figures()).toMatchObject({ running: 0, waiting: 0, kvBlocksUsed: 0 });
      }),
    );
  });
});
