import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { ROUTING_POLICY_NAMES, type RoutingPolicyName, type RoutingSpec } from '../../src/platform/index.ts';
import { deployed, refused, taken } from '../scenario/ruled.ts';
import { ask, called, slotOf } from '../support/calls.ts';
import { guideRule } from '../support/guide-rule.ts';
import { quick } from '../support/quick.ts';
import { DEPLOYMENT, SERVICE } from '../support/world.ts';

/** Intelligent routing (guide 3889-3942); how each policy chooses is in test/gateway. */

/** The policies of Table 1-45, in its order. */
const GUIDED: readonly RoutingPolicyName[] = [
  'round-robin',
  'source-ip-hash',
  'least-connections',
  'min-ttft',
  'composite-load',
  'slo-priority',
];

const metrics = { protocol: 'HTTP', port: 9_090 } as const;
const routing = (policy: RoutingPolicyName): RoutingSpec =>
  policy === 'composite-load' ? { policy, metrics } : { policy };

describe('a routing policy', () => {
  guideRule(3922, 'there are six policies of intelligent routing', () => {
    for (const policy of GUIDED)
      expect(deployed({ deployment: { routing: routing(policy) } }).routing).toMatchObject({ policy });
    refused({ deployment: { routing: { policy: 'random' } } }, 'got "random"');
  });

  guideRule(3910, 'intelligent routing is for dedicated pools only', () => {
    for (const policy of GUIDED) {
      const deployment = { routing: routing(policy) };
      refused({ pool: { type: 'public' }, deployment }, 'intelligent routing needs a dedicated pool');
    }
  });

  guideRule(3911, 'a deployment has one routing policy', () => {
    const [one, other] = [{ policy: 'round-robin' }, { policy: 'least-connections' }];
    refused({ deployment: { routing: [one, other] } }, 'got a list');
    refused({ deployment: { routing: { policy: ['round-robin', 'min-ttft'] } } }, 'got a list');
    expect(deployed({ deployment: { routing: one } }).routing).toMatchObject(one);
  });

  guideRule(3939, 'overall load needs the protocol and the port of a metric API', () => {
    const policy = 'composite-load';
    refused({ deployment: { routing: { policy } } }, 'composite-load needs "metrics"');
    refused({ deployment: { routing: { policy, metrics: { protocol: 'HTTP' } } } }, 'port');
    refused({ deployment: { routing: { policy, metrics: { protocol: 'WS', port: 9_090 } } } }, 'expected one of');
    for (const protocol of ['HTTP', 'HTTPS']) {
      const spec = { policy, metrics: { protocol, port: 9_090 } };
      expect(deployed({ deployment: { routing: spec } }).routing).toEqual(spec);
    }
  });

  guideRule(3939, 'the port of a metric API is 1,024 to 65,535', () => {
    const on = (port: number) => ({ deployment: { routing: { policy: 'composite-load', metrics: { port } } } });
    for (const port of [1_024, 8_088, 9_090, 9_100, 65_535]) {
      expect(deployed(on(port)).routing!.metrics!.port).toBe(port);
    }
    for (const port of [1_023, 65_536, 0]) refused(on(port), 'an integer from 1024 to 65535');
  });

  guideRule(3942, 'a service level is 0 to 3, and 0 is the highest', () => {
    for (const sloClass of [0, 1, 2, 3]) expect(taken({ service: { sloClass } }).services[0]!.sloClass).toBe(sloClass);
    for (const sloClass of [-1, 4, 0.5]) refused({ service: { sloClass } }, 'an integer from 0 to 3');
  });
});

describe('instances that do not run', () => {
  const FAULTS = ['kill-pod', 'hang-container'] as const;
  guideRule(3912, 'requests go to instances that run and are healthy only', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ROUTING_POLICY_NAMES),
        fc.subarray([0, 1, 2], { minLength: 1, maxLength: 2 }),
        fc.constantFrom(...FAULTS),
        (policy, faulty, kind) => {
          const lab = called({}, [quick({ instances: 3, routing: routing(policy) })]);
          const used = (count: number): Set<string> =>
            new Set(
              Array.from({ length: count }, (_, client) =>
                slotOf(lab, ask(lab, { maxTokens: 2, clientIp: `10.0.0.${client}` }, 30_000)),
              ),
            );
          for (const instance of faulty) {
            const fault = { service: SERVICE, deployment: DEPLOYMENT, instance };
            lab.strike(kind === 'kill-pod' ? { kind, ...fault } : { kind, ...fault });
          }
          // Until its probe has failed often enough a container that hangs passes for healthy.
          if (kind === 'hang-container') lab.until(() => lab.ready === 3 - faulty.length);
          const slots = used(30);
          for (const instance of faulty) expect(slots).not.toContain(`${SERVICE}/${DEPLOYMENT}/${instance}`);
          expect(slots.size).toBeGreaterThan(0);
        },
      ),
      { numRuns: 25 },
    );
  });
});
