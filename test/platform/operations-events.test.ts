import { describe, expect } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { DeploymentSpec } from '../../src/platform/index.ts';
import type { ServiceEventKey } from '../../src/telemetry/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { on, Quick, quick, quickLab, quickUnit, revised } from '../support/quick.ts';
import { SERVICE } from '../support/world.ts';

const spec = quick({ deployTimeout: fromSeconds(240) });
const bad = quickUnit({ image: { name: 'bad:1', sizeGiB: 1, failsToStart: true } });
const { gracefulShutdown: _, ...plain } = quickUnit({ probes: {} });
const secret = { kind: 'dew', name: 'key', mountPath: '/key' } as unknown as DeploymentSpec['secrets'][number];

/** A deployment that is up, at first with other settings if need be. */
function up(first: DeploymentSpec = spec): Quick {
  return Quick.ready(quickLab([first]));
}

function cordoned(lab: Quick): Quick {
  for (const node of lab.world.cluster.allNodes) node.cordoned = true;
  return lab;
}

function stopped(lab: Quick): Quick {
  lab.also(on('stop')).untilStatus('STOPPED');
  return lab;
}

/** A pod of it is on a node that is gone, and noticed to be. */
function lost(): Quick {
  const lab = up(quick({ units: [plain] }));
  lab.strike({ kind: 'node-crash', node: lab.deployment.pods[0]!.placement!.node.name });
  lab.pass(60);
  return lab;
}

/** What it takes to be refused, failed or late, and what is said of it. */
const EVENTS: readonly [number, ServiceEventKey, () => Quick, RegExp][] = [
  [4395, 'serviceDeploymentFailed', () => new Quick(quickLab([quick({ units: [bad] })])), /the boot command failed/],
  [4396, 'serviceDeploymentTimedOut', () => cordoned(new Quick(quickLab([spec]))), /exceeds 4 minutes/],
  [4397, 'serviceDeletionFailed', () => twice({ kind: 'delete', service: SERVICE }), /DELETING, it is DELETING/],
  [4399, 'serviceDeletionTimedOut', () => lost().also({ kind: 'delete', service: SERVICE }), /exceeded 20 minute/],
  [4401, 'deploymentCreationRefused', () => asked({ kind: 'add-deployment', service: SERVICE, spec }), /of that name/],
  [4402, 'deploymentUpdateRefused', () => asked(on('switch-version', { version: '2.0.0' })), /no version 2.0.0/],
  [4404, 'deploymentDeletionRefused', () => twice(on('delete')), /\[main\] failed, it is DELETING/],
  [4405, 'deploymentStopRefused', () => twice(on('stop')), /\[main\] failed, it is STOPPING/],
  [4407, 'secretVerificationFailed', () => stoppedWithoutSecret(), /secret \[key\] failed, it does not exist/],
  [4410, 'serviceConfigurationDeliveryFailed', () => asked(on('set-weight', { weight: 1.5 })), /from 0 to 100/],
  [4413, 'serviceStartFailed', () => asked(on('start')), /it is RUNNING; status transitioned from RUNNING to RUNNING/],
  [4414, 'serviceStopFailed', () => twice({ kind: 'stop', service: SERVICE }), /it is STOPPING/],
  [4415, 'serviceInterruptionFailed', () => asked({ kind: 'interrupt', service: SERVICE }), /RUNNING, it is RUNNING/],
  [4417, 'deploymentInterruptionFailed', () => disturbed('interrupt'), /from INTERRUPTING to UPGRADING/],
  [4418, 'deploymentInterruptionRefused', () => asked(on('interrupt')), /\[RUNNING\], it is RUNNING/],
  [4419, 'deploymentStopFailed', () => lost().also(on('stop')), /from STOPPING to FAILED/],
  [4420, 'deploymentDeletionFailed', () => lost().also(on('delete')), /from DELETING to FAILED/],
  [4421, 'serviceUpdateFailed', () => asked(on('upgrade', { spec: { ...spec, units: [bad] } })), /will roll back/],
  [4422, 'serviceUpdateTimedOut', () => cordoned(asked(on('upgrade', { spec: revised(spec) }))), /exceeded 4 minutes/],
  [4423, 'serviceUpgradeConfigurationFailed', () => asked(on('upgrade', { spec: quick({ pool: 'no' }) })), /no pool/],
  [4424, 'deploymentUpdateFailed', () => asked(on('upgrade', { spec: { ...spec, units: [bad] } })), /will roll back/],
  [4427, 'serviceRollbackFailed', () => stuck(), /Current service status: CONCERNING/],
  [4428, 'serviceRollbackTimedOut', () => stuck(), /1 of 2 instances came up within 4 minutes/],
  [4429, 'deploymentRollbackRefused', () => withoutSecret(), /Current status: \[UPGRADING\]/],
  [4430, 'deploymentRollbackFailed', () => stuck(), /from UPGRADING to CONCERNING/],
  [4431, 'deploymentRollbackTimedOut', () => stuck(), /version: \[1\.0\.0\]/],
  [4432, 'serviceDegradedByDeployment', () => killed(), /from RUNNING to CONCERNING; anomalous deployment \[main\]/],
  [4433, 'deploymentDegraded', () => killed(), /from RUNNING to CONCERNING; error message: 1 of 2/],
  [
    4434,
    'serviceDegraded',
    () => oneOfTwo().also(on('stop')),
    /^Service status transitioned from RUNNING to CONCERNING/,
  ],
  [4441, 'instanceDeletionNotSubmitted', () => asked(on('delete-instance', { instance: 5 })), /no instance 5/],
  [4442, 'instanceDeletionFailed', () => lost().also(on('delete-instance', { instance: 0 })), /Try again later/],
  [4443, 'instanceDeletionGivenUp', () => lost().also(on('delete-instance', { instance: 0 })), /attempts \(5\)/],
  [4445, 'deploymentCreationFailed', () => new Quick(quickLab([quick({ units: [bad] })])), /DEPLOYING to FAILED/],
  [4446, 'deploymentStartFailed', () => cordoned(stopped(up())).also(on('start')), /from DEPLOYING to FAILED/],
  [4447, 'manualScalingFailed', () => cordoned(up()).also(on('scale', { instances: 5 })), /2 of 5 instances/],
];

