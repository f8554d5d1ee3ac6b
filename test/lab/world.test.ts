import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { World } from '../../src/lab/index.ts';
import { Outcome } from '../../src/telemetry/index.ts';
import { arrivals, deployment, description, finished, hashOf, killPod, service, traffic } from '../support/world.ts';

/** Some runs of a whole world are enough of a sample. */
const FEW = { numRuns: 10 };

const lab = fc
  .record({
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
    instances: fc.integer({ min: 1, max: 3 }),
    rate: fc.integer({ min: 1, max: 60 }),
    kills: fc.array(fc.record({ at: fc.nat(40), instance: fc.nat(2) }), { maxLength: 3 }),
  })
  .map(({ seed, instances, rate, kills }) =>
    description({
      seed,
      services: [service({ deployments: [deployment({ instances })] })],
      traffic: [traffic({ arrivals: { kind: 'poisson', rate } })],
      timeline: kills.map(({ at, instance }) => killPod(at, instance)),
    }),
  );

describe('a world', () => {
  test('comes to its end with everything conserved on the way, and every request ended once', () => {
    fc.assert(
      fc.property(lab, fc.integer({ min: 20, max: 200 }), (description, every) => {
        const world = new World(description);
        while (!world.run(every)) world.check();
        world.check();
        expect(world.over).toBe(true);
        expect(world.requests.size).toBe(150);
        expect(world.requests.inFlight).toBe(0);
        for (const record of world.requests.records()) {
          expect(record.outcome).not.toBe(Outcome.inFlight);
          expect(record.endedAt).toBeGreaterThanOrEqual(record.arrivedAt);
          if (record.outcome === Outcome.completed) expect(record.outputTokens).toBe(record.outputTokensDue);
          else expect(record.outputTokens).toBeLessThan(record.outputTokensDue);
        }
      }),
      FEW,
    );
  });

  test('is the same world twice, in whatever pieces it is run, and whoever reads its trace and its tokens', () => {
    fc.assert(
      fc.property(lab, fc.integer({ min: 1, max: 500 }), (description, pieces) => {
        const watched = new World(description, { traceSink: () => {}, tokenSink: () => {} });
        while (!watched.run(pieces));
        expect(hashOf(watched)).toBe(hashOf(finished(description)));
      }),
      FEW,
    );
  });

  test('of another seed is another world', () => {
    fc.assert(
      fc.property(lab, (description) => {
        const other = { ...description, seed: description.seed + 1 };
        expect(hashOf(finished(other))).not.toBe(hashOf(finished(description)));
      }),
      FEW,
    );
  });

  test('gives every request the moments of its tokens', () => {
    const times = new Map<number, readonly number[]>();
    const world = new World(description(), { tokenSink: (request, tokens) => times.set(request, tokens) });
    world.run();
    for (const { number, outputTokens, firstTokenAt, endedAt } of world.requests.records()) {
      const tokens = times.get(number)!;
      expect(tokens.length).toBe(outputTokens);
      expect(tokens[0]).toBe(firstTokenAt);
      expect(tokens.at(-1)).toBe(endedAt);
    }
  });

  test('without traffic settles and is over', () => {
    const world = new World(description({ timeline: [killPod(1)] }), { noTraffic: true });
    world.runUntilSettled();
    expect(world.over).toBe(true);
    expect(world.requests.size).toBe(0);
  });
});

describe('the traffic of a stream', () => {
  test('is not changed by another stream, another instance or a fault', () => {
    fc.assert(
      fc.property(lab, fc.integer({ min: 1, max: 20 }), (description, rate) => {
        const alone = arrivals(finished(description));
        const length = 4_000;
        const other = traffic({
          name: 'other',
          arrivals: { kind: 'poisson', rate },
          prompt: { kind: 'fixed', tokens: length },
        });
        const two = finished({ ...description, traffic: [other, ...description.traffic] });
        expect(arrivals(two, ({ promptTokens }) => promptTokens !== length)).toEqual(alone);
        expect(two.requests.size).toBe(300);
        const [spec] = description.services;
        const larger = service({ deployments: [deployment({ instances: spec!.deployments[0]!.instances + 1 })] });
        expect(arrivals(finished({ ...description, services: [larger] }))).toEqual(alone);
        expect(arrivals(finished({ ...description, timeline: [] }))).toEqual(alone);
      }),
      FEW,
    );
  });
});
