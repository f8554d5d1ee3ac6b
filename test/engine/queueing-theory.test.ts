import { describe, expect, test } from 'vitest';
import {
  batchMeans,
  type EngineParts,
  measuredWaits,
  measureLittle,
  type QueueCase,
  theoreticalWait,
} from '../../bench/support/queueing.ts';
import { EngineRoom, Sequence } from '../../src/engine/index.ts';
import { Kernel, Priority } from '../../src/kernel/index.ts';

const PARTS: EngineParts = { Kernel, Priority, EngineRoom, Sequence };

/** The long form, with loads up to 0.9 and millions of requests, is `npx tsx bench/queueing-theory.ts`. */
const REQUESTS = 60_000;

describe('queueing theory', () => {
  const cases: QueueCase[] = (['M/D/1', 'M/G/1'] as const).flatMap((name) =>
    [0.5, 0.8].map((load) => ({ name, load, requests: REQUESTS })),
  );

  test.each(cases)('a prefill engine that computes one prompt at a time waits as an $name at load $load', (queue) => {
    const { mean, halfWidth } = batchMeans(measuredWaits(PARTS, 1, queue));
    const theory = theoreticalWait(queue);
    expect(Math.abs(mean - theory)).toBeLessThan(halfWidth);
    expect(halfWidth / theory).toBeLessThan(0.1);
  });

  test.each([0.5, 0.8])(
    "a decode engine obeys Little's law at load %d, and its batch is processor sharing's",
    (load) => {
      const { inside, rateTimesStay, theory, seen } = measureLittle(PARTS, 1, load, REQUESTS);
      expect(inside / rateTimesStay).toBeCloseTo(1, 9);
      // Poisson arrivals see time averages.
      expect(Math.abs(seen.mean - inside)).toBeLessThan(seen.halfWidth);
      expect(Math.abs(seen.mean - theory)).toBeLessThan(seen.halfWidth);
      expect(seen.halfWidth / theory).toBeLessThan(0.1);
    },
  );
});
