import { describe, expect, test } from 'vitest';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import type { TimelineEntry } from '../../src/lab/index.ts';
import { type DeploymentSpec, surgeOf, unavailableOf } from '../../src/platform/index.ts';
import { Outcome } from '../../src/telemetry/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { on, Quick, quick, quickLab, quickUnit, revised } from '../support/quick.ts';
import { finished, traffic } from '../support/world.ts';

/** An upgrade as a list of what there was whenever it changed: instances that exist, and those that take traffic. */
function course(spec: DeploymentSpec, nodes = 8, next = revised(spec)): { existing: number; ready: number }[] {
  const lab = Quick.ready(quickLab([spec], nodes));
  lab.pass(1);
  const seen: { existing: number; ready: number }[] = [];
  expect(lab.upgrade(next)).toBeUndefined();
  lab.until(
    () => lab.deployment.rollout === undefined,
    () => {
      const now = { existing: lab.deployment.instances.length, ready: lab.ready };
      const last = seen.at(-1);
      if (last?.existing !== now.existing || last.ready !== now.ready) seen.push(now);
    },
  );
  expect(lab.status).toBe('RUNNING');
  return seen;
}

const most = (seen: readonly { existing: number }[]): number => Math.max(...seen.map(({ existing }) => existing));
const fewest = (seen: readonly { ready: number }[]): number => Math.min(...seen.map(({ ready }) => ready));

/** Requests of half a second, so many a second, for half a minute; the upgrade begins after two seconds. */
function underTraffic(spec: DeploymentSpec, next: DeploymentSpec, rate = 20, nodes = 8) {
  const operation: TimelineEntry = { at: fromSeconds(2), from: 'ready', operation: on('upgrade', { spec: next }) };
  const stream = traffic({
    arrivals: { kind: 'constant', rate },
    prompt: { kind: 'fixed', tokens: 32 },
    output: { kind: 'fixed', tokens: 50 },
    count: rate * 60,
  });
  const world = finished(
    quickLab([spec], nodes, { traffic: [stream], timeline: [operation], duration: fromSeconds(90) }),
  );
  const failed = [...world.requests.records()].filter(({ outcome }) => outcome !== Outcome.completed);
  world.check();
  return { world, failed, deployment: world.platform.deployments[0]! };
}

describe('how many at a time', () => {
  guideRule(445, 'max surge rounds up', () => {
    expect([surgeOf(4, 1), surgeOf(3, 50), surgeOf(128, 1), surgeOf(5, 100)]).toEqual([1, 2, 2, 5]);
  });

  guideRule(445, 'max surge of 1 % of four instances adds one at a time', () => {
    expect(most(course(quick({ instances: 4, maxSurge: 1, maxUnavailable: 1 })))).toBe(5);
  });

  guideRule(445, 'max surge of 100 % of two instances adds two at once', () => {
    const seen = course(quick({ instances: 2, maxSurge: 100, maxUnavailable: 1 }));
    expect(seen[0]).toEqual({ existing: 2, ready: 2 });
    expect(seen.some(({ existing }) => existing === 4)).toBe(true);
    expect(seen.some(({ existing }) => existing === 3 && seen[1]!.existing === 3)).toBe(false);
  });

  guideRule(448, 'max unavailable rounds down', () => {
    expect([unavailableOf(4, 1), unavailableOf(3, 50), unavailableOf(99, 1), unavailableOf(100, 1)]).toEqual([
      0, 1, 0, 1,
    ]);
  });

  guideRule(448, 'max unavailable of 1 % of four deletes an old instance only when its replacement runs', () => {
    expect(fewest(course(quick({ instances: 4, maxSurge: 1, maxUnavailable: 1 })))).toBe(4);
  });

  guideRule(448, 'max unavailable of 50 % of two deletes one at once and keeps one available', () => {
    const seen = course(quick({ instances: 2, maxSurge: 1, maxUnavailable: 50 }));
    expect(fewest(seen)).toBe(1);
    const lab = Quick.ready(quickLab([quick({ instances: 2, maxUnavailable: 50 })]));
    lab.upgrade(revised(lab.deployment.spec));
    lab.pass(0);
    expect(lab.ready).toBe(1);
  });

  guideRule(4037, 'no step of an upgrade exceeds the target by more than max surge', () => {
    expect(most(course(quick({ instances: 10, maxSurge: 25, maxUnavailable: 30 })))).toBe(13);
  });

  guideRule(4039, 'never fewer are available than all replicas less max unavailable', () => {
    expect(fewest(course(quick({ instances: 10, maxSurge: 10, maxUnavailable: 25 })))).toBe(8);
  });

  test('with another number of instances', () => {
    const spec = quick({ instances: 6, maxSurge: 1, maxUnavailable: 1 });
    const shrinking = course(spec, 8, revised(spec, { instances: 2 }));
    expect(most(shrinking)).toBe(6);
    expect(fewest(shrinking)).toBe(2);
    const growing = course(spec, 8, revised(spec, { instances: 9 }));
    expect(most(growing)).toBe(10);
    expect(fewest(growing)).toBe(6);
    expect(growing.at(-1)!.ready).toBe(9);
  });
});