function asked(operation: Parameters<Quick['operate']>[0], lab = up()): Quick {
  lab.operate(operation);
  return lab;
}

function twice(operation: Parameters<Quick['operate']>[0]): Quick {
  return asked(operation, up().also(operation));
}

function oneOfTwo(): Quick {
  return Quick.ready(quickLab([spec, quick({ name: 'other' })]));
}

function killed(): Quick {
  const lab = up();
  lab.strike({ ...on('delete-pod'), kind: 'kill-pod', instance: 0 });
  return lab;
}

function disturbed(kind: 'interrupt'): Quick {
  const lab = asked(on('upgrade', { spec: revised(spec) })).also(on(kind));
  lab.strike({ kind: 'control-plane-fault', service: SERVICE, lasting: fromSeconds(60) });
  return lab;
}

function withoutSecret(): Quick {
  const lab = up({ ...spec, secrets: [secret] });
  lab.upgrade({ ...spec, units: [bad] });
  lab.strike({ kind: 'delete-secret', secret: 'key' });
  return lab;
}

function stoppedWithoutSecret(): Quick {
  const lab = stopped(up({ ...spec, secrets: [secret] }));
  lab.strike({ kind: 'delete-secret', secret: 'key' });
  return asked(on('start'), lab);
}

/** An upgrade that can neither go on nor back. */
function stuck(): Quick {
  const lab = up();
  lab.upgrade({ ...spec, units: [bad] });
  lab.pass(1);
  lab.strike({ ...on('delete-pod'), kind: 'kill-pod', instance: 0 });
  return cordoned(lab);
}

describe('events of operations', () => {
  for (const [line, reason, way, said] of EVENTS) {
    guideRule(line, reason, () => {
      const lab = way();
      lab.until(() => lab.events(reason).length > 0);
      expect(lab.events(reason)[0]).toMatch(said);
    });
  }
});
