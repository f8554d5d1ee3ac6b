import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextTry } from '../../src/gateway/retry.ts';
import { fromMillis, type Micros, NEVER } from '../../src/kernel/index.ts';
import { retryProblem } from '../../src/platform/index.ts';

const spec = { count: 2, interval: fromMillis(100) };
const failed = { retries: 0, at: fromMillis(5_000), piecesSent: 0, deadline: NEVER };

describe('request retry', () => {
  test('comes as often as configured, each an interval after the failure', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 10_000 }), (count, milliseconds) => {
        const interval = fromMillis(milliseconds);
        let at: Micros | undefined = fromMillis(1);
        let retries = 0;
        while ((at = nextTry({ count, interval }, { ...failed, at, retries })) !== undefined) {
          retries++;
          expect(at).toBe(fromMillis(1) + retries * interval);
        }
        expect(retries).toBe(count);
      }),
    );
  });

  test('does not come once the client has a part of the answer', () => {
    expect(nextTry(spec, { ...failed, piecesSent: 1 })).toBeUndefined();
  });

  test('does not come when the request would have timed out', () => {
    expect(nextTry(spec, { ...failed, deadline: fromMillis(5_101) })).toBe(fromMillis(5_100));
    expect(nextTry(spec, { ...failed, deadline: fromMillis(5_100) })).toBeUndefined();
  });

  test.each<[number, number, boolean]>([
    [1, 1, true],
    [10, 10_000, true],
    [0, 100, false],
    [11, 100, false],
    [1.5, 100, false],
    [1, 0, false],
    [1, 10_001, false],
  ])('%d times after %d ms is allowed: %s', (count, milliseconds, allowed) => {
    expect(retryProblem({ count, interval: fromMillis(milliseconds) }) === undefined).toBe(allowed);
  });
});
