import { describe, expect, test } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import { NOT_IN_PUBLIC_POOLS, type OperationSpec } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { on, Quick, quick, quickLab, quickUnit, revised } from '../support/quick.ts';
import { hashOf, SERVICE, traffic } from '../support/world.ts';

const spec = quick();

function inPublicPool(): Quick {
  const lab = quickLab();
  return Quick.ready({ ...lab, pools: [{ ...lab.pools[0]!, type: 'public' }] });
}

describe('in a public pool', () => {
  guideRule(3087, 'in a public pool the deployments of a service cannot be managed one by one', () => {
    const operations: Record<string, OperationSpec> = {
      start: on('start'),
      stop: on('stop'),
      delete: on('delete'),
      interrupt: on('interrupt'),
      upgrade: on('upgrade', { spec: revised(spec) }),
      'switch-version': on('switch-version', { version: '1.0.0' }),
      'delete-version': on('delete-version', { version: '1.0.0' }),
      scale: on('scale', { instances: 3 }),
      'set-scaling': on('set-scaling'),
      'add-deployment': { kind: 'add-deployment', service: SERVICE, spec: quick({ name: 'other' }) },
      'delete-instance': on('delete-instance', { instance: 0, recreate: true }),
      'delete-pod': on('delete-pod', { instance: 0 }),
    };
    expect(Object.keys(operations).sort()).toEqual([...NOT_IN_PUBLIC_POOLS].sort());
    const lab = inPublicPool();
    for (const operation of Object.values(operations)) {
      expect(lab.operate(operation), operation.kind).toBe('deployments in public pools are not managed one by one');
    }
    expect([lab.status, lab.ready]).toEqual(['RUNNING', 2]);
  });

  guideRule(3037, 'in a public pool instances cannot be deleted or re-created, nor pods deleted', () => {
    const lab = inPublicPool();
    for (const recreate of [true, false]) {
      expect(lab.operate(on('delete-instance', { instance: 0, recreate }))).toMatch(/public/);
    }
    expect(lab.operate(on('delete-pod', { instance: 0, force: true }))).toMatch(/public/);
    expect(lab.events('instanceDeletionNotSubmitted')).toHaveLength(1);
  });

  test('the service as a whole is stopped, started and deleted', () => {
    const lab = inPublicPool();
    lab.also({ kind: 'stop', service: SERVICE });
    lab.untilStatus('STOPPED');
    lab.also({ kind: 'start', service: SERVICE });
    expect(lab.untilStatus('RUNNING')).toBe(true);
    lab.also({ kind: 'delete', service: SERVICE });
    lab.until(() => lab.service.deleted);
  });
});

describe('adding and cloning', () => {
  function cloned(): Quick {
    const lab = Quick.ready(quickLab([spec]));
    lab.upgrade(revised(spec));
    lab.untilStatus('RUNNING');
    return lab;
  }

  guideRule([3091, 3288], 'a deployment can be added to a deployed service', () => {
    const lab = cloned();
    const { spec: source } = lab.deployment;
    expect(lab.operate({ kind: 'add-deployment', service: SERVICE, spec: source })).toBe('there is one of that name');
    lab.also({ kind: 'add-deployment', service: SERVICE, spec: { ...source, name: 'clone' } });
    expect(lab.service.status).toBe('UPGRADING');
    lab.until(() => lab.service.status === 'RUNNING');
    expect(lab.service.deployments.map(({ name, status }) => [name, status])).toEqual([
      ['main', 'RUNNING'],
      ['clone', 'RUNNING'],
    ]);
  });

  guideRule([3277, 3279], 'a clone copies the settings, not the state or the history', () => {
    const lab = cloned();
    lab.also({ kind: 'add-deployment', service: SERVICE, spec: { ...lab.deployment.spec, name: 'clone' } });
    const clone = lab.service.deployment('clone')!;
    expect(clone.spec.units).toEqual(lab.deployment.spec.units);
    expect([clone.status, clone.versions.map(({ number }) => number)]).toEqual(['DEPLOYING', ['1.0.0']]);
    lab.pass(60);
    // Guide 3279: it is deployed anew, and holds accelerators of its own.
    expect(clone.status).toBe('RUNNING');
    expect(lab.world.cluster.allNodes.flatMap(({ holders }) => holders.flat())).toHaveLength(4);
  });

  guideRule([3289, 3291], 'a clone can be changed before it is deployed', () => {
    const lab = quickLab();
    const [one] = lab.services;
    const two = Quick.ready({ ...lab, services: [one!, { ...one!, name: 'second', deployments: [] }] });
    two.also({ kind: 'add-deployment', service: 'second', spec: { ...two.deployment.spec, instances: 3, weight: 10 } });
    two.pass(60);
    const [clone] = two.world.platform.service('second')!.deployments;
    expect([clone!.status, clone!.instances.length, clone!.weight]).toEqual(['RUNNING', 3, 10]);
    expect([two.deployment.instances.length, two.deployment.weight]).toEqual([2, 100]);
  });

  test('what could not start is refused', () => {
    const lab = Quick.ready();
    const huge = quickUnit({ engine: { ...quickUnit().engine, maxModelLen: 100_000 } });
    const add = { kind: 'add-deployment', service: SERVICE, spec: quick({ name: 'huge', units: [huge] }) } as const;
    expect(lab.operate(add)).toMatch(/fewer than engine.maxModelLen/);
    expect(lab.events('deploymentCreationRefused')).toHaveLength(1);
    expect(lab.operate({ ...add, spec: quick({ name: 'far', pool: 'nowhere' }) })).toBe('there is no pool "nowhere"');
    expect(lab.service.deployments).toHaveLength(1);
  });

  test('a service without deployments is ready at once, and answers nothing', () => {
    const lab = quickLab([]);
    const empty = new Quick(lab);
    expect([empty.world.settled, empty.service.status]).toEqual([true, 'INIT']);
    const call = { to: { service: SERVICE }, promptTokens: 9, key: null };
    expect(empty.world.apply(empty.world.now, { kind: 'call', call })?.refusal?.status).toBe(503);
  });
});

