import { describe, expect, test } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import { Outcome } from '../../src/telemetry/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { on, Quick, quick, quickLab, quickUnit, revised } from '../support/quick.ts';
import { SERVICE, traffic } from '../support/world.ts';

const spec = quick();
const bare = quickUnit({ probes: {} });

/** A ready lab that has been called just now: the answer takes about ten seconds. */
function busy(lab: Quick): { readonly outcome: () => Outcome; readonly number: number } {
  const reply = lab.world.apply(lab.world.now, {
    kind: 'call',
    call: { to: { service: SERVICE }, promptTokens: 10, maxTokens: 900, minTokens: 900, key: null },
  })!;
  return { number: reply.number, outcome: () => [...lab.world.requests.records()][reply.number]!.outcome };
}

/** The moment from which a request is refused, and that at which the deployment has stopped, in seconds from the command. */
function stopped(lab: Quick): { seconds: number; phases: string[] } {
  const from = lab.world.now;
  lab.also(on('stop'));
  expect(lab.untilStatus('STOPPED')).toBe(true);
  return { seconds: (lab.world.now - from) / 1e6, phases: lab.world.platform.pods.map(({ phase }) => phase) };
}

describe('stopping', () => {
  guideRule(3954, 'a stop lets requests in flight finish', () => {
    const lab = Quick.ready(quickLab([quick({ units: [bare] })]));
    lab.pass(10);
    const request = busy(lab);
    lab.pass(0.5);
    lab.also(on('stop'));
    lab.pass(5);
    expect(request.outcome()).toBe(Outcome.inFlight);
    expect(lab.untilStatus('STOPPED')).toBe(true);
    expect(request.outcome()).toBe(Outcome.completed);
    lab.world.check();
  });

  guideRule(3959, 'a stream that is running is not cut by a graceful shutdown', () => {
    const lab = Quick.ready();
    const request = busy(lab);
    lab.pass(0.5);
    lab.also(on('scale', { instances: 1 }));
    lab.also(on('set-weight', { weight: 1 }));
    lab.pass(60);
    expect(request.outcome()).toBe(Outcome.completed);
    expect(lab.deployment.instances).toHaveLength(1);
  });

  guideRule(4065, 'with probes a stop is delayed by three minutes', () => {
    const probed = stopped(Quick.ready());
    expect(probed.seconds).toBe(180);
    expect(probed.phases.every((phase) => phase === 'terminated')).toBe(true);
    const unprobed = Quick.ready(quickLab([quick({ units: [bare] })]));
    expect(stopped(unprobed).seconds).toBe(1);
    const other = quickLab();
    const setting = Quick.ready({ ...other, timings: { ...other.timings, stopDelay: fromSeconds(7) } });
    expect(stopped(setting).seconds).toBe(7);
  });

  test('takes no new requests from the command on', () => {
    const lab = Quick.ready();
    lab.also(on('stop'));
    expect(lab.deployment.backends).toEqual([]);
    const reply = lab.world.apply(lab.world.now, {
      kind: 'call',
      call: { to: { service: SERVICE }, promptTokens: 9, key: null },
    });
    expect(reply?.refusal?.status).toBe(503);
  });

  guideRule(3964, 'graceful shutdown works in dedicated and public pools', () => {
    const lab = quickLab([quick({ units: [bare] })]);
    for (const type of ['dedicated', 'public'] as const) {
      const pool = Quick.ready({ ...lab, pools: [{ ...lab.pools[0]!, type }] });
      pool.pass(10);
      const request = busy(pool);
      pool.pass(0.5);
      pool.also({ kind: 'stop', service: SERVICE });
      expect(pool.untilStatus('STOPPED')).toBe(true);
      expect(request.outcome()).toBe(Outcome.completed);
    }
  });

  guideRule(3957, 'a scale-in takes idle instances first', () => {
    const lab = Quick.ready(quickLab([quick({ instances: 4 })]));
    lab.pass(5);
    for (let each = 0; each < 2; each++) busy(lab);
    lab.pass(0.1);
    const working = lab.deployment.instances.filter(({ load }) => load > 0).map(({ index }) => index);
    lab.also(on('scale', { instances: 2 }));
    lab.pass(0);
    expect(lab.deployment.staying.map(({ index }) => index)).toEqual(working);
  });

  guideRule(426, 'a pod told to stop is killed when the shutdown timeout is over', () => {
    const short = quickUnit({
      probes: {},
      gracefulShutdown: { timeout: fromSeconds(3), commandTakes: fromSeconds(0) },
    });
    const lab = Quick.ready(quickLab([quick({ units: [short] })]));
    lab.pass(10);
    const request = busy(lab);
    lab.pass(0.5);
    expect(stopped(lab).seconds).toBe(4);
    expect(request.outcome()).toBe(Outcome.cut);
  });

  guideRule(426, 'within the shutdown timeout requests in flight finish', () => {
    const lab = Quick.ready();
    const stream = [busy(lab), busy(lab), busy(lab)];
    lab.also(on('delete'));
    expect(lab.untilStatus('DELETED')).toBe(true);
    expect(stream.map(({ outcome }) => outcome())).toEqual(Array(3).fill(Outcome.completed));
  });

  guideRule(426, 'the shutdown command runs at the stop signal and must end within the timeout', () => {
    for (const [commandTakes, seconds] of [
      [5, 6],
      [30, 11],
    ] as const) {
      const grace = { timeout: fromSeconds(10), command: 'sh stop.sh', commandTakes: fromSeconds(commandTakes) };
      const lab = Quick.ready(quickLab([quick({ units: [quickUnit({ probes: {}, gracefulShutdown: grace })] })]));
      lab.pass(10);
      expect(stopped(lab).seconds).toBe(seconds);
    }
  });

  test('of replicas of several pods takes up to twice the grace: the first pod, then the others', () => {
    const grace = { timeout: fromSeconds(20), commandTakes: fromSeconds(15) };
    const gang = quickUnit({ pods: 2, probes: {}, gracefulShutdown: grace });
    const lab = Quick.ready(quickLab([quick({ instances: 1, units: [gang] })]));
    lab.pass(60);
    const { seconds } = stopped(lab);
    expect(seconds).toBe(31);
    expect(seconds).toBeLessThanOrEqual(2 * 20 + 1);
  });
});

