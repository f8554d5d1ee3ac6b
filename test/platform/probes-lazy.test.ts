import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromSeconds, Kernel, type Micros } from '../../src/kernel/index.ts';
import { Pod } from '../../src/platform/pod.ts';
import { Prober } from '../../src/platform/prober.ts';
import { PROBE_KINDS, type ProbeKind, type ProbeSpec, type ProbesSpec } from '../../src/platform/probes.ts';
import type { UnitReplica } from '../../src/platform/unit-replica.ts';
import { EventLog } from '../../src/telemetry/index.ts';
import { probe } from '../support/world.ts';

/**
 * A healthy container is not asked again until something about it changes. That must come to the same as asking it
 * every interval: the probes are held against a prober that does, and knows nothing of the first one's state.
 */

type Health = 'loading' | 'healthy' | 'hung';

/** From `at` on, milliseconds. */
interface Change {
  readonly at: number;
  readonly health: Health;
}

const END = 300_000;
const CASES = 3_000;

function healthAt(changes: readonly Change[], at: number): Health {
  return changes.findLast((change) => change.at <= at)?.health ?? 'loading';
}

/** Asks every interval, whatever it hears: `12000 liveness failed`. A probe that is told to stop is asked no more. */
function naive(probes: ProbesSpec, changes: readonly Change[]): string[] {
  const seen: { readonly at: number; readonly kind: ProbeKind; readonly what: string }[] = [];
  const run = (kind: ProbeKind, { interval, delay, timeout, failureThreshold }: ProbeSpec, from: number): number => {
    let at = from + (interval > delay ? 0 : delay / 1e3);
    let [failures, passing] = [0, false];
    while (at <= END) {
      let judged = at;
      if (healthAt(changes, at) === 'hung') judged = at + timeout / 1e3;
      if (judged > END) break;
      if (healthAt(changes, judged) === 'healthy') {
        failures = 0;
        if (!passing) seen.push({ at: judged, kind, what: 'passed' });
        passing = true;
        if (kind === 'startup') return judged;
      } else {
        seen.push({ at: judged, kind, what: 'unhealthy' });
        if (++failures === failureThreshold) {
          seen.push({ at: judged, kind, what: 'failed' });
          passing = false;
        }
      }
      at = Math.max(at + interval / 1e3, judged);
    }
    return Number.POSITIVE_INFINITY;
  };
  const { startup, readiness, liveness } = probes;
  const ready = startup === undefined ? 0 : run('startup', startup, 0);
  if (readiness !== undefined) run('readiness', readiness, ready);
  if (liveness !== undefined) run('liveness', liveness, ready);
  return seen.map(({ at, kind, what }) => `${at} ${kind} ${what}`).sort();
}

function lazy(probes: ProbesSpec, changes: readonly Change[]): string[] {
  const kernel = new Kernel(1);
  const seen: string[] = [];
  const note = (kind: string, what: string): void => {
    seen.push(`${kernel.now / 1e3} ${kind} ${what}`);
  };
  const events = new EventLog(kernel, ({ reason, message }) => {
    if (reason === 'Unhealthy') note(/(\w+) probe failed/.exec(message)![1]!.toLowerCase(), 'unhealthy');
  });
  const engine = { hangs: false, loaded: false };
  const unit = { probes, image: { name: 'image', sizeGiB: 1 } };
  const instance = { deployment: { name: 'main', service: { name: 'chat' } } };
  const pods: Pod[] = [];
  const prober = new Prober(kernel, events, pods, {
    passed: (_, kind) => note(kind, 'passed'),
    failed: (_, kind) => note(kind, 'failed'),
  });
  const pod = new Pod(0, 'pod', { leader: engine, unit, instance } as unknown as UnitReplica, 0, 0 as Micros);
  pods.push(pod);
  prober.begin(pod);
  for (const { at, health } of changes) {
    kernel.runUntil((at * 1e3) as Micros);
    engine.hangs = health === 'hung';
    engine.loaded = health !== 'loading';
    prober.healthChanged(pod);
  }
  kernel.runUntil((END * 1e3) as Micros);
  return seen.sort();
}

const anyProbe = fc
  .record({
    interval: fc.integer({ min: 1, max: 12 }),
    delay: fc.integer({ min: 1, max: 20 }),
    timeout: fc.integer({ min: 1, max: 15 }),
    failureThreshold: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ interval, delay, timeout, failureThreshold }) =>
    probe({
      interval: fromSeconds(interval),
      delay: fromSeconds(delay),
      timeout: fromSeconds(timeout),
      failureThreshold,
    }),
  );

const anyProbes = fc
  .record(Object.fromEntries(PROBE_KINDS.map((kind) => [kind, fc.option(anyProbe, { nil: undefined })])))
  .map((probes) => Object.fromEntries(Object.entries(probes).filter(([, each]) => each !== undefined)) as ProbesSpec);

// Half a second off: checks fall on whole seconds, and which of two things at one moment is first is nobody's business.
const anyChanges = fc
  .array(
    fc.record({
      at: fc.integer({ min: 0, max: 250 }).map((seconds) => seconds * 1e3 + 500),
      health: fc.constantFrom<Health>('loading', 'healthy', 'healthy', 'hung'),
    }),
    { maxLength: 14 },
  )
  .map((changes) => changes.sort((one, other) => one.at - other.at));

test(`asking only when something changes is asking every interval: ${CASES} drawn cases`, () => {
  fc.assert(
    fc.property(anyProbes, anyChanges, (probes, changes) => {
      expect(lazy(probes, changes)).toEqual(naive(probes, changes));
    }),
    { numRuns: CASES, seed: 1 },
  );
}, 60_000);

test('a healthy container costs no event', () => {
  const kernel = new Kernel(1);
  const unit = { probes: { readiness: probe(), liveness: probe() }, image: { name: 'image', sizeGiB: 1 } };
  const replica = { leader: { hangs: false, loaded: true }, unit, instance: { deployment: { service: {} } } };
  const pod = new Pod(0, 'pod', replica as unknown as UnitReplica, 0, 0 as Micros);
  const prober = new Prober(kernel, new EventLog(kernel), [pod], { passed: () => {}, failed: () => {} });
  prober.begin(pod);
  let steps = 0;
  while (kernel.step()) steps++;
  expect(steps).toBe(2);
});
