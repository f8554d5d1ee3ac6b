import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromMillis, fromSeconds, type Micros } from '../../src/kernel/index.ts';
import type { Deployment, ServiceSpec } from '../../src/platform/index.ts';
import { Outcome } from '../../src/telemetry/index.ts';
import { ask, called, deploymentOf, slotOf, tokenTimes, untilEnded } from '../support/calls.ts';
import { quick } from '../support/quick.ts';
import { DEPLOYMENT, hashOf, SERVICE } from '../support/world.ts';

const KILL = { kind: 'kill-pod', service: SERVICE, deployment: DEPLOYMENT } as const;
const retry = { count: 2, interval: fromMillis(100) };

describe('retries, end to end', () => {
  test('a request whose backend is lost before its first piece goes to another, so long after', () => {
    const lab = called({ retry }, [quick({ instances: 2 })]);
    const reply = ask(lab);
    const first = slotOf(lab, reply);
    lab.strike({ ...KILL, instance: 0 });
    expect(lab.world.gateway.work).toMatchObject({ requests: 1, waiting: 1, attempts: 0 });
    untilEnded(lab);
    expect(reply).toMatchObject({ state: 'finished', tokensSent: 20, refusal: undefined });
    expect(slotOf(lab, reply)).not.toBe(first);
    // Its first token comes a step after the retry.
    expect(tokenTimes(reply)[0]).toBeGreaterThan(100_000);
    expect(lab.world.requests.size).toBe(1);
  });

  test('it goes to another deployment where its own has nobody else, whatever their weights', () => {
    const lab = called({ retry: { count: 1, interval: fromMillis(1) } }, [
      quick({ instances: 1, weight: 90 }),
      quick({ name: 'other', instances: 1, weight: 10 }),
    ]);
    const [{ backends }, others] = lab.service.deployments as [Deployment, Deployment];
    const [node, another] = [backends[0]!, others.backends[0]!].map(({ pods }) => pods[0]!.placement!.node.name);
    expect(node).not.toBe(another);
    // Of a dead node the gateway learns when its calls fail.
    lab.strike({ kind: 'node-crash', node: node! });
    const replies = Array.from({ length: 20 }, () => ask(lab));
    untilEnded(lab);
    expect(replies.filter(({ state }) => state !== 'finished')).toEqual([]);
  });

  test('a stream that has begun is cut; an answer that is not streamed is made anew', () => {
    const lab = called({ retry }, [quick({ instances: 1 })]);
    const [stream, whole] = [ask(lab), ask(lab, { streamed: false })];
    lab.pass(0.1);
    expect([stream.tokensSent > 0, whole.tokensSent > 0]).toEqual([true, true]);
    lab.strike({ ...KILL, instance: 0 });
    expect(stream.state).toBe('cut');
    // The only pod is gone for longer than it is tried.
    untilEnded(lab);
    expect(whole).toMatchObject({ state: 'cut', tokensSent: 0, refusal: { error: 'noBackend', status: 503 } });
    expect(whole.endedAt - whole.arrivedAt).toBe(300_000);
  });

  test('never past the deadline, nor for a client that has left, nor once everything is stopped', () => {
    const lab = called({ retry: { count: 10, interval: fromSeconds(2) }, requestTimeout: fromSeconds(3) }, [
      quick({ instances: 1 }),
    ]);
    const [late, gone] = [ask(lab), ask(lab)];
    lab.strike({ ...KILL, instance: 0 });
    lab.pass(1);
    lab.world.apply(lab.world.now, { kind: 'disconnect', request: gone.number });
    expect(gone.state).toBe('aborted');
    const stopped = called({ retry });
    const waiting = ask(stopped);
    stopped.strike({ ...KILL, instance: 0 });
    stopped.world.apply(stopped.world.now, { kind: 'stop' });
    expect(waiting).toMatchObject({ state: 'cut', endedAt: stopped.world.now });
    stopped.world.check();
    untilEnded(lab);
    // At 2 s nobody is there, and at 4 s its time would be over.
    expect(late).toMatchObject({ state: 'cut', refusal: { error: 'noBackend' } });
    expect(late.endedAt - late.arrivedAt).toBe(2_000_000);
  });

  const settings: Partial<ServiceSpec> = {
    retry: { count: 3, interval: fromMillis(50) },
    requestTimeout: fromSeconds(2),
    circuitBreaker: { errorRate: 0.5 },
  };
  const deed = fc.record({
    gap: fc.nat(400_000),
    kill: fc.option(fc.nat(2), { nil: undefined, freq: 3 }),
    streamed: fc.boolean(),
    leaves: fc.boolean(),
  });
  type Deed = typeof deed extends fc.Arbitrary<infer Value> ? Value : never;

  const live = (deeds: readonly Deed[]) => {
    const routing = { policy: 'least-connections' } as const;
    const lab = called(settings, [
      quick({ instances: 3, routing }),
      quick({ name: 'shadow', instances: 1, mirror: true }),
    ]);
    const { world } = lab;
    const replies = deeds.map(({ gap, kill, streamed, leaves }) => {
      const reply = ask(lab, { streamed }, gap);
      if (kill !== undefined && lab.ready > kill) lab.strike({ ...KILL, instance: kill });
      if (leaves && reply.state === 'open') world.apply(world.now, { kind: 'disconnect', request: reply.number });
      world.check();
      return reply;
    });
    untilEnded(lab);
    return { lab, replies };
  };

  test('no client gets a token twice, every request ends once, and every attempt too', () => {
    fc.assert(
      fc.property(fc.array(deed, { minLength: 1, maxLength: 25 }), (deeds) => {
        const { lab, replies } = live(deeds);
        for (const reply of replies) {
          const { outcome, outputTokens, status } = lab.world.requests.record(reply.number);
          const times = tokenTimes(reply);
          expect(times).toEqual(times.toSorted((one, other) => one - other));
          if (outcome === Outcome.completed) expect([times.length, outputTokens]).toEqual([20, 20]);
          if (outcome === Outcome.cut && reply.tokensSent === 0) expect([502, 504]).toContain(status);
        }
        expect(lab.world.gateway.work).toMatchObject({ requests: 0, waiting: 0 });
      }),
      { numRuns: 30 },
    );
  });

  test('the same story is the same run', () => {
    fc.assert(
      fc.property(fc.array(deed, { minLength: 5, maxLength: 25 }), (deeds) => {
        expect(hashOf(live(deeds).lab.world)).toBe(hashOf(live(deeds).lab.world));
      }),
      { numRuns: 5 },
    );
  });
});