describe('interrupting', () => {
  guideRule(3129, 'interrupted while Deploying, a deployment ends Stopped and its resources are released', () => {
    const lab = new Quick();
    lab.pass(1);
    lab.also(on('interrupt'));
    expect([lab.status, lab.service.status]).toEqual(['INTERRUPTING', 'INTERRUPTING']);
    expect(lab.untilStatus('STOPPED')).toBe(true);
    expect(lab.world.now).toBeLessThanOrEqual(fromSeconds(2));
    expect(lab.world.platform.pods.every(({ phase }) => phase === 'terminated')).toBe(true);
    expect(lab.world.cluster.allNodes.flatMap(({ holders }) => holders.flat())).toEqual([]);
    lab.world.check();
  });

  guideRule(3129, 'an interruption is recorded', () => {
    const lab = new Quick();
    lab.also(on('interrupt'));
    lab.untilStatus('STOPPED');
    expect(lab.events('statusChanged')).toEqual([
      'Service status change from DEPLOYING to INTERRUPTING.',
      'Service status change from INTERRUPTING to STOPPED.',
    ]);
  });

  guideRule(3130, 'interrupted while Upgrading, a deployment ends Running', () => {
    for (const maxUnavailable of [1, 50, 100]) {
      const each = quick({ instances: 4, maxUnavailable });
      const lab = Quick.ready(quickLab([each]));
      for (const seconds of [0, 1, 3, 5]) {
        lab.upgrade(revised(each, { maxSurge: 10 + seconds }));
        lab.pass(seconds);
        if (lab.status !== 'UPGRADING') continue;
        lab.also(on('interrupt'));
        expect(lab.status).toBe('INTERRUPTING');
        expect(lab.untilStatus('RUNNING')).toBe(true);
        lab.pass(60);
        expect(lab.deployment.version.number).toBe('1.0.0');
        expect(lab.deployment.instances.map(({ version }) => version.number)).toEqual(Array(4).fill('1.0.0'));
        expect(lab.ready).toBe(4);
        lab.world.check();
      }
    }
  });

  guideRule(3131, 'an interruption with an unknown service or version, or without permission, is an error', () => {
    const lab = Quick.ready();
    expect(lab.operate({ kind: 'interrupt', service: 'other' })).toBe('there is no service "other"');
    expect(lab.operate({ kind: 'interrupt', service: SERVICE, deployment: 'other' })).toMatch(/no deployment "other"/);
    expect(lab.operate(on('switch-version', { version: '9.9.9' }))).toBe('there is no version 9.9.9');
    expect(lab.operate({ kind: 'interrupt', service: SERVICE })).toBe('it is RUNNING');
    expect(lab.events('serviceInterruptionFailed')).toEqual([
      'Service interruption failed. Current service status: RUNNING, it is RUNNING.',
    ]);
  });
});