describe('an upgrade under traffic', () => {
  const spec = quick({ instances: 4 });

  guideRule(4015, 'a rolling upgrade replaces replicas gradually while the others answer', () => {
    const { failed, deployment } = underTraffic(spec, revised(spec));
    expect(failed).toEqual([]);
    expect(deployment.version.number).toBe('1.0.1');
  });

  guideRule(3956, 'a rolling upgrade shuts old instances down gracefully, step by step', () => {
    const lab = Quick.ready(quickLab([spec]));
    lab.upgrade(revised(spec));
    let together = 0;
    lab.until(
      () => lab.deployment.rollout === undefined,
      () => {
        together = Math.max(together, lab.deployment.instances.filter(({ leaving }) => leaving).length);
      },
    );
    expect(together).toBeLessThanOrEqual(1);
    expect(underTraffic(spec, revised(spec)).failed).toEqual([]);
  });

  guideRule(4029, 'an upgrade interrupts nothing when no replica may be unavailable', () => {
    for (const instances of [1, 2, 7]) {
      const few = quick({ instances, maxUnavailable: 1 });
      expect(underTraffic(few, revised(few)).failed).toEqual([]);
    }
  });

  guideRule(4029, 'with max unavailable of 100 % an upgrade interrupts briefly', () => {
    const all = quick({ instances: 4, maxUnavailable: 100 });
    const { failed, world } = underTraffic(all, revised(all));
    expect(failed.length).toBeGreaterThan(0);
    const moments = failed.map(({ arrivedAt }) => arrivedAt - world.settledAt);
    expect(Math.max(...moments) - Math.min(...moments)).toBeLessThan(fromSeconds(10));
  });

  guideRule(4030, 'without health checks new instances get traffic before they are ready', () => {
    const blind = quick({ instances: 4, units: [quickUnit({ probes: {} })] });
    const { failed } = underTraffic(blind, revised(blind));
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.every(({ status }) => status === 502 || status === 503)).toBe(true);
  });

  guideRule(4059, 'an upgrade goes on only when new instances pass their health checks', () => {
    const lab = Quick.ready(quickLab([spec]));
    const slow = quickUnit({ image: { name: 'quick:2', sizeGiB: 1, healthPaths: ['/other'] } });
    lab.upgrade({ ...spec, units: [slow] });
    lab.pass(300);
    expect(lab.ready).toBe(4);
    expect(lab.deployment.instances.filter(({ version }) => version.number === '1.0.1')).toHaveLength(1);
  });

  for (const [line, rule, percent] of [
    [4044, 'the general configuration, 1 % and 1 %, interrupts nothing', 1],
    [4046, 'the gray configuration, 10 % and 10 %, goes in small batches', 10],
  ] as const) {
    guideRule(line, rule, () => {
      const general = quick({ instances: 8, maxSurge: percent, maxUnavailable: percent });
      expect(underTraffic(general, revised(general)).failed).toEqual([]);
      expect(most(course(general))).toBe(9);
    });
  }

  guideRule(4045, 'the fast configuration, 25 % and 25 %, upgrades faster', () => {
    const took = (percent: number): number => {
      const lab = Quick.ready(quickLab([quick({ instances: 8, maxSurge: percent, maxUnavailable: percent })], 8));
      const from = lab.world.now;
      lab.upgrade(revised(lab.deployment.spec));
      lab.untilStatus('RUNNING');
      return lab.world.now - from;
    };
    expect(took(25)).toBeLessThan(took(1) / 2);
  });

  guideRule(4047, 'the emergency configuration, 100 % and 100 %, interrupts briefly', () => {
    const single = quick({ instances: 1, maxSurge: 100, maxUnavailable: 100 });
    const { failed, deployment } = underTraffic(single, revised(single));
    expect(failed.length).toBeGreaterThan(0);
    expect(deployment.status).toBe('RUNNING');
  });

  guideRule(4027, 'dedicated and public pools take rolling upgrades', () => {
    const lab = quickLab([spec]);
    const open = Quick.ready({ ...lab, pools: [{ ...lab.pools[0]!, type: 'public' }] });
    // One deployment is not managed by itself there: the service is modified.
    expect(open.operate({ kind: 'upgrade', service: open.service.name, spec: revised(spec) })).toBeUndefined();
    expect(open.status).toBe('UPGRADING');
    expect(open.untilStatus('RUNNING')).toBe(true);
    expect(open.deployment.version.number).toBe('1.0.1');
  });
});

