import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitsSizeLimit, LONGEST_ANSWER, nextDeadline } from '../../src/gateway/limits.ts';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import { REQUEST_SIZE_RANGE, requestSizeProblem, timeoutProblem } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';

const timeout = fc.integer({ min: 1, max: 1_200 }).map(fromSeconds);
const moment = fc.nat(10_000_000_000).map((at) => at as Micros);

describe('the request timeout', () => {
  test('runs from the request to the first token, and is never shorter than configured (guide 259)', () => {
    fc.assert(
      fc.property(timeout, moment, (configured, arrivedAt) => {
        expect(nextDeadline(configured, arrivedAt) - arrivedAt).toBe(configured);
      }),
    );
  });

  guideRule(259, 'each piece of an answer begins the timeout anew, and it is never shorter than configured', () => {
    const gaps = fc.array(fc.nat(1_300_000_000), { maxLength: 30 });
    fc.assert(
      fc.property(timeout, moment, gaps, (configured, arrivedAt, pieces) => {
        const end = arrivedAt + LONGEST_ANSWER;
        let lastPieceAt = arrivedAt;
        for (const gap of pieces) {
          const deadline = nextDeadline(configured, arrivedAt, lastPieceAt);
          expect(deadline === end || deadline - lastPieceAt === configured).toBe(true);
          expect(deadline).toBeLessThanOrEqual(end);
          if (lastPieceAt + gap >= deadline) return;
          const before = deadline;
          lastPieceAt = (lastPieceAt + gap) as Micros;
          // A timer set for the deadline before fires too early or in time, never too late.
          expect(nextDeadline(configured, arrivedAt, lastPieceAt)).toBeGreaterThanOrEqual(before);
        }
      }),
    );
  });

  guideRule(259, 'nothing outlives 3,600 seconds, however often pieces come', () => {
    const lastPieceAt = fromSeconds(3_599);
    expect(nextDeadline(fromSeconds(1_200), 0 as Micros, lastPieceAt)).toBe(fromSeconds(3_600));
    expect(nextDeadline(fromSeconds(7_200), 0 as Micros)).toBe(fromSeconds(3_600));
  });

  test.each<[number, 'guide' | 'contract', boolean]>([
    [1, 'guide', true],
    [1_200, 'guide', true],
    [0, 'guide', false],
    [1_201, 'guide', false],
    [1.5, 'guide', false],
    [7_200, 'contract', true],
    [7_201, 'contract', false],
  ])('%d s by the %s is allowed: %s (guide 259, 3385)', (seconds, range, allowed) => {
    expect(timeoutProblem(seconds, range) === undefined).toBe(allowed);
  });

  guideRule(259, 'a request timeout is 1 to 1,200 seconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 1_300 }), (seconds) => {
        expect(timeoutProblem(seconds) === undefined).toBe(seconds >= 1 && seconds <= 1_200);
      }),
    );
  });
});

describe('the request size limit', () => {
  guideRule(264, 'a request size limit is 1 to 50 MB', () => {
    const { low, high } = REQUEST_SIZE_RANGE;
    expect([low, high].map(requestSizeProblem)).toEqual([undefined, undefined]);
    expect(requestSizeProblem(0)).toBe('a request size limit is 1 to 50 MB, not 0');
    expect(requestSizeProblem(51)).toBe('a request size limit is 1 to 50 MB, not 51');
  });

  guideRule(264, 'a request of just the size limit passes, and one byte more does not', () => {
    expect([2 ** 20, 2 ** 20 + 1].map((bytes) => fitsSizeLimit(bytes, 1))).toEqual([true, false]);
  });
});