describe('deleting', () => {
  guideRule([3141, 3145], 'deleting a deployment releases its resources', () => {
    const lab = Quick.ready(quickLab([spec, quick({ name: 'other' })]));
    lab.also(on('delete'));
    expect(lab.service.status).toBe('RUNNING');
    expect(lab.untilStatus('DELETED')).toBe(true);
    expect(lab.service.deployments.map(({ name }) => name)).toEqual(['other']);
    expect(lab.deployment.instances).toEqual([]);
    const held = lab.world.cluster.allNodes.flatMap(({ holders }) => holders.flat());
    expect(held).toHaveLength(2);
    // Guide 3145: it does not come back.
    expect(lab.operate(on('start'))).toBe('there is no deployment "main"');
    lab.pass(600);
    expect(lab.status).toBe('DELETED');
  });

  test('one without graceful shutdown is gone at once', () => {
    const { gracefulShutdown: _, ...unit } = bare;
    const lab = Quick.ready(quickLab([quick({ units: [unit] })]));
    lab.also(on('delete'));
    lab.pass(1);
    expect([lab.status, lab.deployment.instances, lab.service.status]).toEqual(['DELETED', [], 'INIT']);
  });

  test('the last deployment leaves the service without any', () => {
    const lab = Quick.ready(quickLab([quick({ units: [quickUnit()] })]));
    lab.also(on('delete'));
    lab.untilStatus('DELETED');
    expect([lab.service.status, lab.service.deleted]).toEqual(['INIT', false]);
    expect(lab.operate({ kind: 'add-deployment', service: SERVICE, spec })).toBeUndefined();
    expect(lab.service.status).toBe('DEPLOYING');
    lab.pass(60);
    expect(lab.service.status).toBe('RUNNING');
  });

  guideRule(3154, 'deleting a service releases its resources', () => {
    const lab = Quick.ready(quickLab([spec, quick({ name: 'other' })]));
    lab.also({ kind: 'delete', service: SERVICE });
    expect(lab.service.status).toBe('DELETING');
    expect(lab.operate({ kind: 'delete', service: SERVICE })).toBe('it is DELETING');
    lab.until(() => lab.service.deleted);
    expect(lab.world.cluster.allNodes.flatMap(({ holders }) => holders.flat())).toEqual([]);
    expect(lab.world.platform.deployments.map(({ status }) => status)).toEqual(['DELETED', 'DELETED']);
  });

  guideRule(3161, 'a deleted service does not come back', () => {
    const lab = Quick.ready();
    lab.also({ kind: 'delete', service: SERVICE });
    lab.until(() => lab.service.deleted);
    for (const kind of ['start', 'stop', 'delete', 'interrupt'] as const) {
      expect(lab.operate({ kind, service: SERVICE })).toBe('there is no service "chat"');
    }
    lab.pass(3_600);
    expect([lab.service.status, lab.deployment.pods]).toEqual(['DELETED', []]);
  });

  guideRule(3166, 'several services can be deleted at once', () => {
    const lab = quickLab();
    const [one] = lab.services;
    const two = Quick.ready({ ...lab, services: [one!, { ...one!, name: 'second' }] });
    two.also({ kind: 'delete', service: SERVICE }).also({ kind: 'delete', service: 'second' });
    two.pass(10);
    expect(two.world.platform.services.map(({ deleted }) => deleted)).toEqual([true, true]);
  });
});

