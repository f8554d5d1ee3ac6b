import { describe, expect } from 'vitest';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import type { PlatformEvent } from '../../src/telemetry/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { everySecond, plain, plainUnit, Watched } from '../support/pods.ts';
import { on, revised } from '../support/quick.ts';
import { DEPLOYMENT, SERVICE, service } from '../support/world.ts';

/** What a service tells of its life, and for how long that is to be seen. */

const probes = { startup: everySecond({ failureThreshold: 60 }) };
const spec = plain({ probes }, { instances: 2 });
const HOUR = 3_600;
const DAY = 24 * HOUR;

/** A life with a bit of everything: what is asked for, what is refused, what goes wrong, and what comes of it. */
function lived(): Watched {
  const watched = new Watched(spec).until(60);
  watched.operate(on('upgrade', { spec: revised(spec) }));
  watched.until(200).strike({ kind: 'kill-pod', service: SERVICE, deployment: DEPLOYMENT, instance: 0 });
  watched.until(300).operate(on('scale', { instances: 3 }));
  watched.operate(on('switch-version', { version: '9.9.9' }));
  watched.until(400).operate({ kind: 'stop', service: SERVICE });
  watched.until(700).operate({ kind: 'start', service: SERVICE });
  watched.until(800).operate({ kind: 'delete', service: SERVICE });
  return watched.until(900);
}

describe('service events', () => {
  guideRule(4361, 'every key event of the life of a service is recorded', () => {
    const reasons = lived()
      .of(SERVICE)
      .filter((line) => !line.endsWith('podsUnhealthy'));
    expect(reasons).toEqual([
      '18 deploymentCreated',
      '18 statusChanged',
      '60 statusChanged',
      expect.stringMatching(/ statusChanged$/),
      '200 deploymentDegraded',
      '200 serviceDegradedByDeployment',
      expect.stringMatching(/^2\d\d statusChanged$/),
      '300 deploymentUpdateRefused',
      '300 serviceUpgradeConfigurationFailed',
      '400 statusChanged',
      expect.stringMatching(/^58\d statusChanged$/),
      '700 statusChanged',
      expect.stringMatching(/^7\d\d deploymentCreated$/),
      expect.stringMatching(/^7\d\d statusChanged$/),
      '800 statusChanged',
      '801 statusChanged',
    ]);
  });

  guideRule(4367, 'service events tell states and operations of the service', () => {
    const watched = lived();
    const states = watched.told.flatMap(({ object, message }) => {
      const [, from, to] = /^Service status (?:change|transitioned) from (\w+) to (\w+)/.exec(message) ?? [];
      return object === SERVICE && from !== undefined ? [[from, to]] : [];
    });
    // Each begins where the one before has ended.
    expect(states.map(([from]) => from)).toEqual(['DEPLOYING', ...states.slice(0, -1).map(([, to]) => to)]);
    expect(states.map(([, to]) => to)).toEqual(
      'RUNNING UPGRADING RUNNING CONCERNING RUNNING STOPPING STOPPED DEPLOYING RUNNING DELETING DELETED'.split(' '),
    );
    expect(watched.messages('deploymentUpdateRefused')).toEqual([
      'Update of deployment [main] failed, there is no version 9.9.9.',
    ]);
  });

  guideRule(4383, 'event: the service changes state', () => {
    const watched = new Watched(spec).until(60);
    expect(watched.messages('statusChanged')).toEqual(['Service status change from DEPLOYING to RUNNING.']);
    const { events } = watched.world;
    expect(events.all().find(({ reason }) => reason === 'statusChanged')).toMatchObject({ type: 'Normal' });
  });

  guideRule(4384, 'event: a deployment is created, with available and target instances', () => {
    const text = (available: number, target: number): string =>
      `Deployment [main] created. Available instances: ${available}, target instances: ${target}, status change from DEPLOYING to RUNNING.`;
    expect(new Watched(spec).until(60).messages('deploymentCreated')).toEqual([text(2, 2)]);
    // A fifth may be missing: four of five make it run, and the sixteen chips take no fifth.
    const units = [plainUnit({ probes, resources: { cpu: 1, memoryGiB: 32, accelerators: 4 } })];
    const short = new Watched({ ...spec, instances: 5, maxUnavailable: 20, units }).until(60);
    expect(short.messages('deploymentCreated')).toEqual([text(4, 5)]);
  });

  guideRule(4416, 'event: quota cannot be released', () => {
    const units = [plainUnit({ gracefulShutdown: { timeout: fromSeconds(60), commandTakes: fromSeconds(30) } })];
    const watched = new Watched({ ...spec, units }).until(60);
    watched.operate({ kind: 'delete', service: SERVICE });
    watched.until(70).strike({ kind: 'control-plane-fault', service: SERVICE }).until(120);
    expect(watched.serviceStatus).toBe('DELETED');
    expect(watched.messages('quotaReleaseFailed')).toEqual(['Unable to release quota.']);
  });
});

describe('the list of events', () => {
  guideRule(4381, 'an event that repeats counts its occurrences', () => {
    const units = [plainUnit({ probes, image: { name: 'image', sizeGiB: 10, unavailable: 'missing' } })];
    const watched = new Watched({ ...spec, units }).until(20);
    const rows = watched.world.events.all().filter(({ reason }) => reason === 'podImagePullFailed');
    // Two pods, each in vain twice.
    expect(rows).toMatchObject([{ occurrences: 4, firstAt: 1e6, lastAt: 11e6 }]);
    expect(watched.times(SERVICE, 'podImagePullFailed')).toEqual([1, 1, 11, 11]);
  });

  /** Who is to be seen so long after the last event of a service that ingests its pods' events, and of one that does not. */
  function shown(seconds: number): string[] {
    const services = [
      service({ deployments: [spec], ingestsPodEvents: true }),
      service({ name: 'other', deployments: [spec] }),
    ];
    const { world, pods } = new Watched(services).until(60);
    const ingesting = pods.filter(({ deployment }) => deployment.service.spec.ingestsPodEvents === true);
    const podEventsIngested = (name: string): boolean => ingesting.some((each) => each.name === name);
    const last = (level: PlatformEvent['level']): number =>
      Math.max(...world.events.all().map((each) => (each.level === level ? each.lastAt : 0)));
    const kinds = world.events
      .visible((last('pod') + fromSeconds(seconds)) as Micros, { podEventsIngested })
      .map(({ level, object }) => (level === 'service' ? 'service' : podEventsIngested(object) ? 'ingested' : 'pod'));
    return [...new Set(kinds)].sort();
  }

  guideRule(4486, 'with Kubernetes events ingested, pod events are kept for seven days', () => {
    expect(shown(7 * DAY)).toEqual(['ingested', 'service']);
    expect(shown(7 * DAY + 1)).toEqual(['service']);
  });

  guideRule(4488, 'otherwise pod events are kept for an hour', () => {
    expect(shown(HOUR)).toEqual(['ingested', 'pod', 'service']);
    expect(shown(HOUR + 1)).toEqual(['ingested', 'service']);
  });
});
