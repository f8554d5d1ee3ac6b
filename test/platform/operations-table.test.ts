import { describe, expect, test } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { OperationSpec } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { on, Quick, quick, quickLab, quickUnit, revised } from '../support/quick.ts';

const spec = quick({ deployTimeout: fromSeconds(300) });

/** A second version is there, which is not the current one. */
function twice(): Quick {
  const lab = Quick.ready(quickLab([spec]));
  lab.upgrade(revised(spec));
  lab.untilStatus('RUNNING');
  lab.operate(on('switch-version', { version: '1.0.0' }));
  lab.untilStatus('RUNNING');
  return lab;
}

function after(operation: OperationSpec, status: string): Quick {
  const lab = twice();
  expect(lab.operate(operation)).toBeUndefined();
  expect(lab.untilStatus(status)).toBe(true);
  return lab;
}

function killed(...instances: number[]): Quick {
  const lab = twice();
  for (const instance of instances) lab.strike({ ...on('delete-pod'), kind: 'kill-pod', instance });
  return lab;
}

/** How a deployment comes to each state. */
const WAYS = {
  DEPLOYING: () => after(on('stop'), 'STOPPED').also(on('start')),
  RUNNING: () => twice(),
  CONCERNING: () => killed(1),
  UPGRADING: () => after(on('upgrade', { spec: revised(spec, { maxSurge: 3 }) }), 'UPGRADING'),
  STOPPING: () => after(on('stop'), 'STOPPING'),
  STOPPED: () => after(on('stop'), 'STOPPED'),
  FAILED: () => {
    const lab = after(on('stop'), 'STOPPED');
    for (const node of lab.world.cluster.allNodes) node.cordoned = true;
    lab.operate(on('start'));
    lab.untilStatus('FAILED');
    for (const node of lab.world.cluster.allNodes) node.cordoned = false;
    return lab;
  },
  ERROR: () => killed(0, 1),
  DELETING: () => after(on('delete'), 'DELETING'),
  INTERRUPTING: () => after(on('upgrade', { spec: revised(spec, { maxSurge: 3 }) }), 'UPGRADING').also(on('interrupt')),
} as const satisfies Record<string, () => Quick>;

const STATES = Object.keys(WAYS) as (keyof typeof WAYS)[];

/** The contract's table of operations and states of a deployment, in the order of `WAYS`: y is taken, n is refused. */
const TABLE: readonly [string, OperationSpec, string, ...string[]][] = [
  ['start', on('start'), 'n n n n n y y n n n', 'serviceStartFailed'],
  ['stop', on('stop'), 'y y y n n n y y n n', 'deploymentStopRefused'],
  ['interrupt', on('interrupt'), 'y n n y n n n n n n', 'deploymentInterruptionRefused'],
  [
    'upgrade',
    on('upgrade', { spec: revised(spec, { maxSurge: 2 }) }),
    'n y y n n y y y n n',
    'deploymentUpdateRefused',
    'serviceUpgradeConfigurationFailed',
  ],
  ['scale', on('scale', { instances: 3 }), 'n y y n n y n n n n', 'manualScalingFailed'],
  [
    'switch version',
    on('switch-version', { version: '1.0.1' }),
    'n y y n n y n n n n',
    'deploymentUpdateRefused',
    'serviceUpgradeConfigurationFailed',
  ],
  [
    'delete version',
    on('delete-version', { version: '1.0.1' }),
    'y y y n y y y y n n',
    'serviceConfigurationDeliveryFailed',
  ],
  ['delete deployment', on('delete'), 'y y y y y y y y n y', 'deploymentDeletionRefused'],
  [
    'delete instance',
    on('delete-instance', { instance: 0, recreate: false }),
    'n y y n n n n y n n',
    'instanceDeletionNotSubmitted',
  ],
  ['delete pod', on('delete-pod', { instance: 0 }), 'n y y n n n n y n n', 'serviceConfigurationDeliveryFailed'],
  ['traffic weight', on('set-weight', { weight: 50 }), 'n y y y y y y y n y', 'serviceConfigurationDeliveryFailed'],
];

/** The status that an operation which is taken leads to at once, where it is another. */
const LEADS_TO: Readonly<Record<string, string>> = {
  start: 'DEPLOYING',
  stop: 'STOPPING',
  interrupt: 'INTERRUPTING',
  'delete deployment': 'DELETING',
};

describe('each operation in each state of a deployment', () => {
  for (const [name, operation, cells, ...reasons] of TABLE) {
    test(name, () => {
      for (const [index, state] of STATES.entries()) {
        const lab = WAYS[state]();
        expect(lab.status, state).toBe(state);
        const before = lab.events(...reasons).length;
        const refusal = lab.operate(operation);
        const where = `${name} while ${state}`;
        if (cells.split(' ')[index] === 'y') {
          expect(refusal, where).toBeUndefined();
          if (LEADS_TO[name] !== undefined) expect(lab.status, where).toBe(LEADS_TO[name]);
        } else {
          expect(refusal, where).toBe(`it is ${state}`);
          expect(lab.status, where).toBe(state);
          expect(lab.events(...reasons).length - before, where).toBe(reasons.length);
        }
        lab.pass(1_000);
        expect(STATES.slice(0, 8).concat('DELETED' as never), where).toContain(lab.status);
        lab.world.check();
      }
    });
  }
});

