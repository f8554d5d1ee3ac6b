import { describe, expect, test } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { DeploymentSpec, UnitSpec } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { everySecond, nodes, plain, plainUnit, pool, Watched } from '../support/pods.ts';
import { DEPLOYMENT, SERVICE } from '../support/world.ts';

/** Engines of several pods: they agree on a rank table, and none is of use without the others. */

const startup = everySecond({ failureThreshold: 600 });
const ALL = { startup, readiness: everySecond(), liveness: everySecond() };
const POD = { service: SERVICE, deployment: DEPLOYMENT, instance: 0 };
const WHOLE_NODE = { cpu: 1, memoryGiB: 32, accelerators: 4 };
const FOUR_NODES = { pools: [pool([nodes(4, { maxPods: 1 })])] };

/** A replica of so many pods, each on a node of its own. */
function group(pods: number, more: Partial<UnitSpec> = {}): DeploymentSpec {
  return plain({ probes: ALL, resources: WHOLE_NODE, pods, ...more });
}

/** A master and two workers, units of their own. */
function masterAndWorkers(more: Partial<UnitSpec> = {}): DeploymentSpec {
  const unit = plainUnit({ probes: ALL, resources: WHOLE_NODE, ...more });
  const worker: UnitSpec = { ...unit, name: 'worker', role: 'worker', pods: 2 };
  return plain({}, { mode: 'co-located', units: [{ ...unit, name: 'master' }, worker] });
}

function engines(watched: Watched): number {
  return watched.world.engines.all.length;
}

describe('an engine of several pods', () => {
  test('starts when all its containers run, and agrees on its rank table first', () => {
    // Only one node has the image: the other pod is ten seconds later.
    const groups = [nodes(1, { maxPods: 1, warmImages: ['image'] }), nodes(1, { name: 'cold', maxPods: 1 })];
    const watched = new Watched(group(2), { pools: [pool(groups)] }).until(12.9);
    expect(watched.of(0, 'Started')).toEqual(['3 Started']);
    expect(engines(watched)).toBe(0);
    watched.until(60);
    expect(engines(watched)).toBe(1);
    // 3 s of rank table and 5 of the engine, from the last start.
    expect(watched.times(0, 'Healthy')[0]).toBe(13 + 3 + 5);
    expect(watched.times(1, 'Healthy')[0]).toBe(13 + 3 + 5);
    expect(watched.world.platform.replicas[0]!.ready).toBe(true);
  });

  test('has the devices of all of them', () => {
    const watched = new Watched(group(2), FOUR_NODES).until(60);
    expect(watched.world.platform.replicas[0]!.tensorWidth).toBe(8);
  });

  test('dies with any of its pods; those that are left wait in vain until they are started anew', () => {
    for (const lost of [0, 1, 2]) {
      const watched = new Watched(group(3), FOUR_NODES).until(60);
      const replies = [watched.call(4_000), watched.call(4_000)];
      watched.until(61).strike({ kind: 'crash-container', ...POD, pod: lost });
      expect(replies.map(({ state }) => state)).toEqual(['cut', 'cut']);
      for (const pod of watched.pods) expect(pod.stale).toBe(pod.rank !== lost);
      // It is back at 63 s and asks at once; nobody answers it, and liveness finds the others out at 64 s.
      watched.until(63.5);
      expect(watched.pod(lost)).toMatchObject({ phase: 'running', stale: false });
      expect(engines(watched)).toBe(1);
      watched.until(120);
      expect(engines(watched)).toBe(2);
      for (const pod of watched.pods) expect(pod).toMatchObject({ ready: true, stale: false, restarts: 1 });
      expect(watched.call().state).toBe('open');
    }
  });

  test('stays dead when no probe finds out that the others are stale', () => {
    const watched = new Watched(group(2, { probes: {} }), FOUR_NODES).until(60);
    watched.strike({ kind: 'crash-container', ...POD, pod: 1 }).until(600);
    expect(engines(watched)).toBe(1);
    expect(watched.pod(0)).toMatchObject({ stale: true, restarts: 0 });
    expect(watched.call().state).toBe('refused');
  });

  test('hangs with any of its pods', () => {
    const watched = new Watched(group(2, { probes: { startup } }), FOUR_NODES).until(60);
    const reply = watched.call(200);
    watched.until(60.5).strike({ kind: 'hang-container', ...POD, pod: 1, lasting: fromSeconds(30) });
    const sent = reply.tokensSent;
    watched.until(90);
    expect(reply.tokensSent).toBe(sent);
    watched.until(120);
    expect(reply.state).toBe('finished');
  });

  test('is not put together of a pod that is gone and one that is new', () => {
    const watched = new Watched(group(2), FOUR_NODES).until(60);
    watched.strike({ kind: 'kill-pod', ...POD, pod: 1 }).until(150);
    expect(watched.pods).toHaveLength(3);
    expect(watched.pod(2)).toMatchObject({ rank: 1, ready: true });
    expect(watched.pod(0)).toMatchObject({ ready: true, restarts: 1 });
    expect(engines(watched)).toBe(2);
  });
});

describe('a master with workers', () => {
  guideRule(505, 'the first unit is the vLLM master: ready when all its workers are', () => {
    const watched = new Watched(masterAndWorkers(), FOUR_NODES);
    watched.strike({ kind: 'cordon', node: 'npus-node-3' }).strike({ kind: 'cordon', node: 'npus-node-2' });
    // One node is free: the master runs, and has nobody to work with.
    watched.until(100);
    const [master, ...workers] = watched.pods;
    expect(master).toMatchObject({ phase: 'running', ready: false });
    expect(workers.map(({ phase }) => phase)).toEqual(['pending', 'pending']);
    expect(watched.call().state).toBe('refused');
    const free = new Watched(masterAndWorkers(), FOUR_NODES).until(60);
    expect(free.world.platform.replicas[0]).toMatchObject({ ready: true, tensorWidth: 12 });
    expect(engines(free)).toBe(1);
    expect(free.call().state).toBe('open');
  });

  guideRule(505, 'the loss of the vLLM master ends the instance', () => {
    const watched = new Watched(masterAndWorkers(), FOUR_NODES).until(60);
    const reply = watched.call(4_000);
    watched.until(61).strike({ kind: 'crash-container', ...POD, unit: 'master' });
    expect(reply.state).toBe('cut');
    expect(watched.pods.map(({ stale }) => stale)).toEqual([false, true, true]);
    watched.until(62);
    expect(watched.call().state).toBe('refused');
    expect(watched.serviceStatus).toBe('ERROR');
  });

  test('takes requests through the master alone', () => {
    const watched = new Watched(masterAndWorkers(), FOUR_NODES).until(60);
    const backends = watched.world.platform.deployments[0]!.backends;
    expect(backends.map(({ unit }) => unit.name)).toEqual(['master']);
  });
});
