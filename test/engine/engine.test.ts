import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EngineFigures, SequenceState } from '../../src/engine/index.ts';
import { NEVER } from '../../src/kernel/index.ts';
import { type Observer, runEngine, STORY_MICROS, story, submitted } from '../support/engine-run.ts';

const moments = fc.array(fc.nat(3 * STORY_MICROS), { maxLength: 60 });

/** Figures that only grow. */
const SUMS = ['busyMicros', 'kvBlockMicros', 'promptTokens', 'generationTokens', 'preemptions'] as const;

describe('an engine, whatever reaches it', () => {
  test('every sequence ends exactly once', () => {
    fc.assert(
      fc.property(story(), (told) => {
        const run = runEngine(told);
        for (const { sequence, ended } of submitted(run, told)) {
          expect(ended.length).toBe(1);
          expect(sequence.state).toBe(SequenceState.ended);
        }
        expect(run.engine.figures()).toMatchObject({ running: 0, waiting: 0, kvBlocksUsed: 0 });
      }),
    );
  });

  test('tokens out are the tokens due, unless the client left or the engine died', () => {
    fc.assert(
      fc.property(story(), (told) => {
        const run = runEngine(told);
        for (const { sequence, ended } of submitted(run, told)) {
          const { reason } = ended[0]!;
          const { leavesAfter } = told.arrivals[sequence.request]!;
          if (reason === 'finished') expect(sequence.generated).toBe(sequence.outputTokens);
          else expect(sequence.generated).toBeLessThan(sequence.outputTokens);
          if (reason === 'aborted') expect(leavesAfter).toBeDefined();
          if (reason === 'cut') expect(ended[0]!.at).toBe(told.diesAt);
          expect(ended[0]!.generated).toBe(sequence.generated);
        }
      }),
    );
  });

  test('a sequence is admitted and has its first token once, in that order, after it came and before it ends', () => {
    fc.assert(
      fc.property(story(), (told) => {
        const run = runEngine(told);
        for (const { sequence, admittedAt, firstTokenAt, ended } of submitted(run, told)) {
          expect(admittedAt.length).toBeLessThanOrEqual(1);
          expect(firstTokenAt.length).toBe(sequence.generated > 0 ? 1 : 0);
          const moments = [told.arrivals[sequence.request]!.at, ...admittedAt, ...firstTokenAt, ended[0]!.at];
          expect(moments).toEqual(moments.toSorted((a, b) => a - b));
          if (firstTokenAt.length > 0) expect(firstTokenAt[0]).toBeGreaterThan(admittedAt[0]!);
        }
      }),
    );
  });

  test('a watched sequence has one moment for each token: ever later, from the first token to the end', () => {
    fc.assert(
      fc.property(story(), (told) => {
        const run = runEngine(told);
        for (const { sequence, firstTokenAt, ended } of submitted(run, told)) {
          const { tokenTimes } = sequence;
          if (tokenTimes === undefined) continue;
          expect(tokenTimes.length).toBe(sequence.generated);
          for (let index = 1; index < tokenTimes.length; index++) {
            expect(tokenTimes[index]).toBeGreaterThan(tokenTimes[index - 1]!);
          }
          if (tokenTimes.length === 0) continue;
          expect(tokenTimes[0]).toBe(firstTokenAt[0]);
          if (ended[0]!.reason === 'finished') expect(tokenTimes.at(-1)).toBe(ended[0]!.at);
          else expect(tokenTimes.at(-1)).toBeLessThanOrEqual(ended[0]!.at);
        }
      }),
    );
  });

  test('KV blocks are conserved: never more than there are, none while nothing runs, held only while busy', () => {
    fc.assert(
      fc.property(story(), moments, (told, asked) => {
        let last: EngineFigures | undefined;
        const observer: Observer = {
          moments: asked,
          look(engine, kernel) {
            const figures = engine.figures();
            expect(figures.kvBlocksTotal).toBe(told.spec.kvBlocks);
            expect(figures.kvBlocksUsed).toBeLessThanOrEqual(figures.kvBlocksTotal);
            expect(figures.kvBlocksUsed).toBeGreaterThanOrEqual(figures.running > 0 ? 1 : 0);
            if (figures.running === 0) expect(figures.kvBlocksUsed).toBe(0);
            expect(figures.running).toBeLessThanOrEqual(told.spec.maxNumSeqs);
            expect(figures.busyMicros).toBeLessThanOrEqual(kernel.now);
            expect(figures.kvBlockMicros).toBeLessThanOrEqual(figures.busyMicros * figures.kvBlocksTotal);
            for (const name of SUMS) expect(figures[name], name).toBeGreaterThanOrEqual(last?.[name] ?? 0);
            last = figures;
          },
        };
        const { engine, heard } = runEngine(told, observer);
        const total = engine.figures();
        expect(total.generationTokens).toBe(heard.reduce((sum, { sequence }) => sum + sequence.generated, 0));
        expect(total.preemptions).toBe(heard.reduce((sum, { preempted }) => sum + preempted, 0));
        const admitted = heard.filter(({ admittedAt }) => admittedAt.length > 0);
        expect(total.promptTokens).toBe(admitted.reduce((sum, { sequence }) => sum + sequence.promptTokens, 0));
      }),
    );
  });

  test('the tokens that it counts at a moment are those that have left by then', () => {
    fc.assert(
      fc.property(story(), moments, (told, asked) => {
        const watched = { ...told, arrivals: told.arrivals.map((arrival) => ({ ...arrival, watched: true })) };
        const counted: { at: number; tokens: number }[] = [];
        const { heard } = runEngine(watched, {
          moments: asked,
          look: (engine, kernel) => counted.push({ at: kernel.now, tokens: engine.figures().generationTokens }),
        });
        const left = heard.flatMap(({ sequence }) => sequence.tokenTimes!);
        for (const { at, tokens } of counted) expect(tokens).toBe(left.filter((time) => time <= at).length);
      }),
    );
  });

  test('what it says of a token whose moment has come stays true', () => {
    fc.assert(
      fc.property(story(), moments, (told, asked) => {
        const said: { request: number; index: number; time: number }[] = [];
        const { heard } = runEngine(told, {
          moments: asked,
          look(engine, kernel, heard) {
            for (const { sequence } of heard) {
              for (let index = 0; sequence.tokenTimes !== undefined && index < sequence.outputTokens; index++) {
                const time = engine.tokenTime(sequence, index);
                if (time <= kernel.now) said.push({ request: sequence.request, index, time });
                else expect(time === NEVER || time > kernel.now).toBe(true);
              }
            }
          },
        });
        for (const { request, index, time } of said) expect(heard[request]!.sequence.tokenTimes![index]).toBe(time);
      }),
    );
  });

  test('whether anyone asks changes nothing', () => {
    fc.assert(
      fc.property(story(), moments, (told, asked) => {
        const observed = runEngine(told, {
          moments: asked,
          look(engine, _kernel, heard) {
            engine.figures();
            for (const { sequence } of heard) engine.tokenTime(sequence, sequence.generated);
          },
        });
        const alone = runEngine(told);
        expect(observed.hash).toBe(alone.hash);
        expect(observed.kernel.events).toBe(alone.kernel.events);
        expect(observed.engine.figures().kvBlockMicros).toBe(alone.engine.figures().kvBlockMicros);
      }),
    );
  });

  test('whether a sequence is watched changes nothing', () => {
    fc.assert(
      fc.property(story(), (told) => {
        const all = (watched: boolean) =>
          runEngine({ ...told, arrivals: told.arrivals.map((arrival) => ({ ...arrival, watched })) });
        expect(all(true).hash).toBe(all(false).hash);
      }),
    );
  });

  test('stories as tight as these preempt, abort and cut', () => {
    const counts = { preempted: 0, finished: 0, aborted: 0, cut: 0 };
    for (const told of fc.sample(story(), { numRuns: 200, seed: 1 })) {
      for (const { preempted, ended } of submitted(runEngine(told), told)) {
        counts.preempted += preempted;
        counts[ended[0]!.reason]++;
      }
    }
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(20);
  });
});
