import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Call, Connection, Handshake, RefusedHandshake, Reply } from '../../src/gateway/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import { type Command, mistakeIn } from '../../src/lab/index.ts';
import type { ServiceSpec } from '../../src/platform/index.ts';
import { Outcome } from '../../src/telemetry/index.ts';
import { called, callLab } from '../support/calls.ts';
import { disaggregated } from '../support/disaggregated.ts';
import { Quick, quick } from '../support/quick.ts';
import { hashOf, SERVICE } from '../support/world.ts';

const INSTANCES = 3;
const TO = { service: SERVICE };
/** Steps of 10 ms: as many tokens as an answer has. */
const STEP = 0.01;

function lab(settings: Partial<ServiceSpec> = {}): Quick {
  const routing = { policy: 'least-connections' } as const;
  return called({ protocol: 'WS', ...settings }, [quick({ instances: INSTANCES, routing })]);
}

function shake({ world }: Quick, more: Partial<Handshake> = {}): Connection | RefusedHandshake {
  world.apply(world.now, { kind: 'connect', handshake: { to: TO, key: null, ...more } });
  return world.gateway.connections.latest!;
}

function connect(of: Quick, more: Partial<Handshake> = {}): Connection {
  const latest = shake(of, more);
  if ('refusal' in latest) throw new Error(`refused: ${latest.refusal.error}`);
  return latest;
}

function say({ world }: Quick, { number: connection }: Connection, more: Partial<Call> = {}): Reply {
  const call = { to: TO, key: null, connection, promptTokens: 10, maxTokens: 20, ignoreEos: true, ...more };
  return world.apply(world.now, { kind: 'call', call })!;
}

function hangUp({ world }: Quick, { number: connection }: Connection): void {
  world.apply(world.now, { kind: 'hang-up', connection });
}

