import { describe, expect, test } from 'vitest';
import type { Reply } from '../../src/gateway/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { DeploymentSpec, RebuildScope, UnitReplica, UnitSpec } from '../../src/platform/index.ts';
import { BYTES_PER_SECOND, SETUP_MICROS } from '../support/disaggregated.ts';
import { pod, Story } from '../support/story.ts';
import { deployment, probe } from '../support/world.ts';

type Scope = RebuildScope | 'none';
type Role = 'prefill' | 'decode';

const SCOPES: readonly Scope[] = ['none', 'pod', 'unit-replica', 'unit', 'deployment-replica'];
const SHAPES = [
  { prefill: 1, decode: 2 },
  { prefill: 2, decode: 4 },
] as const;
const RECOVERED = 200;

function split(
  replicas: Readonly<Record<Role, number>>,
  scope: Scope,
  more: Partial<UnitSpec> = {},
  instances = 1,
): DeploymentSpec {
  const plain = deployment({ mode: 'disaggregated', instances });
  const [common] = plain.units as [UnitSpec];
  const unit = (role: Role): UnitSpec => ({
    ...common,
    name: role,
    role,
    replicas: replicas[role],
    probes: { startup: probe({ failureThreshold: 60 }), liveness: probe() },
    ...(scope === 'none' ? {} : { autoRebuild: scope }),
    ...more,
  });
  return {
    ...plain,
    units: [unit('prefill'), unit('decode')],
    kvTransfer: {
      setupMicros: SETUP_MICROS,
      bytesPerSecond: BYTES_PER_SECOND,
      uploads: 'parallel',
      mode: 'pull',
      firstToken: 'decode',
      retries: 2,
    },
  };
}

/** Under traffic: answers in the making on every decode engine, and on every prefill engine a prompt in the making. */
function underTraffic(spec: DeploymentSpec): Story {
  const story = new Story([spec]);
  const [prefill, decode] = spec.units as [UnitSpec, UnitSpec];
  const each = 2 * spec.instances * prefill.replicas * decode.replicas;
  story.call(each, 3_000);
  story.until(9.9).call(each, 500, 6_000);
  return story.until(10);
}

/** Where each stream that goes on is now. */
function places({ world, streams }: Story): Map<Reply, UnitReplica> {
  const open = streams.filter(({ state }) => state === 'open');
  return new Map(open.map((reply) => [reply, world.owners[world.requests.record(reply.number).engine]!]));
}

const inRole = (role: Role, replicas: readonly UnitReplica[]): UnitReplica[] =>
  replicas.filter((replica) => replica.role === role);

/** The replicas that go when the first of a role is killed. */
function goers(all: readonly UnitReplica[], role: Role, scope: Scope): UnitReplica[] {
  if (scope === 'deployment-replica') return [...all];
  return scope === 'unit' ? inRole(role, all) : inRole(role, all).slice(0, 1);
}

/** All is as it was: every pod takes traffic, a request goes through, and nothing is left on an engine or a link. */
function expectWhole(story: Story, spec: DeploymentSpec): void {
  const { world } = story;
  const wanted = spec.units.reduce((sum, { replicas }) => sum + replicas, 0) * spec.instances;
  expect(story.pods.filter((line) => line.endsWith(' ready'))).toHaveLength(wanted);
  expect(story.pods).toHaveLength(wanted);
  expect(story.status).toBe('RUNNING');
  const after = story.call(2 * wanted, 5);
  story.until(story.now + 60);
  expect(after.every(({ state }) => state === 'finished')).toBe(true);
  for (const { link } of world.platform.replicas) expect(link?.open ?? 0).toBe(0);
  for (const engine of world.engines.all) {
    expect(engine.figures()).toMatchObject({ running: 0, waiting: 0, kvBlocksUsed: 0, held: 0, receiving: 0 });
  }
}

