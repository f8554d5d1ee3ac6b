import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import { type Command, World } from '../../src/lab/index.ts';
import { Outcome } from '../../src/telemetry/index.ts';
import { description, hashOf, SERVICE } from '../support/world.ts';

const CALL: Command = { kind: 'call', call: { to: { service: SERVICE }, key: null, promptTokens: 100 } };

/** A world whose services have run for so long. */
function running(seconds: number, lab = description()): World {
  const world = new World(lab);
  world.runUntilSettled();
  world.runUntil((world.now + fromSeconds(seconds)) as Micros);
  return world;
}

const moment = fc.double({ min: 0, max: 25, noNaN: true });

describe('commands', () => {
  test('drain: nothing more is taken in, and all that is in flight completes', () => {
    fc.assert(
      fc.property(moment, (seconds) => {
        const world = running(seconds);
        const { size } = world.requests;
        world.apply(world.now, { kind: 'drain' });
        expect(world.apply(world.now, CALL)).toMatchObject({ state: 'refused', refusal: { status: 503 } });
        expect(world.run()).toBe(true);
        world.check();
        expect(world.requests.size).toBe(size + 1);
        for (const { number, outcome } of world.requests.records()) {
          expect(outcome).toBe(number < size ? Outcome.completed : Outcome.refused);
        }
      }),
      { numRuns: 10 },
    );
  });

  test('stop: everything ends at that instant, and what was in flight is cut', () => {
    fc.assert(
      fc.property(moment, (seconds) => {
        const world = running(seconds);
        const flying = [...world.requests.records()].filter(({ outcome }) => outcome === Outcome.inFlight);
        world.apply(world.now, { kind: 'stop' });
        world.check();
        expect(world.requests.inFlight).toBe(0);
        expect(world.over).toBe(true);
        for (const { number } of flying) {
          expect(world.requests.record(number)).toMatchObject({ outcome: Outcome.cut, endedAt: world.now });
        }
        expect(world.engines.all.some((engine) => engine.alive)).toBe(false);
      }),
      { numRuns: 10 },
    );
  });

  test('a call is answered in full, with a moment for each token', () => {
    const world = running(3);
    const reply = world.apply(world.now, CALL)!;
    expect(reply).toMatchObject({ state: 'open', outputTokens: 20, finishReason: 'stop', arrivedAt: world.now });
    world.run();
    expect(reply.state).toBe('finished');
    const times = Array.from({ length: 20 }, (_, index) => reply.tokenTime(index));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBe(reply.endedAt);
    expect(world.requests.record(reply.number)).toMatchObject({
      outcome: Outcome.completed,
      status: 200,
      outputTokens: 20,
    });
  });

  test('a client that leaves is given up, once, and only before the end', () => {
    const world = running(3);
    const call: Command = { ...CALL, call: { ...CALL.call, maxTokens: 500, ignoreEos: true } };
    const [gone, done] = [world.apply(world.now, call)!, world.apply(world.now, CALL)!];
    world.runUntil((world.now + fromSeconds(2)) as Micros);
    for (const { number } of [gone, done, gone]) world.apply(world.now, { kind: 'disconnect', request: number });
    world.run();
    world.check();
    expect([gone.state, done.state]).toEqual(['aborted', 'finished']);
    expect(world.requests.record(gone.number)).toMatchObject({ outcome: Outcome.aborted, status: 499 });
    expect(gone.tokensSent).toBeLessThan(500);
  });

  test('the same commands at the same moments make the same world', () => {
    const offset = fc.integer({ min: 0, max: 30_000_000 });
    fc.assert(
      fc.property(fc.array(offset, { maxLength: 10 }), fc.array(offset, { maxLength: 10 }), (calls, looks) => {
        const live = new World(description());
        const replay = new World(description());
        for (const world of [live, replay]) world.runUntilSettled();
        const zero = live.now;
        const stamps = calls.toSorted((a, b) => a - b).map((each) => (zero + each) as Micros);
        // The live one is also looked at and run in pieces in between.
        const pieces = [
          ...stamps.map((at) => ({ at, call: true })),
          ...looks.map((each) => ({ at: (zero + each) as Micros, call: false })),
        ];
        for (const { at, call } of pieces.sort((a, b) => a.at - b.at)) {
          if (call) live.apply(at, CALL);
          else if (live.runUntil(at)) live.check();
        }
        for (const at of stamps) replay.apply(at, CALL);
        live.run();
        replay.run();
        expect(hashOf(live)).toBe(hashOf(replay));
      }),
      { numRuns: 10 },
    );
  });
});