describe('an upgrade that fails', () => {
  const spec = quick({ instances: 3, deployTimeout: fromSeconds(300) });

  /** Upgrades until it is over. */
  function failing(lab: Quick, next: DeploymentSpec): void {
    lab.upgrade(next);
    expect(lab.status).toBe('UPGRADING');
    lab.until(
      () => lab.deployment.rollout === undefined,
      () => expect(lab.ready).toBeGreaterThanOrEqual(3),
    );
    expect(lab.status).toBe('RUNNING');
    expect(lab.deployment.version.number).toBe('1.0.0');
    expect(lab.deployment.staying.map(({ version }) => version.number)).toEqual(['1.0.0', '1.0.0', '1.0.0']);
    lab.world.check();
  }

  guideRule(4028, 'an upgrade to an image that does not start does not complete', () => {
    const lab = Quick.ready(quickLab([spec]));
    failing(lab, { ...spec, units: [quickUnit({ image: { name: 'bad:1', sizeGiB: 1, failsToStart: true } })] });
    expect(lab.events('deploymentUpdateFailed', 'serviceUpdateFailed')).toHaveLength(2);
  });

  guideRule(4031, 'an upgrade with a bad image ends and the old instances go on', () => {
    const lab = Quick.ready(quickLab([spec]));
    failing(lab, { ...spec, units: [quickUnit({ image: { name: 'none:1', sizeGiB: 1, unavailable: 'missing' } })] });
    expect(lab.events('serviceUpdateFailed')[0]).toMatch(/the service will roll back, none:1: not found/);
  });

  guideRule(4031, 'an upgrade short of resources ends and the old instances go on', () => {
    const full = quick({ ...spec, units: [quickUnit({ resources: { cpu: 1, memoryGiB: 32, accelerators: 2 } })] });
    const lab = Quick.ready(quickLab([full], 1));
    failing(
      lab,
      revised(full, {
        instances: 3,
        units: [{ ...revised(full).units[0]!, resources: { cpu: 1, memoryGiB: 32, accelerators: 4 } }],
      }),
    );
    expect(lab.events('serviceUpdateTimedOut')).toEqual([
      'Service update timed out. Error message: Service deployment time exceeded 5 minutes; the service is rolled back.',
    ]);
    // The old instances, which are up all the while, are not what came up.
    expect(lab.events('deploymentUpdateFailed')[0]).toMatch(
      /will roll back, 0 of 3 instances came up within 5 minutes/,
    );
  });

  guideRule(448, 'a hitless upgrade needs spare resources, without which it fails', () => {
    const full = quick({ instances: 8, deployTimeout: fromSeconds(300) });
    const tight = underTraffic(full, revised(full), 20, 1);
    expect(tight.failed).toEqual([]);
    const lab = Quick.ready(quickLab([full], 1));
    lab.upgrade(revised(full));
    lab.until(() => lab.deployment.rollout === undefined);
    expect(lab.deployment.version.number).toBe('1.0.0');
  });

  test('is rolled back by instances of the old version, made anew where they are gone', () => {
    const half = quick({ instances: 4, maxUnavailable: 50, deployTimeout: fromSeconds(300) });
    const lab = Quick.ready(quickLab([half]));
    const fresh = { name: 'bad:1', sizeGiB: 1, failsToStart: true };
    lab.upgrade({ ...half, units: [quickUnit({ image: fresh })] });
    lab.until(() => lab.deployment.rollout?.kind === 'rollback');
    expect(lab.ready).toBe(2);
    lab.until(() => lab.deployment.rollout === undefined);
    lab.pass(30);
    expect(lab.ready).toBe(4);
    expect(lab.deployment.instances.every(({ version }) => version.number === '1.0.0')).toBe(true);
    expect(lab.deployment.versions.map(({ number }) => number)).toEqual(['1.0.0', '1.0.1']);
  });

  test('and whose old version lacks its secret is not rolled back', () => {
    const secret = { kind: 'dew', name: 'key', mountPath: '/key' } as unknown as DeploymentSpec['secrets'][number];
    const lab = Quick.ready(quickLab([quick({ instances: 3, secrets: [secret] })]));
    const image = { name: 'bad:1', sizeGiB: 1, failsToStart: true };
    lab.upgrade({ ...lab.deployment.spec, secrets: [], units: [quickUnit({ image })] });
    lab.strike({ kind: 'delete-secret', secret: 'key' });
    lab.until(() => lab.deployment.rollout === undefined);
    expect([lab.status, lab.ready, lab.deployment.version.number]).toEqual(['RUNNING', 3, '1.0.1']);
    expect(lab.events('deploymentRollbackRefused')).toEqual([
      'Upgrade rollback of deployment [main] failed. Current status: [UPGRADING].',
    ]);
  });

  test('and cannot be rolled back in time ends in what there is', () => {
    const half = quick({ instances: 4, maxUnavailable: 50, deployTimeout: fromSeconds(180) });
    const lab = Quick.ready(quickLab([half], 1));
    lab.upgrade({ ...half, units: [quickUnit({ image: { name: 'bad:1', sizeGiB: 1, failsToStart: true } })] });
    for (const node of lab.world.cluster.allNodes) node.cordoned = true;
    lab.until(() => lab.deployment.rollout === undefined);
    // Two old ones are left of four, and two may be missing.
    expect(lab.status).toBe('RUNNING');
    const strict = Quick.ready(quickLab([quick({ ...half, maxUnavailable: 49 })], 1));
    strict.upgrade({
      ...half,
      maxUnavailable: 49,
      units: [quickUnit({ image: { name: 'bad:1', sizeGiB: 1, failsToStart: true } })],
    });
    strict.pass(1);
    for (const node of strict.world.cluster.allNodes) node.cordoned = true;
    strict.strike({ ...on('delete-pod'), kind: 'kill-pod', instance: 0 });
    strict.until(() => strict.deployment.rollout === undefined);
    expect(
      strict.events('deploymentRollbackTimedOut', 'serviceRollbackTimedOut', 'deploymentRollbackFailed'),
    ).toHaveLength(3);
    expect(strict.status).toBe('CONCERNING');
  });
});

