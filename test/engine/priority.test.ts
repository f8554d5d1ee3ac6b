import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EngineSpec, type Sequence, SequenceState } from '../../src/engine/index.ts';
import { STORY_MICROS, tightSpec } from '../support/engine-run.ts';
import { constantSteps, type Sent, type Served, serve } from '../support/serve.ts';

const sent: fc.Arbitrary<Sent[]> = fc.array(
  fc.record({
    at: fc.nat(STORY_MICROS / 3),
    promptTokens: fc.integer({ min: 1, max: 40 }),
    outputTokens: fc.integer({ min: 1, max: 30 }),
    priority: fc.integer({ min: -2, max: 2 }),
  }),
  { minLength: 2, maxLength: 25, size: 'max' },
);

const spec = tightSpec(fc.integer({ min: 1, max: 40 }).map(constantSteps));

/** Whether `a` is to be served before `b`. */
const POLICIES = {
  fcfs: (a: Sequence, b: Sequence) => a.order < b.order,
  priority: (a: Sequence, b: Sequence) => a.priority < b.priority || (a.priority === b.priority && a.order < b.order),
} as const;

describe.each(Object.entries(POLICIES))('an engine that schedules by %s', (policy, before) => {
  const schedulingPolicy = policy as keyof typeof POLICIES;

  test('admits nobody while one who goes before waits', () => {
    fc.assert(
      fc.property(spec, sent, (plain, asks) => {
        const { served } = serve({ ...plain, schedulingPolicy }, asks);
        const overtakes = ({ at, admittedAt, sequence }: Served, other: Served): boolean =>
          at < other.admittedAt && other.admittedAt < admittedAt && before(sequence, other.sequence);
        for (const waits of served) for (const other of served) expect(overtakes(waits, other)).toBe(false);
      }),
    );
  });

  test('preempts nobody while one who goes after keeps running', () => {
    let preemptions = 0;
    fc.assert(
      fc.property(spec, sent, (plain, asks) => {
        const all: Sequence[] = [];
        serve({ ...plain, schedulingPolicy }, asks, {
          admitted: (_, sequence) => all.push(sequence),
          preempted(_, victim) {
            preemptions++;
            for (const other of all)
              if (other.state === SequenceState.running) expect(before(other, victim)).toBe(true);
          },
        });
      }),
    );
    expect(preemptions).toBeGreaterThan(0);
  });

  test('gives everybody all tokens', () => {
    fc.assert(
      fc.property(spec, sent, (plain, asks) => {
        const { served } = serve({ ...plain, schedulingPolicy }, asks);
        for (const { sequence, ends } of served) {
          expect(ends).toEqual(['finished']);
          expect(sequence.generated).toBe(sequence.outputTokens);
        }
      }),
    );
  });
});

describe('a watermark', () => {
  const watermarked = (plain: EngineSpec, watermark: number): EngineSpec => ({ ...plain, watermark });

  test('leaves its share of the blocks free whenever somebody is admitted beside others', () => {
    fc.assert(
      fc.property(spec, sent, fc.double({ min: 0, max: 0.9, noNaN: true }), (plain, asks, watermark) => {
        serve(watermarked(plain, watermark), asks, {
          admitted(engine) {
            const { kvBlocksUsed, kvBlocksTotal, running } = engine.figures();
            if (running === 1) return;
            expect(kvBlocksTotal - kvBlocksUsed).toBeGreaterThanOrEqual(Math.floor(watermark * kvBlocksTotal));
          },
        });
      }),
    );
  });

  test('never keeps anybody out for good, however high it is', () => {
    fc.assert(
      fc.property(spec, sent, fc.double({ min: 0, max: 1, noNaN: true }), (plain, asks, watermark) => {
        const { served } = serve(watermarked(plain, watermark), asks);
        for (const { ends } of served) expect(ends).toEqual(['finished']);
      }),
    );
  });
});