describe('a connection', () => {
  test('is routed once, and all that is asked on it goes where it went', () => {
    const of = lab();
    const connections = Array.from({ length: 6 }, () => connect(of));
    for (const connection of connections) {
      for (let message = 0; message < 2; message++) {
        const reply = say(of, connection);
        of.until(() => reply.state !== 'open');
        expect(of.world.owners[of.world.requests.record(reply.number).engine]).toBe(connection.replica);
      }
    }
    expect(new Set(connections.map(({ replica }) => replica.slot)).size).toBe(INSTANCES);
  });

  test('is refused as a call is, and the log has it', () => {
    const of = lab({ access: { whitelist: ['10.0.0.0/8'] } });
    expect(shake(of, { clientIp: '192.0.2.1' })).toMatchObject({ refusal: { status: 403 } });
    expect(shake(of, { clientIp: '10.1.1.1' })).toMatchObject({ end: undefined });
    expect([...of.world.requests.records()].map(({ status }) => status)).toEqual([403]);
    of.world.apply(of.world.now, { kind: 'drain' });
    expect(shake(of, { clientIp: '10.1.1.1' })).toMatchObject({ refusal: { status: 503 } });
  });

  test('has its answers one after the other, in order', () => {
    const of = lab();
    const connection = connect(of);
    const replies = [5, 20, 1].map((maxTokens) => say(of, connection, { maxTokens }));
    of.until(() => replies.every(({ state }) => state === 'finished'));
    for (const [index, reply] of replies.entries()) {
      expect(reply.tokensSent).toBe(reply.outputTokens);
      if (index > 0) expect(reply.tokenTime(0)).toBeGreaterThan(replies[index - 1]!.endedAt);
    }
    expect(connection.end).toBeUndefined();
  });

  test('lives on while its instance is taken out gracefully, and breaks when the pod ends', () => {
    const of = lab();
    const connections = Array.from({ length: INSTANCES }, () => connect(of));
    const replies = connections.map((connection) => say(of, connection, { maxTokens: 400 }));
    of.also({ kind: 'scale', service: SERVICE, deployment: 'main', instances: INSTANCES - 1 });
    const leaves = ({ replica }: Connection): boolean => replica.instance.leaving;
    expect(of.until(() => connections.some(leaves))).toBe(true);
    const leaving = connections.find(leaves)!;
    // It takes no new connection, and answers on those that it has.
    for (let more = 0; more < 4; more++) expect(connect(of).replica).not.toBe(leaving.replica);
    of.pass(1);
    expect(leaving.end).toBeUndefined();
    of.until(() => leaving.end !== undefined);
    expect(leaving.end).toBe('cut');
    expect(replies.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
    expect(connections.filter(({ end }) => end !== undefined)).toEqual([leaving]);
  });

  test('data in either direction begins the timeout of an answer anew (guide 2775)', () => {
    const of = lab({ requestTimeout: fromSeconds(1) });
    const quiet = connect(of);
    const busy = connect(of);
    for (const instance of [0, 1, 2]) {
      of.strike({ kind: 'hang-container', service: SERVICE, deployment: 'main', instance });
    }
    const began = of.world.now;
    for (const connection of [quiet, busy]) say(of, connection);
    of.pass(0.6);
    say(of, busy);
    of.until(() => busy.end !== undefined);
    expect([quiet.end, quiet.endedAt - began]).toEqual(['timed-out', fromSeconds(1)]);
    expect([busy.end, busy.endedAt - began]).toEqual(['timed-out', fromSeconds(1.6)]);
    expect(of.world.requests.inFlight).toBe(0);
  });

  test('ends with a message above the size limit, and what was asked on it is given up', () => {
    const of = lab({ requestSizeMB: 1 });
    const connection = connect(of);
    const replies = [say(of, connection), say(of, connection)];
    of.pass(STEP * 5);
    expect(say(of, connection, { bodyBytes: 2 ** 20 + 1 }).refusal).toMatchObject({ error: 'bodyTooLarge' });
    expect(connection.end).toBe('too-large');
    of.pass(STEP * 2);
    expect(replies.map(({ state }) => state)).toEqual(['aborted', 'aborted']);
    expect(say(of, connection).refusal).toMatchObject({ error: 'connection-refused' });
    expect(of.world.engines.all.every((engine) => engine.figures().kvBlocksUsed === 0)).toBe(true);
  });

  test('breaks when its answer is lost behind its backend', () => {
    const { description } = disaggregated();
    const services = description.services.map((each) => ({ ...each, protocol: 'WS' as const }));
    const of = Quick.ready({ ...description, services });
    const connection = connect(of);
    expect(connection.replica.role).toBe('prefill');
    const first = say(of, connection, { maxTokens: 30 });
    of.until(() => first.state === 'finished');
    const second = say(of, connection, { maxTokens: 400 });
    const third = say(of, connection);
    of.pass(1);
    of.strike({ kind: 'kill-pod', service: SERVICE, deployment: 'main', instance: 0, unit: 'decode' });
    expect(second.tokenTime(0)).toBeLessThan(of.world.now);
    expect([second.state, third.state, connection.end]).toEqual(['cut', 'cut', 'cut']);
    expect(of.world.requests.inFlight).toBe(0);
    of.world.check();
  });

  test('goes on where a circuit breaker lets no new call through', () => {
    const of = lab({ circuitBreaker: { errorRate: 0.01 }, requestTimeout: fromSeconds(1) });
    const connections = Array.from({ length: INSTANCES * 22 }, () => connect(of));
    const instance = 0;
    of.strike({ kind: 'hang-container', service: SERVICE, deployment: 'main', instance, lasting: fromSeconds(3) });
    const there = connections.filter(({ replica }) => replica.slot.endsWith('/0'));
    for (const connection of there.slice(1)) say(of, connection);
    of.pass(4);
    expect(there.map(({ end }) => end)).toEqual(there.map((_, index) => (index === 0 ? undefined : 'timed-out')));
    for (let more = 0; more < 4; more++) expect(connect(of).replica).not.toBe(there[0]!.replica);
    const reply = say(of, there[0]!);
    of.until(() => reply.state !== 'open');
    expect(reply.state).toBe('finished');
  });

  test('is no business of a service that is called otherwise', () => {
    const handshake: Command = { kind: 'connect', handshake: { to: TO, key: null } };
    const { platform, cluster } = Quick.ready(callLab({})).world;
    expect(mistakeIn(handshake, platform, cluster)).toBe('a connection to {"service":"chat"}, which takes none');
    const { world } = lab();
    expect(mistakeIn(handshake, world.platform, world.cluster)).toBeUndefined();
    const broken = [
      { kind: 'connect', handshake: { to: { service: 'nobody' }, key: null } },
      { kind: 'connect', handshake: { to: TO, key: null, clientIp: 'here' } },
      { kind: 'connect' },
      { kind: 'hang-up', connection: -1 },
      { kind: 'call', call: { to: TO, key: null, promptTokens: 1, connection: 'x' } },
    ] as unknown as Command[];
    for (const command of broken) expect(mistakeIn(command, world.platform, world.cluster)).toBeDefined();
  });
});

/** What may happen to connections; numbers choose among those that there are. */
type Act = { readonly do: 'connect' | 'say' | 'hang-up' | 'kill' | 'pass'; readonly at: number; readonly size: number };
const ACTS: fc.Arbitrary<Act[]> = fc.array(
  fc.record({
    do: fc.constantFrom('connect', 'connect', 'say', 'say', 'say', 'hang-up', 'kill', 'pass', 'pass'),
    at: fc.nat(20),
    size: fc.integer({ min: 1, max: 60 }),
  }),
  { minLength: 5, maxLength: 40 },
);

/** Lets it happen, with what always holds held after each act. */
function live(acts: readonly Act[]): { of: Quick; connections: Connection[] } {
  const of = lab();
  const { world } = of;
  const connections: Connection[] = [];
  const open = (): Connection[] => connections.filter(({ end }) => end === undefined);
  for (const { do: what, at, size } of acts) {
    const before = open();
    const one = before[at % Math.max(1, before.length)];
    if (what === 'connect') {
      const load = loads(of);
      const made = shake(of);
      if (!('refusal' in made)) {
        connections.push(made);
        expect(load.get(made.replica.slot) ?? 0).toBe(Math.min(...backends(of).map((slot) => load.get(slot) ?? 0)));
      }
    } else if (what === 'say' && one !== undefined) say(of, one, { maxTokens: size });
    else if (what === 'hang-up' && one !== undefined) {
      hangUp(of, one);
      expect(one).toMatchObject({ end: 'hung-up', endedAt: world.now });
    } else if (what === 'kill') {
      const instance = at % INSTANCES;
      const alive = of.deployment.instanceAt(instance)?.replicas[0];
      of.strike({ kind: 'kill-pod', service: SERVICE, deployment: 'main', instance });
      const cut = before.filter(({ end }) => end !== undefined);
      expect(cut).toEqual(before.filter(({ replica }) => replica === alive));
      for (const connection of cut) expect(connection).toMatchObject({ end: 'cut', endedAt: world.now, requests: [] });
    } else of.pass(STEP * size);
    expect(world.gateway.connections.all).toEqual(open());
    for (const { replica } of open()) expect(replica.engine?.alive).toBe(true);
    world.check();
  }
  return { of, connections };
}

/** Open connections by slot. */
function loads({ world }: Quick): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { replica } of world.gateway.connections.all)
    counts.set(replica.slot, (counts.get(replica.slot) ?? 0) + 1);
  return counts;
}

function backends(of: Quick): string[] {
  return of.deployment.backends.map(({ slot }) => slot);
}

describe('whatever happens', () => {
  test('connections go where the fewest are, pod deaths cut exactly their own, and all end once', () => {
    fc.assert(
      fc.property(ACTS, (acts) => {
        const { of, connections } = live(acts);
        const { world } = of;
        world.apply(world.now, { kind: 'drain' });
        of.pass(60);
        for (const connection of connections) {
          expect(connection.end).toBeDefined();
          expect(connection.requests).toEqual([]);
        }
        expect(world.requests.inFlight).toBe(0);
        for (const record of world.requests.records()) expect(record.outcome).not.toBe(Outcome.inFlight);
        world.check();
      }),
      { numRuns: 40 },
    );
  });

  test('the same acts give the same trace', () => {
    fc.assert(
      fc.property(ACTS, (acts) => {
        expect(hashOf(live(acts).of.world)).toBe(hashOf(live(acts).of.world));
      }),
      { numRuns: 10 },
    );
  });
});