describe('what counts as deployed', () => {
  guideRule(448, 'with max unavailable of 20 % a deployment of five is Running with four', () => {
    const four = quick({
      instances: 5,
      maxUnavailable: 20,
      units: [quickUnit({ resources: { cpu: 1, memoryGiB: 32, accelerators: 2 } })],
    });
    const lab = Quick.ready(quickLab([four], 1));
    expect([lab.status, lab.ready, lab.service.status]).toEqual(['RUNNING', 4, 'RUNNING']);
    expect(lab.events('deploymentCreated')[0]).toMatch(
      /Available instances: 4, target instances: 5, .* from DEPLOYING to RUNNING/,
    );
  });

  guideRule(448, 'with max unavailable of 100 % a service stays Running while nothing answers', () => {
    const all = quick({ instances: 2, maxUnavailable: 100 });
    const lab = Quick.ready(quickLab([all]));
    for (const instance of [0, 1]) lab.strike({ ...on('delete-pod'), kind: 'kill-pod', instance });
    expect([lab.ready, lab.service.status]).toEqual([0, 'RUNNING']);
    expect(lab.deployment.backends).toEqual([]);
  });

  guideRule(444, 'a deployment that is not up within its timeout is cancelled', () => {
    const lab = new Quick(quickLab([quick({ instances: 9, deployTimeout: fromSeconds(240) })], 1));
    lab.untilStatus('FAILED');
    expect(lab.world.now).toBe(fromSeconds(240));
    expect(lab.service.status).toBe('FAILED');
    expect(lab.events('serviceDeploymentTimedOut', 'deploymentCreationFailed')).toHaveLength(2);
    expect(lab.world.platform.pods.every(({ phase }) => phase === 'terminated')).toBe(true);
    lab.world.check();
  });

  guideRule(444, 'the deployment timeout covers deployment and startup', () => {
    const slow = quickLab([quick({ deployTimeout: fromSeconds(240) })], 1);
    const booting = { ...slow.timings, engineBoot: fromSeconds(300) as Micros };
    const lab = new Quick({ ...slow, timings: booting });
    lab.untilStatus('FAILED');
    expect(lab.world.now).toBe(fromSeconds(240));
  });

  guideRule(470, 'a service goes from Deploying to Running when it is deployed', () => {
    const lab = new Quick();
    expect(lab.service.status).toBe('DEPLOYING');
    lab.world.runUntilSettled();
    expect(lab.events('statusChanged')).toEqual(['Service status change from DEPLOYING to RUNNING.']);
  });

  guideRule(474, 'a deployed service is started at once', () => {
    const lab = new Quick();
    expect(lab.deployment.instances).toHaveLength(2);
    lab.pass(0);
    expect(lab.deployment.pods.every(({ phase }) => phase !== 'pending')).toBe(true);
  });
});
