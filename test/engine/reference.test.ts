import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runEngine, story } from '../support/engine-run.ts';
import { runReference } from '../support/reference-engine.ts';

describe('the engine of segments', () => {
  test('gives every sequence the tokens and the end that an engine of single steps gives it, to the microsecond', () => {
    fc.assert(
      fc.property(story(), (told) => {
        const watched = { ...told, arrivals: told.arrivals.map((arrival) => ({ ...arrival, watched: true })) };
        const reference = runReference(watched);
        const { heard } = runEngine(watched);
        expect(
          heard.map(({ sequence, ended, preempted }) => ({
            tokenTimes: sequence.tokenTimes,
            ended: ended[0]?.at ?? -1,
            reason: ended[0]?.reason,
            preempted,
          })),
        ).toEqual(
          reference.map(({ tokenTimes, endedAt, reason, preempted }) => ({
            tokenTimes,
            ended: endedAt,
            reason,
            preempted,
          })),
        );
      }),
      { numRuns: 500 },
    );
  });
});