describe('what does not end', () => {
  /** The node of the first instance is lost, and its pod told to end. */
  function lost(kind: 'stop' | 'delete'): Quick {
    const lab = Quick.ready(quickLab([quick({ units: [bare] })]));
    const { node } = lab.deployment.pods[0]!.placement!;
    lab.strike({ kind: 'node-crash', node: node.name });
    lab.pass(60);
    lab.also(kind === 'stop' ? on('stop') : { kind: 'delete', service: SERVICE });
    return lab;
  }

  test('fails after twenty minutes, and can be tried again once the node is back', () => {
    const lab = lost('stop');
    expect(lab.untilStatus('FAILED')).toBe(true);
    expect(lab.events('deploymentStopFailed')[0]).toMatch(/did not end; status transitioned from STOPPING to FAILED/);
    lab.pass(600);
    expect([lab.status, lab.deployment.instances.length]).toEqual(['FAILED', 1]);
    lab.also(on('start'));
    expect(lab.untilStatus('RUNNING')).toBe(true);
    lab.world.check();
  });

  test('a service that cannot be deleted stays, and can be deleted again', () => {
    const lab = lost('delete');
    expect(lab.untilStatus('FAILED')).toBe(true);
    expect(lab.events('serviceDeletionTimedOut', 'deploymentDeletionFailed')).toHaveLength(2);
    expect(lab.service.deleting).toBe(false);
    for (const node of lab.world.cluster.allNodes) {
      if (node.phase !== 'Available') lab.strike({ kind: 'node-reboot', node: node.name });
    }
    lab.pass(600);
    lab.also({ kind: 'delete', service: SERVICE });
    lab.until(() => lab.service.deleted);
    expect(lab.service.status).toBe('DELETED');
    lab.world.check();
  });

  test('a component that fails meanwhile leaves all as it was, and what was under way goes on', () => {
    for (const [kind, before, text] of [
      ['stop', 'RUNNING', 'deploymentStopFailed'],
      ['delete', 'RUNNING', 'deploymentDeletionFailed'],
      ['interrupt', 'UPGRADING', 'deploymentInterruptionFailed'],
    ] as const) {
      const lab = Quick.ready(quickLab([spec], 2, { traffic: [traffic({ count: 1 })] }));
      if (kind === 'interrupt') lab.upgrade(revised(spec));
      lab.also(on(kind));
      lab.strike({ kind: 'control-plane-fault', service: SERVICE, lasting: fromSeconds(400) });
      expect(lab.operate(on('set-weight', { weight: 1 }))).toMatch(/does not answer/);
      lab.until(() => lab.status === before);
      expect(lab.events(text)).toHaveLength(1);
      expect(lab.untilStatus('RUNNING')).toBe(true);
      expect(lab.deployment.version.number).toBe(kind === 'interrupt' ? '1.0.1' : '1.0.0');
    }
  });

  test('a stop in the middle of a deployment outlives the deployment timeout', () => {
    const lab = new Quick(quickLab([quick({ instances: 9, deployTimeout: fromSeconds(180) })], 1));
    lab.pass(100);
    lab.also(on('stop'));
    expect(lab.untilStatus('STOPPED')).toBe(true);
    lab.pass(600);
    expect(lab.status).toBe('STOPPED');
    expect(lab.events('serviceDeploymentTimedOut')).toEqual([]);
  });
});
