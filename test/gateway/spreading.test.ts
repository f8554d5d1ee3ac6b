import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reply } from '../../src/gateway/index.ts';
import { type DeploymentSpec, ROUTING_POLICY_NAMES, type SloClass } from '../../src/platform/index.ts';
import { ask, called, callLab, deploymentOf, slotOf, tokenTimes, untilEnded } from '../support/calls.ts';
import { guideRule } from '../support/guide-rule.ts';
import { on, Quick, quick, quickUnit } from '../support/quick.ts';
import { DEPLOYMENT, finished, hashOf, SERVICE, traffic } from '../support/world.ts';

const settings = (policy: (typeof ROUTING_POLICY_NAMES)[number]): Partial<DeploymentSpec> => ({
  routing: policy === 'composite-load' ? { policy, metrics: { protocol: 'HTTP', port: 9_090 } } : { policy },
});

describe('weights, end to end (guide 3592)', () => {
  test('are the shares of requests', () => {
    fc.assert(
      fc.property(fc.tuple(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 1, max: 10 })), ([one, other]) => {
        const lab = called({}, [
          quick({ name: 'one', instances: 1, weight: one }),
          quick({ name: 'other', instances: 1, weight: other }),
        ]);
        const round = one + other;
        const replies = Array.from({ length: 3 * round }, () => ask(lab, { maxTokens: 1 }, 1_000));
        expect(replies.filter((reply) => deploymentOf(lab, reply) === 'one')).toHaveLength(3 * one);
      }),
      { numRuns: 15 },
    );
  });
});

describe('mirrors, end to end (guide 3643)', () => {
  const main = quick({ instances: 2 });
  const shadow = quick({ name: 'shadow', instances: 1, mirror: true });
  const gaps = fc.array(fc.nat(200_000), { minLength: 10, maxLength: 60 });

  test('get one live request in ten as a copy, which changes nothing for clients and is no request of theirs', () => {
    fc.assert(
      fc.property(gaps, fc.boolean(), (gaps, kills) => {
        const live = (deployments: readonly DeploymentSpec[]) => {
          const lab = called({}, deployments);
          const replies = gaps.map((gap, index) => {
            const killed = kills && index === 15 && deployments.length > 1;
            const at = { service: SERVICE, deployment: 'shadow', instance: 0 };
            if (killed) lab.strike({ kind: 'kill-pod', ...at });
            return ask(lab, {}, gap);
          });
          untilEnded(lab);
          return { lab, replies };
        };
        const [mirrored, plain] = [live([main, shadow]), live([main])];
        expect(mirrored.replies.map(tokenTimes)).toEqual(plain.replies.map(tokenTimes));
        expect(mirrored.lab.world.requests.size).toBe(gaps.length);
        expect(mirrored.replies.map((reply) => deploymentOf(mirrored.lab, reply))).not.toContain('shadow');
        if (kills) return;
        mirrored.lab.pass(10);
        const { world } = mirrored.lab;
        const engine = world.engines.all.find(({ id }) => world.owners[id]!.deployment.name === 'shadow')!;
        const copies = Math.floor(gaps.length / 10);
        expect(world.taps[engine.id]!.metrics.finished.stop).toBe(copies);
        expect(engine.figures().promptTokens).toBe(copies * 10);
        expect(world.gateway.work.attempts).toBe(0);
      }),
      { numRuns: 12 },
    );
  });

  test('begin and end with a change of the deployment, which makes no instance anew', () => {
    const lab = called({}, [main, quick({ name: 'shadow', instances: 1 })]);
    const { pods } = lab.world.platform;
    const upgrade = { kind: 'upgrade', service: SERVICE } as const;
    const used = (): number =>
      Array.from({ length: 10 }, () => deploymentOf(lab, ask(lab, { maxTokens: 1 }))).filter(
        (name) => name === 'shadow',
      ).length;
    expect(used()).toBe(5);
    lab.also({ ...upgrade, deployment: 'shadow', spec: shadow });
    expect(used()).toBe(0);
    expect(lab.operate({ ...upgrade, deployment: 'main', spec: { ...main, mirror: true } })).toMatch(/live requests/);
    lab.also({ ...upgrade, deployment: 'shadow', spec: { ...shadow, mirror: false } });
    expect(used()).toBe(5);
    expect(lab.world.platform.pods).toHaveLength(pods.length);
  });
});