describe('deleting instances and pods', () => {
  guideRule(3037, 'in a dedicated pool instances can be deleted and pods too', () => {
    const lab = Quick.ready();
    const [pod] = lab.deployment.pods;
    lab.also(on('delete-pod', { instance: 0 }));
    lab.pass(30);
    expect(pod!.phase).toBe('terminated');
    expect([lab.ready, lab.status]).toEqual([2, 'RUNNING']);
    expect(lab.deployment.pods).not.toContain(pod);
    lab.also(on('delete-instance', { instance: 0, recreate: true }));
    lab.pass(30);
    expect(lab.ready).toBe(2);
  });

  guideRule(3235, 'a given instance can be deleted and re-created', () => {
    const lab = Quick.ready(quickLab([quick({ instances: 3 })]));
    const [, second] = lab.deployment.instances;
    lab.also(on('delete-instance', { instance: 1, recreate: true }));
    expect(second!.leaving).toBe(true);
    lab.pass(30);
    expect([lab.deployment.target, lab.ready]).toEqual([3, 3]);
    expect(lab.deployment.instances).not.toContain(second);
  });

  guideRule(3239, 'deleting a replica lowers the count for good', () => {
    const lab = Quick.ready(quickLab([quick({ instances: 3 })]));
    lab.also(on('delete-instance', { instance: 1, recreate: false }));
    lab.pass(600);
    expect([lab.deployment.target, lab.deployment.instances.length, lab.status]).toEqual([2, 2, 'RUNNING']);
    lab.also(on('stop'));
    lab.untilStatus('STOPPED');
    lab.also(on('start'));
    lab.untilStatus('RUNNING');
    expect(lab.deployment.instances).toHaveLength(2);
  });

  guideRule(4444, 'event: the last instance is not deleted', () => {
    const lab = Quick.ready(quickLab([quick({ instances: 1 })]));
    expect(lab.operate(on('delete-instance', { instance: 0, recreate: false }))).toBe('it is the only one');
    expect(lab.events('lastInstanceDeletionRefused', 'instanceDeletionNotSubmitted')).toEqual([
      'Failed to delete instance [chat-main-0]. Only 1 instance remaining currently.',
    ]);
    expect(lab.operate(on('delete-instance', { instance: 0, recreate: true }))).toBeUndefined();
  });

  test('on a lost node is tried again, given up, and done when the node is back', () => {
    const lab = Quick.ready();
    const [instance] = lab.deployment.instances;
    const { node } = instance!.pods[0]!.placement!;
    lab.strike({ kind: 'node-crash', node: node.name, lasting: fromSeconds(1_000) });
    lab.pass(60);
    lab.also(on('delete-instance', { instance: 0, recreate: true }));
    lab.pass(61);
    expect(lab.events('instanceDeletionFailed')).toHaveLength(1);
    expect(lab.ready).toBe(2);
    lab.pass(300);
    expect(lab.events('instanceDeletionGivenUp')).toEqual([
      'Failed to delete instance [chat-main-0]. Reason: Retries reached the maximum number of attempts (5).',
    ]);
    expect(lab.deployment.instances).toContain(instance);
    lab.pass(700);
    expect(lab.deployment.instances).not.toContain(instance);
    lab.world.check();
  });

  test('on lost nodes does not keep new instances from coming', () => {
    const lab = Quick.ready(quickLab([quick({ instances: 4 })], 3));
    const { node } = lab.deployment.instances[0]!.pods[0]!.placement!;
    const there = lab.deployment.instances.filter(({ pods }) => pods[0]!.placement!.node === node);
    lab.strike({ kind: 'node-crash', node: node.name });
    lab.pass(60);
    expect(there).toHaveLength(2);
    for (const { ordinal } of there) {
      const position = lab.deployment.staying.findIndex((each) => each.ordinal === ordinal);
      lab.also(on('delete-instance', { instance: position, recreate: true }));
    }
    lab.pass(60);
    expect(lab.ready).toBe(4);
  });
});

guideRule(3043, 'service events are kept for a month', () => {
  const lab = Quick.ready();
  const seen = (days: number) =>
    lab.world.events.visible(fromSeconds(days * 86_400)).filter(({ level }) => level === 'service');
  expect(seen(29).length).toBeGreaterThan(0);
  expect(seen(31)).toEqual([]);
});

test('operations at the same moments make the same run', () => {
  const run = (): string => {
    const lab = Quick.ready(
      quickLab([spec, quick({ name: 'other' })], 3, { traffic: [traffic()], duration: fromSeconds(900) }),
    );
    const operations: OperationSpec[] = [
      on('scale', { instances: 4 }),
      on('upgrade', { spec: revised(spec, { maxUnavailable: 50 }) }),
      on('interrupt'),
      on('delete-instance', { instance: 1, recreate: true }),
      on('switch-version', { version: '1.0.1' }),
      on('delete-pod', { instance: 0 }),
      { kind: 'stop', service: SERVICE, deployment: 'other' },
      { kind: 'delete', service: SERVICE, deployment: 'other' },
      on('stop'),
      on('start'),
      on('interrupt'),
      on('start'),
    ];
    for (const operation of operations) {
      lab.world.apply(lab.world.now, { kind: 'operate', operation });
      lab.pass(23);
    }
    lab.world.run();
    return hashOf(lab.world);
  };
  expect(run()).toBe(run());
});
