import { describe, expect, test } from 'vitest';
import { type DeploymentStatus, serviceStatus } from '../../src/platform/states.ts';
import { on, Quick, quick, quickLab, quickUnit, revised } from '../support/quick.ts';
import { SERVICE } from '../support/world.ts';

describe('the state of a service', () => {
  const rows: readonly [string, DeploymentStatus[], boolean][] = [
    ['INIT', [], false],
    ['INIT', ['DELETING'], true],
    ['DEPLOYING', ['DEPLOYING'], false],
    ['DEPLOYING', ['DEPLOYING', 'STOPPED'], true],
    ['DEPLOYING', ['DEPLOYING', 'FAILED'], false],
    ['UPGRADING', ['DEPLOYING', 'RUNNING'], true],
    ['UPGRADING', ['UPGRADING', 'RUNNING'], true],
    ['UPGRADING', ['UPGRADING', 'DEPLOYING'], true],
    ['INTERRUPTING', ['INTERRUPTING', 'RUNNING'], true],
    ['STOPPING', ['STOPPING', 'STOPPED'], true],
    ['STOPPED', ['STOPPED', 'STOPPED'], true],
    ['STOPPED', ['STOPPED', 'DELETING'], true],
    ['RUNNING', ['RUNNING', 'RUNNING'], true],
    ['RUNNING', ['RUNNING', 'DELETING'], true],
    ['CONCERNING', ['RUNNING', 'STOPPED'], true],
    ['CONCERNING', ['RUNNING', 'STOPPING'], true],
    ['CONCERNING', ['RUNNING', 'FAILED'], true],
    ['CONCERNING', ['CONCERNING'], true],
    ['ERROR', ['ERROR'], true],
    ['ERROR', ['ERROR', 'FAILED'], false],
    ['ERROR', ['FAILED'], true],
    ['FAILED', ['FAILED'], false],
    ['FAILED', ['FAILED', 'STOPPED'], false],
  ];
  for (const [to, statuses, served] of rows) {
    test(`${statuses.join(' and ') || 'without deployments'}${served ? ', it has run' : ''}: ${to}`, () => {
      expect(serviceStatus(statuses, served)).toBe(to);
      expect(serviceStatus([...statuses].reverse(), served)).toBe(to);
    });
  }
});

describe('the way of a deployment', () => {
  /** The states that a deployment goes through, each with that of its service. */
  function way(lab: Quick, until: string, ...before: string[]): string[] {
    const seen = [...before];
    lab.untilStatus(until, () => {
      const now = `${lab.status} ${lab.service.status}`;
      if (seen.at(-1) !== now) seen.push(now);
    });
    const last = `${lab.status} ${lab.service.status}`;
    return seen.at(-1) === last ? seen : [...seen, last];
  }

  const bad = quickUnit({ image: { name: 'bad:1', sizeGiB: 1, failsToStart: true } });

  test('up', () => {
    expect(way(new Quick(), 'RUNNING')).toEqual(['DEPLOYING DEPLOYING', 'RUNNING RUNNING']);
  });

  test('up, in vain', () => {
    const lab = new Quick(quickLab([quick({ units: [bad] })]));
    expect(way(lab, 'FAILED')).toEqual(['DEPLOYING DEPLOYING', 'FAILED FAILED']);
    expect(lab.events('serviceDeploymentFailed', 'deploymentCreationFailed')).toEqual([
      'Service deployment failed, the boot command failed.',
      'Creation of deployment [main] failed, the boot command failed; status transitioned from DEPLOYING to FAILED.',
    ]);
  });

  test('down and up again', () => {
    const lab = Quick.ready().also(on('stop'));
    expect(way(lab, 'STOPPED')).toEqual(['STOPPING STOPPING', 'STOPPED STOPPED']);
    lab.also(on('start'));
    expect(way(lab, 'RUNNING')).toEqual(['DEPLOYING DEPLOYING', 'RUNNING RUNNING']);
  });

  test('down, and up again in vain', () => {
    const lab = Quick.ready().also(on('stop'));
    lab.untilStatus('STOPPED');
    lab.upgrade({ ...lab.deployment.spec, units: [bad] });
    lab.also(on('start'));
    expect(way(lab, 'FAILED')).toEqual(['DEPLOYING DEPLOYING', 'FAILED ERROR']);
    expect(lab.events('deploymentStartFailed', 'serviceStartFailed')).toEqual([
      'Startup of deployment [main] failed, the boot command failed; status transitioned from DEPLOYING to FAILED.',
      'Service startup failed, the boot command failed; status transitioned from DEPLOYING to ERROR.',
    ]);
  });

  test('to another version', () => {
    const lab = Quick.ready();
    lab.upgrade(revised(lab.deployment.spec));
    expect(way(lab, 'RUNNING')).toEqual(['UPGRADING UPGRADING', 'RUNNING RUNNING']);
  });

  test('through faults and back', () => {
    const lab = Quick.ready();
    const kill = (instance: number) => lab.strike({ ...on('delete-pod'), kind: 'kill-pod', instance });
    kill(0);
    expect([lab.status, lab.service.status]).toEqual(['CONCERNING', 'CONCERNING']);
    kill(1);
    expect([lab.status, lab.service.status]).toEqual(['ERROR', 'ERROR']);
    expect(way(lab, 'RUNNING').at(-1)).toBe('RUNNING RUNNING');
    expect(lab.events('deploymentDegraded')).toEqual([
      'Status of deployment [main] transitioned from RUNNING to CONCERNING; error message: 1 of 2 instances are available.',
      'Status of deployment [main] transitioned from CONCERNING to ERROR; error message: 0 of 2 instances are available.',
      'Status of deployment [main] transitioned from ERROR to CONCERNING; error message: 1 of 2 instances are available.',
    ]);
  });

  test('of two: one is stopped, and the service is in Alarm but for as long', () => {
    const lab = Quick.ready(quickLab([quick(), quick({ name: 'other' })]));
    lab.also(on('stop'));
    expect(lab.service.status).toBe('CONCERNING');
    lab.untilStatus('STOPPED');
    lab.also(on('start'));
    expect(lab.service.status).toBe('UPGRADING');
    lab.untilStatus('RUNNING');
    expect(lab.service.status).toBe('RUNNING');
    lab.also({ kind: 'stop', service: SERVICE });
    expect(lab.service.status).toBe('STOPPING');
  });
});
