import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runEngine, STORY_MICROS, story } from '../support/engine-run.ts';

const spell = fc.record({ at: fc.nat(STORY_MICROS), lasting: fc.integer({ min: 1, max: STORY_MICROS }) });

/** Of every sequence the moments of its tokens. */
function tokens(run: ReturnType<typeof runEngine>): number[][] {
  return run.heard.map(({ sequence }) => [...(sequence.tokenTimes ?? [])]);
}

describe('a stalled engine', () => {
  test('has sent what was computed by then, sends nothing meanwhile, and everything in the end', () => {
    fc.assert(
      fc.property(story(), spell, ({ diesAt: _, ...told }, stall) => {
        const arrivals = told.arrivals.map((arrival) => ({ ...arrival, watched: true, leavesAfter: undefined }));
        const plain = runEngine({ ...told, arrivals });
        const stalled = runEngine({ ...told, arrivals, stall });
        for (const [index, times] of tokens(stalled).entries()) {
          // A token at the very moment of the stall was computed by then.
          const before = (moments: readonly number[]) => moments.filter((at) => at < stall.at);
          expect(before(times)).toEqual(before(tokens(plain)[index]!));
          expect(times.filter((at) => at > stall.at && at <= stall.at + stall.lasting)).toEqual([]);
          expect(times).toHaveLength(arrivals[index]!.outputTokens);
        }
        for (const { ended } of stalled.heard) expect(ended.map(({ reason }) => reason)).toEqual(['finished']);
        expect(stalled.engine.figures()).toMatchObject({ running: 0, waiting: 0, kvBlocksUsed: 0 });
      }),
    );
  });

  test('ends every sequence once, whoever leaves and whenever it dies', () => {
    fc.assert(
      fc.property(story(), spell, (told, stall) => {
        const { heard, engine } = runEngine({ ...told, stall });
        for (const [request, { ended }] of heard.entries()) {
          const came = told.diesAt === undefined || told.arrivals[request]!.at <= told.diesAt;
          expect(ended).toHaveLength(came ? 1 : 0);
        }
        expect(engine.figures()).toMatchObject({ running: 0, waiting: 0, kvBlocksUsed: 0 });
      }),
    );
  });
});
