import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reply } from '../../src/gateway/index.ts';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import { Outcome } from '../../src/telemetry/index.ts';
import { ask, called, tokenTimes, untilEnded } from '../support/calls.ts';
import { guideRule } from '../support/guide-rule.ts';
import { quick, quickUnit } from '../support/quick.ts';
import { DEPLOYMENT, SERVICE } from '../support/world.ts';

const SECOND = 1_000_000;
const HANG = { kind: 'hang-container', service: SERVICE, deployment: DEPLOYMENT, instance: 0 } as const;
const endless = { maxTokens: 900, ignoreEos: true };

/** One instance whose steps take so many milliseconds, and whose probes let it hang. */
function steady(stepMs: number, seconds: number) {
  const [unit] = quick().units;
  const stepTime = { a: stepMs, b: 0, c: 0 };
  const engine = { ...unit!.engine!, stepTime: { kind: 'affine', prefill: stepTime, decode: stepTime } as const };
  const { startup } = unit!.probes;
  const units = [quickUnit({ engine, probes: startup === undefined ? {} : { startup } })];
  return called({ requestTimeout: fromSeconds(seconds) }, [quick({ instances: 1, units })]);
}

describe('the request timeout, end to end (guide 259)', () => {
  guideRule(259, 'a request without a first token within the timeout is terminated', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_200 }), fc.boolean(), (seconds, streamed) => {
        const lab = steady(10, seconds);
        lab.strike(HANG);
        const reply = ask(lab, { ...endless, streamed });
        untilEnded(lab);
        expect(reply.endedAt - reply.arrivedAt).toBe(seconds * SECOND);
        expect(reply).toMatchObject({ state: 'cut', refusal: { error: 'backendTimeout', status: 504 } });
        expect(lab.world.requests.record(reply.number)).toMatchObject({ outcome: Outcome.cut, status: 504 });
        expect(lab.world.gateway.work).toMatchObject({ requests: 0, attempts: 0, choices: 0 });
      }),
      { numRuns: 15 },
    );
  });

  test('begins anew with each piece: a stream is cut so long after its last, and not before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 50_000, max: 8_000_000 }), (seconds, hangs) => {
        const lab = steady(10, seconds);
        const reply = ask(lab, endless);
        lab.world.runUntil((reply.arrivedAt + hangs) as Micros);
        lab.strike(HANG);
        untilEnded(lab);
        const times = tokenTimes(reply);
        expect(reply).toMatchObject({ state: 'cut', refusal: undefined });
        expect(reply.endedAt - reply.arrivedAt).toBe(times.at(-1)! + seconds * SECOND);
        expect(lab.world.requests.record(reply.number)).toMatchObject({ status: 200, outputTokens: times.length });
      }),
      { numRuns: 20 },
    );
  });

  test('never fires while pieces keep coming in time, and is one for an answer that is not streamed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 1_900 }), (stepMs) => {
        const [stream, whole] = [true, false].map((streamed) => {
          const lab = steady(stepMs, 2);
          const reply = ask(lab, { maxTokens: 40, streamed });
          untilEnded(lab);
          return reply;
        }) as [Reply, Reply];
        expect(stream.state).toBe('finished');
        const inTime = tokenTimes(stream).at(-1)! <= 2 * SECOND;
        expect([whole.state, whole.tokensSent]).toEqual(inTime ? ['finished', 20] : ['cut', 0]);
        if (!inTime) expect(whole.endedAt - whole.arrivedAt).toBe(2 * SECOND);
      }),
      { numRuns: 20 },
    );
  });

  test('nothing outlives 3,600 s, and until then a stream that keeps flowing is let flow', () => {
    const lab = steady(5_000, 60);
    const [short, long] = [ask(lab, { maxTokens: 700, ignoreEos: true }), ask(lab, endless)];
    untilEnded(lab);
    expect(short.state).toBe('finished');
    expect(long).toMatchObject({ state: 'cut', refusal: undefined });
    expect(long.endedAt - long.arrivedAt).toBe(3_600 * SECOND);
    expect(tokenTimes(long)).toHaveLength(long.tokensSent);
    expect(tokenTimes(long).at(-1)).toBeLessThanOrEqual(3_600 * SECOND);
  });

  test('a client that leaves before is no timeout, and what a pod is asked itself has none', () => {
    const lab = steady(10, 1);
    lab.strike({ ...HANG, lasting: fromSeconds(30) });
    const [gone, direct] = [ask(lab, endless), ask(lab, { to: { slot: 'chat/main/0' }, maxTokens: 5 })];
    lab.pass(0.5);
    lab.world.apply(lab.world.now, { kind: 'disconnect', request: gone.number });
    untilEnded(lab);
    expect([gone.state, direct.state]).toEqual(['aborted', 'finished']);
  });
});