describe('from which states', () => {
  const taken = (operation: OperationSpec, state: keyof typeof WAYS): boolean =>
    WAYS[state]().operate(operation) === undefined;

  guideRule(3100, 'a deployment starts from Stopped or Failed', () => {
    expect(STATES.filter((state) => taken(on('start'), state))).toEqual(['STOPPED', 'FAILED']);
  });

  guideRule(3100, 'a Deploying deployment cannot be started', () => {
    expect(taken(on('start'), 'DEPLOYING')).toBe(false);
  });

  guideRule(3100, 'a started deployment ends Running', () => {
    for (const state of ['STOPPED', 'FAILED'] as const) {
      const lab = WAYS[state]();
      lab.operate(on('start'));
      expect(lab.untilStatus('RUNNING')).toBe(true);
      lab.pass(1);
      expect(lab.ready).toBe(2);
    }
  });

  guideRule(3108, 'a deployment stops from Running or Abnormal', () => {
    for (const state of ['RUNNING', 'CONCERNING', 'FAILED', 'ERROR'] as const) {
      const lab = WAYS[state]();
      expect(lab.operate(on('stop'))).toBeUndefined();
      expect(lab.untilStatus('STOPPED')).toBe(true);
      expect(lab.world.platform.pods.every(({ phase }) => phase === 'terminated')).toBe(true);
    }
  });

  guideRule(3127, 'a Deploying deployment can be interrupted', () => {
    expect(taken(on('interrupt'), 'DEPLOYING')).toBe(true);
  });

  guideRule(3187, 'a deployment is upgraded from Running, Abnormal, Alarm or Stopped', () => {
    for (const state of ['RUNNING', 'FAILED', 'ERROR', 'CONCERNING', 'STOPPED'] as const) {
      const lab = WAYS[state]();
      expect(lab.upgrade(revised(spec, { maxSurge: 2 }))).toBeUndefined();
      const stays = state === 'STOPPED' || state === 'FAILED';
      expect(lab.status).toBe(stays ? state : 'UPGRADING');
      if (!stays) expect(lab.untilStatus('RUNNING')).toBe(true);
      expect(lab.deployment.version.number).toBe('1.0.2');
    }
  });

  guideRule(3303, 'a Deploying service cannot be modified', () => {
    const lab = WAYS.DEPLOYING();
    expect(lab.service.status).toBe('DEPLOYING');
    expect(lab.operate({ kind: 'upgrade', service: 'chat', spec: revised(spec) })).toBe('the service is DEPLOYING');
    expect(lab.operate({ kind: 'set-auto-stop', service: 'chat', limit: fromSeconds(600) })).toBe(
      'the service is DEPLOYING',
    );
  });

  guideRule(3314, 'a change that needs a restart restarts the service', () => {
    const lab = WAYS.RUNNING();
    const before = lab.deployment.pods.map(({ name }) => name);
    expect(lab.operate({ kind: 'upgrade', service: 'chat', spec: revised(spec) })).toBeUndefined();
    expect(lab.untilStatus('RUNNING')).toBe(true);
    lab.pass(1);
    expect(lab.deployment.pods.map(({ name }) => name).filter((name) => before.includes(name))).toEqual([]);
  });

  guideRule(3312, 'the basic information of a service can be modified', () => {
    const lab = WAYS.RUNNING();
    const changed = { ...spec, description: 'the one for chats' };
    expect(lab.operate({ kind: 'upgrade', service: 'chat', spec: changed })).toBeUndefined();
    expect([lab.status, lab.deployment.spec.description]).toEqual(['RUNNING', 'the one for chats']);
    expect(lab.operate({ kind: 'upgrade', service: 'chat', spec: { ...spec, name: 'other' } })).toBe(
      'there is no deployment "other"',
    );
  });
});

test('what does not exist is an error', () => {
  const lab = Quick.ready(quickLab([quick({ units: [quickUnit()] })]));
  expect(lab.operate({ kind: 'stop', service: 'other' })).toBe('there is no service "other"');
  expect(lab.operate({ kind: 'stop', service: 'chat', deployment: 'other' })).toBe('there is no deployment "other"');
  expect(lab.operate(on('set-weight', { weight: 101 }))).toMatch(/from 0 to 100/);
  expect(lab.operate(on('delete-instance', { instance: 7, recreate: true }))).toBe('there is no instance 7');
  expect(lab.operate(on('delete-pod', { instance: 7 }))).toBe('there is no such pod');
});