describe('routing policies, end to end (guide 3927-3942)', () => {
  const clients = fc.array(fc.nat(20), { minLength: 5, maxLength: 60 });

  test('source-ip-hash: one client, one instance, however its address is spelled', () => {
    const lab = called({}, [quick({ instances: 4, ...settings('source-ip-hash') })]);
    const homes = new Map<number, string>();
    fc.assert(
      fc.property(clients, fc.boolean(), (clients, mapped) => {
        for (const client of clients) {
          const slot = slotOf(
            lab,
            ask(lab, { clientIp: `${mapped ? '::ffff:' : ''}10.0.0.${client}`, maxTokens: 2 }, 500),
          );
          expect(homes.get(client) ?? slot).toBe(slot);
          homes.set(client, slot);
        }
      }),
      { numRuns: 20 },
    );
    expect(new Set(homes.values()).size).toBeGreaterThan(1);
  });

  test('source-ip-hash: a client stays where it is while other instances come and go and other clients call', () => {
    const change = fc.oneof(
      fc.record({ kind: fc.constant('scale' as const), instances: fc.integer({ min: 2, max: 6 }) }),
      fc.record({ kind: fc.constant('kill' as const), instance: fc.nat(5) }),
      fc.record({ kind: fc.constant('others' as const), clients: fc.array(fc.integer({ min: 30, max: 250 })) }),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const lab = called({}, [quick({ instances: 4, ...settings('source-ip-hash') })]);
        const home = (client: number): string => slotOf(lab, ask(lab, { clientIp: `10.0.0.${client}`, maxTokens: 1 }));
        const up = (): string[] => lab.deployment.backends.map(({ slot }) => slot);
        const clients = Array.from({ length: 12 }, (_, client) => client);
        let [homes, before] = [clients.map(home), up()];
        for (const each of changes) {
          if (each.kind === 'scale') lab.operate(on('scale', { instances: each.instances }));
          if (each.kind === 'others') for (const client of each.clients) home(client);
          if (each.kind === 'kill' && each.instance < lab.ready) {
            const { kind: _, instance } = each;
            lab.strike({ kind: 'kill-pod', service: SERVICE, deployment: DEPLOYMENT, instance });
          }
          // Both while the change goes on and once it is over.
          for (const seconds of [0, 0.5, 120]) {
            lab.pass(seconds);
            const [now, after] = [clients.map(home), up()];
            for (const client of clients) {
              const [from, to] = [homes[client]!, now[client]!];
              // Whoever moves had to, or goes to an instance that has just come.
              if (from !== to) expect(!after.includes(from) || !before.includes(to)).toBe(true);
            }
            [homes, before] = [now, after];
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  test('least-connections: never a busier instance than another', () => {
    const asks = fc.array(fc.record({ gap: fc.nat(60_000), maxTokens: fc.integer({ min: 1, max: 40 }) }), {
      minLength: 10,
      maxLength: 80,
    });
    fc.assert(
      fc.property(asks, (asks) => {
        const lab = called({}, [quick({ instances: 3, ...settings('least-connections') })]);
        const slots = lab.deployment.backends.map(({ slot }) => slot);
        const open: Reply[] = [];
        for (const { gap, maxTokens } of asks) {
          lab.pass(gap / 1e6);
          const loads = slots.map(
            (slot) => open.filter((reply) => reply.state === 'open' && slotOf(lab, reply) === slot).length,
          );
          const reply = ask(lab, { maxTokens, ignoreEos: true });
          expect(loads[slots.indexOf(slotOf(lab, reply))]).toBe(Math.min(...loads));
          open.push(reply);
        }
      }),
      { numRuns: 20 },
    );
  });

  guideRule(3942, 'under SLO priority a higher level is served before lower ones that came first', () => {
    const [unit] = quick().units;
    const engine = { ...unit!.engine!, maxNumSeqs: 1, schedulingPolicy: 'priority' } as const;
    const lab = called({ sloClass: 2 }, [
      quick({ instances: 1, units: [quickUnit({ engine })], ...settings('slo-priority') }),
    ]);
    const levels: (SloClass | undefined)[] = [3, 3, undefined, 1, 0];
    const replies = levels.map((sloClass) => ask(lab, sloClass === undefined ? {} : { sloClass }, 1_000));
    untilEnded(lab);
    const order = replies.toSorted((one, other) => one.endedAt - other.endedAt).map((reply) => replies.indexOf(reply));
    expect(order).toEqual([0, 4, 3, 2, 1]);
  });

  test('min-ttft: away from the instance that has become slow', () => {
    const lab = called({}, [quick({ instances: 2, ...settings('min-ttft') })]);
    lab.strike({ kind: 'slow-engine', service: SERVICE, deployment: DEPLOYMENT, instance: 0, factor: 20 });
    const replies = Array.from({ length: 40 }, () => ask(lab, { maxTokens: 3 }, 250_000));
    const slow = replies.filter((reply) => slotOf(lab, reply).endsWith('/0'));
    expect(slow.length).toBeLessThan(8);
  });

  test.each(ROUTING_POLICY_NAMES)('%s: every request is answered, and the same run is the same', (policy) => {
    const stream = traffic({ clientIp: '10.0.0.1', sloClass: 1, count: 80, arrivals: { kind: 'poisson', rate: 40 } });
    const small = { prompt: { kind: 'fixed', tokens: 50 }, output: { kind: 'fixed', tokens: 30 } } as const;
    const lab = callLab({}, [quick({ instances: 3, ...settings(policy) })], { traffic: [{ ...stream, ...small }] });
    const [one, other] = [finished(lab), finished(lab)];
    one.check();
    expect([...one.requests.records()].every(({ status }) => status === 200)).toBe(true);
    expect(hashOf(one)).toBe(hashOf(other));
  });

  test('decode instances are chosen by the policy of their deployment', () => {
    const units = [
      quickUnit({ name: 'prefill', role: 'prefill' }),
      quickUnit({ name: 'decode', role: 'decode', replicas: 3 }),
    ];
    const link = { setupMicros: 100, bytesPerSecond: 1e11, uploads: 'parallel', mode: 'pull', retries: 1 } as const;
    const kvTransfer = { ...link, firstToken: 'decode' } as const;
    const spread = (policy: (typeof ROUTING_POLICY_NAMES)[number]): number => {
      const apart = quick({ mode: 'disaggregated', instances: 1, units, kvTransfer, ...settings(policy) });
      const lab = called({}, [apart]);
      const replies = Array.from({ length: 30 }, () => ask(lab, { clientIp: '10.0.0.1', maxTokens: 4 }, 50_000));
      untilEnded(lab);
      expect(replies.every(({ state }) => state === 'finished')).toBe(true);
      return new Set(replies.map((reply) => slotOf(lab, reply))).size;
    };
    expect([spread('source-ip-hash'), spread('round-robin')]).toEqual([1, 3]);
    for (const policy of ROUTING_POLICY_NAMES) spread(policy);
  });

  test('a policy that is changed acts at once, and is not for public pools', () => {
    const lab = called({}, [quick({ instances: 2 })]);
    const spec = { ...quick({ instances: 2 }), ...settings('source-ip-hash') };
    lab.also({ kind: 'upgrade', service: SERVICE, deployment: 'main', spec });
    const slots = Array.from({ length: 6 }, () => slotOf(lab, ask(lab, { clientIp: '10.0.0.1' })));
    expect(new Set(slots).size).toBe(1);
    const shared = new Quick({
      ...callLab({}),
      pools: callLab({}).pools.map((pool) => ({ ...pool, type: 'public' as const })),
    });
    shared.world.runUntilSettled();
    expect(shared.operate({ kind: 'upgrade', service: SERVICE, spec })).toMatch(/needs a dedicated pool/);
  });
});
