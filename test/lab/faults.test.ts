import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromSeconds, NEVER } from '../../src/kernel/index.ts';
import { World } from '../../src/lab/index.ts';
import { Outcome } from '../../src/telemetry/index.ts';
import { DEPLOYMENT, description, finished, killPod, SERVICE, traffic } from '../support/world.ts';

describe('a killed pod', () => {
  test('gets a successor in its slot, and the statuses go down and up again with the texts of the guide', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 1, max: 20 }), (instance, seconds) => {
        const long = traffic({ count: 800 });
        const world = new World(description({ traffic: [long], timeline: [killPod(seconds, instance)] }));
        const [main] = world.platform.deployments;
        const statuses: string[] = [];
        const firstPods: (string | undefined)[] = [];
        while (!world.run(1)) {
          const now = `${main!.status} ${main!.service.status}`;
          if (now !== statuses.at(-1)) statuses.push(now);
          if (world.settled && firstPods.length === 0) firstPods.push(...main!.pods.map(({ name }) => name));
        }
        expect(statuses).toEqual([
          'DEPLOYING DEPLOYING',
          'RUNNING RUNNING',
          'CONCERNING CONCERNING',
          'RUNNING RUNNING',
        ]);
        for (const [slot, pod] of main!.pods.entries()) {
          expect(pod.ready).toBe(true);
          expect(pod.instance.ordinal).toBe(slot);
          if (slot === instance) expect(pod.name).not.toBe(firstPods[slot]);
          else expect(pod.name).toBe(firstPods[slot]);
        }
        const killed = world.platform.pods.find(({ name }) => name === firstPods[instance])!;
        expect(killed.phase).toBe('terminated');
        expect(world.engines.all.filter(({ alive }) => !alive)).toHaveLength(1);
        const texts = world.events
          .all()
          .filter(({ level }) => level === 'service')
          .map(({ message }) => message);
        expect(texts).toEqual(
          expect.arrayContaining([
            'Deployment [main] created. Available instances: 2, target instances: 2, status change from DEPLOYING to RUNNING.',
            'Service status change from DEPLOYING to RUNNING.',
            'Status of deployment [main] transitioned from RUNNING to CONCERNING; error message: 1 of 2 instances are available.',
            'Service status transitioned from RUNNING to CONCERNING; anomalous deployment [main]; error message: 1 of 2 instances are available.',
            'Service status change from CONCERNING to RUNNING.',
          ]),
        );
        const trail = world.events
          .all()
          .filter(({ object }) => object === main!.pods[instance]!.name)
          .map(({ reason }) => reason);
        expect(trail.filter((reason) => reason !== 'Unhealthy')).toEqual([
          'Scheduled',
          'SuccessfulMountVolume',
          'Pulled',
          'SuccessfulCreate',
          'Started',
          'Healthy',
        ]);
      }),
      { numRuns: 5 },
    );
  });

  test("takes its own requests with it and nobody else's", () => {
    const world = finished(description({ timeline: [killPod(10)] }));
    const struck = world.settledAt + fromSeconds(10);
    const dead = world.engines.all.find((engine) => !engine.alive)!;
    const cut = [...world.requests.records()].filter(({ outcome }) => outcome === Outcome.cut);
    expect(cut.length).toBeGreaterThan(0);
    for (const { engine, endedAt, firstTokenAt, status } of cut) {
      expect(engine).toBe(dead.id);
      expect(endedAt).toBe(struck);
      expect(status).toBe(firstTokenAt < 0 ? 502 : 200);
    }
    for (const { engine, outcome, endedAt } of world.requests.records()) {
      if (engine === dead.id) expect(endedAt).toBeLessThanOrEqual(struck);
      else expect(outcome).toBe(Outcome.completed);
    }
  });
});

describe('a slow engine', () => {
  test('is slow for as long as was said, and the others are not', () => {
    const slow = {
      kind: 'slow-engine',
      service: SERVICE,
      deployment: DEPLOYMENT,
      instance: 0,
      factor: 8,
      lasting: fromSeconds(10),
    } as const;
    const plain = finished(description());
    const world = finished(description({ timeline: [{ at: fromSeconds(5), from: 'ready', fault: slow }] }));
    const tpot = (of: World, engine: number): number => {
      const spans = [...of.requests.records()]
        .filter((record) => record.engine === engine && record.outputTokens > 1)
        .map(({ endedAt, firstTokenAt, outputTokens }) => (endedAt - firstTokenAt) / (outputTokens - 1));
      return spans.reduce((sum, each) => sum + each, 0) / spans.length;
    };
    expect(tpot(world, 0)).toBeGreaterThan(1.5 * tpot(plain, 0));
    expect(tpot(world, 1)).toBe(tpot(plain, 1));
  });
});

describe('a gateway that refuses', () => {
  test.each([429, 503] as const)('says %i to every call of its spell, and to none before or after', (status) => {
    const fault = { kind: 'refuse', service: SERVICE, status, retryAfterSeconds: 2, lasting: fromSeconds(8) } as const;
    const world = finished(description({ timeline: [{ at: fromSeconds(5), from: 'ready', fault }] }));
    const from = world.settledAt + fromSeconds(5);
    let refused = 0;
    for (const record of world.requests.records()) {
      const during = record.arrivedAt >= from && record.arrivedAt < from + fromSeconds(8);
      expect(record.outcome).toBe(during ? Outcome.refused : Outcome.completed);
      if (!during) continue;
      refused++;
      expect(record).toMatchObject({ status, outputTokens: 0, endedAt: record.arrivedAt, firstTokenAt: -1 });
    }
    expect(refused).toBeGreaterThan(10);
  });

  test('tells a client when to come back', () => {
    const world = new World(description({ traffic: [] }));
    world.runUntilSettled();
    world.apply(world.now, {
      kind: 'fault',
      fault: { kind: 'refuse', service: SERVICE, status: 429, retryAfterSeconds: 7 },
    });
    const reply = world.apply(world.now, {
      kind: 'call',
      call: { to: { service: SERVICE }, key: null, promptTokens: 5 },
    })!;
    expect(reply.refusal).toEqual({ by: 'gateway', error: 'throttled', status: 429, retryAfterSeconds: 7 });
    expect(reply.tokenTime(0)).toBe(NEVER);
  });
});
