import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DisaggregatedOptions } from '../support/disaggregated.ts';
import { type Ask, disaggregated, live, type Strike } from '../support/disaggregated.ts';
import { hashOf } from '../support/world.ts';

/** Long enough for most of what is asked to be going on. */
const STORY_MICROS = 2_000_000;

const ask = (leavesAfter: fc.Arbitrary<number | undefined>): fc.Arbitrary<Ask> =>
  fc.record({
    at: fc.nat(STORY_MICROS),
    promptTokens: fc.integer({ min: 1, max: 3_000 }),
    outputTokens: fc.integer({ min: 1, max: 40 }),
    leavesAfter,
  });

const asks = (leavesAfter: fc.Arbitrary<number | undefined> = fc.constant(undefined)): fc.Arbitrary<Ask[]> =>
  fc.array(ask(leavesAfter), { minLength: 1, maxLength: 30, size: 'max' });

const leaves = fc.option(fc.nat(1_000_000), { nil: undefined, freq: 2 });

const lasting = fc.integer({ min: 1, max: STORY_MICROS });

const transferFault: fc.Arbitrary<Strike['fault']> = fc.oneof(
  fc.record({ kind: fc.constant('break-link' as const), lasting }),
  fc.record({ kind: fc.constant('slow-link' as const), factor: fc.integer({ min: 2, max: 200 }), lasting }),
);
const kill: fc.Arbitrary<Strike['fault']> = fc.record({
  kind: fc.constant('kill-pod' as const),
  unit: fc.constantFrom('prefill' as const, 'decode' as const),
  replica: fc.nat(1),
});
const strikes = (fault: fc.Arbitrary<Strike['fault']>): fc.Arbitrary<Strike[]> =>
  fc.array(fc.record({ at: fc.nat(STORY_MICROS), fault }), { maxLength: 4 });

const options: fc.Arbitrary<DisaggregatedOptions> = fc.record({
  prefill: fc.integer({ min: 1, max: 2 }),
  decode: fc.integer({ min: 1, max: 2 }),
  kvTransfer: fc.record({
    uploads: fc.constantFrom('parallel' as const, 'serial' as const),
    mode: fc.constantFrom('pull' as const, 'push' as const),
    firstToken: fc.constantFrom('prefill' as const, 'decode' as const),
    retries: fc.nat(2),
    bytesPerSecond: fc.constantFrom(1e9, 25e9),
  }),
  prefillEngine: fc.record({ maxModelLen: fc.constant(3_100), kvBlocks: fc.integer({ min: 194, max: 600 }) }),
  decodeEngine: fc.record({
    maxModelLen: fc.constant(3_100),
    kvBlocks: fc.integer({ min: 194, max: 600 }),
    maxNumSeqs: fc.integer({ min: 1, max: 8 }),
    watermark: fc.constantFrom(0, 0.1),
  }),
});

describe('prefill and decode on different engines', () => {
  test('every request ends once and with all its tokens, however links break and slow down', () => {
    fc.assert(
      fc.property(options, asks(), strikes(transferFault), (chosen, all, faults) => {
        const world = disaggregated(chosen);
        for (const [index, reply] of live(world, all, faults).entries()) {
          expect(reply.state).toBe('finished');
          expect(world.requests.record(reply.number).outputTokens).toBe(all[index]!.outputTokens);
          expect(reply.tokensSent).toBe(all[index]!.outputTokens);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('every request ends once, whoever is killed and whoever leaves, and only those end early', () => {
    fc.assert(
      fc.property(options, asks(leaves), strikes(fc.oneof(transferFault, kill)), (chosen, all, faults) => {
        const world = disaggregated(chosen);
        const killed = faults.some(({ fault }) => fault.kind === 'kill-pod');
        for (const [index, reply] of live(world, all, faults).entries()) {
          const { outputTokens } = world.requests.record(reply.number);
          expect(reply.state).not.toBe('open');
          if (reply.state === 'finished') expect(outputTokens).toBe(all[index]!.outputTokens);
          if (reply.state === 'aborted') expect(all[index]!.leavesAfter).toBeDefined();
          if (reply.state === 'cut' || reply.state === 'refused') expect(killed).toBe(true);
          if (reply.state !== 'refused') expect(reply.tokensSent).toBe(outputTokens);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a decode pod that hangs is handed answers as before, for nobody has noticed', () => {
    const world = disaggregated({ decode: 2 });
    const all = Array.from({ length: 20 }, (_, index) => ({ at: index * 200_000, promptTokens: 50, outputTokens: 5 }));
    const lasting = 60_000_000;
    const fault = { kind: 'hang-container', unit: 'decode', replica: 0, lasting } as const;
    const replies = live(world, all, [{ at: 1, fault }]);
    const late = replies.filter((reply) => reply.tokenTime(0) - world.settledAt > lasting);
    expect(replies.every(({ state }) => state === 'finished')).toBe(true);
    expect(late.length).toBeGreaterThanOrEqual(9);
    expect(late.length).toBeLessThanOrEqual(11);
  });

  test('the same story is the same run', () => {
    fc.assert(
      fc.property(options, asks(leaves), strikes(fc.oneof(transferFault, kill)), (chosen, all, faults) => {
        const run = (): string => {
          const world = disaggregated(chosen);
          live(world, all, faults, { look: () => {} });
          return hashOf(world);
        };
        expect(run()).toBe(run());
      }),
      { numRuns: 15 },
    );
  });
});