describe.each(SHAPES)('$prefill prefill and $decode decode', (shape) => {
  test.each(SCOPES.flatMap((scope) => (['prefill', 'decode'] as const).map((role) => [role, scope] as const)))(
    'a %s pod is killed, rebuild scope %s',
    (role, scope) => {
      const spec = split(shape, scope);
      const story = underTraffic(spec);
      const where = places(story);
      const [instance] = story.world.platform.deployments[0]!.instances;
      const all = instance!.replicas;
      const going = goers(all, role, scope);
      const stay = all.filter((replica) => !going.includes(replica));
      const canDecode = inRole('decode', stay).length > 0;
      expect(inRole('prefill', [...new Set(where.values())])).toHaveLength(shape.prefill);
      expect(inRole('decode', [...new Set(where.values())])).toHaveLength(shape.decode);
      story.strike({ kind: 'kill-pod', ...pod(0, { unit: role }) });
      // At once: whoever was on an engine that went, at either stage.
      for (const [reply, replica] of where) expect(reply.state).toBe(going.includes(replica) ? 'cut' : 'open');
      const taken = inRole('prefill', stay).length > 0 && canDecode;
      const meanwhile = story.until(12).call(2 * shape.prefill * shape.decode, 50);
      for (const { state } of meanwhile) expect(state).toBe(taken ? 'open' : 'refused');
      story.until(RECOVERED + 200);
      for (const [reply, replica] of where) {
        // A prompt that is done finds nobody to go on with it.
        const stranded = replica.role === 'prefill' && !canDecode;
        expect(reply.state).toBe(going.includes(replica) || stranded ? 'cut' : 'finished');
        if (reply.state === 'finished') expect(reply.tokensSent).toBe(reply.outputTokens);
      }
      for (const { state } of meanwhile) expect(state).toBe(taken ? 'finished' : 'refused');
      // Those and only those were made anew.
      const anew = story.world.platform.pods.filter(({ createdAt }) => createdAt > story.zero);
      expect(anew).toHaveLength(going.length);
      expectWhole(story, spec);
    },
  );

  test.each(SCOPES)('the link of a prefill pod breaks for a while, rebuild scope %s: nothing is cut', (scope) => {
    const spec = split(shape, scope);
    const story = underTraffic(spec);
    const where = places(story);
    const pods = story.pods;
    const lasting = fromSeconds(30);
    story.strike({ kind: 'break-link', ...pod(0, { unit: 'prefill' }), lasting });
    const meanwhile = story.until(12).call(2 * shape.prefill * shape.decode, 50, 2_000);
    story.until(35);
    // Decode engines compute the prompts that cannot come: later, and with all their tokens.
    for (const reply of meanwhile) expect([reply.state, reply.tokensSent]).toEqual(['finished', 50]);
    const decoders = story.world.engines.all.filter(({ id }) => story.world.owners[id]!.role === 'decode');
    expect(story.trail(10)).toEqual([]);
    story.until(RECOVERED + 200);
    for (const reply of where.keys()) expect(reply.state).toBe('finished');
    expect(decoders.every(({ alive }) => alive)).toBe(true);
    expect(story.pods).toEqual(pods);
    expectWhole(story, spec);
  });
});

describe('prefill and decode', () => {
  const shape = SHAPES[1];
  const gracefulShutdown = { timeout: fromSeconds(300), commandTakes: fromSeconds(2) };

  test.each(['prefill', 'decode'] as const)('what goes with a killed %s pod finishes first, gracefully', (role) => {
    const spec = split(shape, 'unit', { gracefulShutdown });
    const story = underTraffic(spec);
    const where = places(story);
    const [killed, ...others] = inRole(role, story.world.platform.deployments[0]!.instances[0]!.replicas);
    story.strike({ kind: 'kill-pod', ...pod(0, { unit: role }) });
    story.until(12);
    expect(story.call().map(({ state }) => state)).toEqual(['refused']);
    story.until(RECOVERED + 200);
    for (const [reply, replica] of where) {
      // Prompts that are done while all decode pods end have nowhere to go on.
      const stranded = role === 'decode' && replica.role === 'prefill';
      expect(reply.state).toBe(replica === killed || stranded ? 'cut' : 'finished');
    }
    expect(others.every((replica) => replica.ready)).toBe(true);
    expectWhole(story, spec);
  });

  test('one of two instances is rebuilt as a whole, the other takes everything meanwhile', () => {
    const spec = split(SHAPES[0], 'deployment-replica', {}, 2);
    const story = underTraffic(spec);
    const where = places(story);
    story.strike({ kind: 'kill-pod', ...pod(1, { unit: 'decode', replica: 1 }) });
    const meanwhile = story.until(12).call(4, 50);
    story.until(RECOVERED + 200);
    for (const [reply, { instance }] of where) expect(reply.state).toBe(instance.index === 1 ? 'cut' : 'finished');
    for (const { state } of meanwhile) expect(state).toBe('finished');
    expectWhole(story, spec);
  });

  test.each(['prefill', 'decode', 'client'] as const)(
    'a transfer whose %s is gone leaves the link to others',
    (who) => {
      // A second a transfer: time enough to strike in the middle.
      const slow = split(SHAPES[0], 'none');
      const spec = { ...slow, kvTransfer: { ...slow.kvTransfer!, bytesPerSecond: 1e8 } };
      const story = new Story([spec]);
      const [first, second] = [story.call(1, 10, 700)[0]!, story.call(1, 10, 700)[0]!];
      const { link } = story.world.platform.replicas[0]!;
      story.until(0.8);
      expect(link!.open).toBe(2);
      const decoder = places(story).get(first)!;
      expect(places(story).get(second)).not.toBe(decoder);
      const target = pod(0, { unit: who === 'prefill' ? 'prefill' : 'decode', replica: decoder.number });
      if (who === 'client') story.world.apply(story.world.now, { kind: 'disconnect', request: first.number });
      else story.strike({ kind: 'kill-pod', ...target, ...(who === 'prefill' ? { replica: 0 } : {}) });
      expect(link!.open).toBe(who === 'prefill' ? 0 : 1);
      story.until(60);
      expect([first.state, second.state]).toEqual(
        {
          prefill: ['finished', 'finished'],
          decode: ['cut', 'finished'],
          client: ['aborted', 'finished'],
        }[who],
      );
      // Each alone takes 1.1 s, both together 2.1 s; the second has the link for itself from 0.8 s on.
      const alone = second.tokenTime(0) - second.arrivedAt;
      if (who !== 'prefill') expect(alone).toBeLessThan(1.7e6);
    },
  );
});