describe('a circuit breaker, end to end', () => {
  test('keeps requests from an instance that lets them time out, and lets one try again later', () => {
    const settings = { requestTimeout: fromSeconds(1), circuitBreaker: { errorRate: 0.5 } };
    const startup = quick().units[0]!.probes.startup!;
    const units = quick().units.map((unit) => ({ ...unit, probes: { startup } }));
    const lab = called(settings, [quick({ instances: 2, units })]);
    lab.strike({ kind: 'hang-container', service: SERVICE, deployment: DEPLOYMENT, instance: 0 });
    const first = Array.from({ length: 60 }, () => ask(lab, {}, 10_000));
    lab.pass(1.5);
    const hung = first.filter(({ state }) => state === 'cut').map((reply) => slotOf(lab, reply));
    expect([hung.length, new Set(hung).size]).toEqual([30, 1]);
    const then = Array.from({ length: 20 }, () => ask(lab, {}, 10_000));
    expect(then.map((reply) => slotOf(lab, reply))).not.toContain(hung[0]);
    lab.pass(5);
    const again = Array.from({ length: 10 }, () => ask(lab, {}, 10_000 as Micros));
    expect(again.filter((reply) => slotOf(lab, reply) === hung[0])).toHaveLength(1);
  });

  test('leaves no deployment a share that nobody there may take: the others get it', () => {
    const settings = { requestTimeout: fromSeconds(1), circuitBreaker: { errorRate: 0.5 } };
    const startup = quick().units[0]!.probes.startup!;
    const units = quick().units.map((unit) => ({ ...unit, probes: { startup } }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 3 }), (weight, instances) => {
        const hanging = quick({ instances: 1, weight: 50, units });
        const lab = called(settings, [hanging, quick({ name: 'other', instances, weight })]);
        lab.strike({ kind: 'hang-container', service: SERVICE, deployment: DEPLOYMENT, instance: 0 });
        // Enough for the breaker in front of the hung pod, whatever its share is.
        for (let call = 0; call < 80; call++) ask(lab, {}, 1_000);
        lab.pass(1.5);
        const then = Array.from({ length: 20 }, () => ask(lab, { maxTokens: 1 }, 1_000));
        expect(then.map(({ refusal }) => refusal?.status)).toEqual(then.map(() => undefined));
        expect(new Set(then.map((reply) => deploymentOf(lab, reply)))).toEqual(new Set(['other']));
        untilEnded(lab);
      }),
      { numRuns: 10 },
    );
  });

  test('in front of every pod there is, open, it leaves nobody to ask', () => {
    const settings = { requestTimeout: fromSeconds(1), circuitBreaker: { errorRate: 0.5 } };
    const startup = quick().units[0]!.probes.startup!;
    const units = quick().units.map((unit) => ({ ...unit, probes: { startup } }));
    const lab = called(settings, [quick({ instances: 1, units }), quick({ name: 'other', instances: 1, units })]);
    for (const deployment of [DEPLOYMENT, 'other']) {
      lab.strike({ kind: 'hang-container', service: SERVICE, deployment, instance: 0 });
    }
    for (let call = 0; call < 60; call++) ask(lab, {}, 1_000);
    lab.pass(1.5);
    expect(ask(lab).refusal).toMatchObject({ by: 'gateway', error: 'noBackend', status: 503 });
    untilEnded(lab);
  });
});
