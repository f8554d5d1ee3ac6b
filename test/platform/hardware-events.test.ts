import { describe, expect } from 'vitest';
import { nodeFlavor } from '../../src/catalog/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { pod, Story, withUnit } from '../support/story.ts';
import { DEPLOYMENT, probe, SERVICE } from '../support/world.ts';

const probes = { startup: probe({ failureThreshold: 60 }) };
const target = { service: SERVICE, deployment: DEPLOYMENT } as const;
const FIRST = { node: 'npus-node-0' } as const;
const noScheduler = { kind: 'plugin', pool: 'npus', plugin: 'volcano', state: 'absent' } as const;

function running(overrides: Parameters<typeof withUnit>[1] = {}): Story {
  const nodes = [{ flavor: nodeFlavor('snt9b-8'), count: 2, racks: 2 }];
  const pools = [{ name: 'npus', type: 'dedicated' as const, nodes }];
  return new Story([withUnit({ probes }, overrides)], { pools });
}

describe('events of faults', () => {
  guideRule(4435, 'event: a chip fault in the pool', () => {
    const story = running().strike({ kind: 'chip-fault', chip: 0, ...pod(0) });
    expect(story.until(9.9).messages('chipFaultDetected')).toEqual([]);
    expect(story.until(10).messages('chipFaultDetected')).toEqual([
      'Service detected a chip fault in resource pool [npus]: accelerator 0 of npus-node-0.',
    ]);
    // Of a chip that nobody holds no service hears.
    const spare = running().strike({ kind: 'chip-fault', chip: 7, ...FIRST });
    expect(spare.until(100).messages('chipFaultDetected')).toEqual([]);
  });

  guideRule(4436, 'event: a switch fault in the pool', () => {
    const story = running().strike({ kind: 'switch-fault', pool: 'npus', rack: 1 });
    expect(story.until(29.9).messages('switchFaultDetected')).toEqual([]);
    expect(story.until(30).messages('switchFaultDetected')).toEqual([
      'Service detected a switch fault in resource pool [npus]: npus-node-1 cannot be reached.',
    ]);
  });

  guideRule(4437, 'event: a node fault in the pool', () => {
    const story = running().strike({ kind: 'node-crash', ...FIRST });
    expect(story.until(39.9).messages('nodeFaultDetected')).toEqual([]);
    expect(story.until(40).messages('nodeFaultDetected')).toEqual([
      'Service detected a node fault in resource pool [npus]: npus-node-0 does not report any more.',
    ]);
  });

  guideRule(4438, 'event: a network anomaly', () => {
    const story = running().strike({ kind: 'network-fault', service: SERVICE });
    expect(story.until(10).messages('networkAnomalyDetected')).toEqual([
      'Service detected a network service anomaly event: the gateway cannot reach the pods.',
    ]);
  });

  guideRule(4441, 'event: the deletion of an instance cannot be submitted', () => {
    const story = running().strike({ kind: 'control-plane-fault', service: SERVICE });
    story.operate({ kind: 'delete-instance', ...target, instance: 0, recreate: false });
    expect(story.messages('instanceDeletionNotSubmitted')).toEqual([
      'Failed to submit the task for deleting instance [chat-main-0]. Reason: a component of the platform does not answer.',
    ]);
    expect(story.until(60).pods).toHaveLength(2);
  });

  guideRule(4442, 'event: an instance fails to be deleted', () => {
    const story = running().strike({ kind: 'node-crash', ...FIRST, lasting: fromSeconds(200) });
    story.until(50).operate({ kind: 'delete-instance', ...target, instance: 0, recreate: false });
    expect(story.until(150).messages('instanceDeletionFailed')).toEqual([
      'Failed to delete instance [chat-main-0]. Try again later or contact service O&M personnel for a resolution.',
    ]);
    // With its node back it goes.
    expect(story.until(210).pods).toEqual(['pod-1 npus-node-1 ready']);
    expect(story.until(900).messages('instanceDeletionGivenUp')).toEqual([]);
  });

  guideRule(4443, 'event: an instance fails to be deleted after all retries', () => {
    const story = running().strike({ kind: 'node-crash', ...FIRST });
    story.until(50).operate({ kind: 'delete-instance', ...target, instance: 0, recreate: false });
    expect(story.until(900).messages('instanceDeletionGivenUp')).toEqual([
      'Failed to delete instance [chat-main-0]. Reason: Retries reached the maximum number of attempts (5).',
    ]);
  });

  guideRule(4445, 'event: a deployment fails to be created, with both states', () => {
    const image = { name: 'vllm-ascend:0.9', sizeGiB: 10, failsToStart: true };
    const story = new Story([withUnit({ probes, image })], {}, false).until(600);
    expect(story.messages('deploymentCreationFailed')).toEqual([
      'Creation of deployment [main] failed, the boot command failed; status transitioned from DEPLOYING to FAILED.',
    ]);
  });

  guideRule(4446, 'event: a deployment fails to start, with both states', () => {
    const story = running({ deployTimeout: fromSeconds(180) });
    story
      .operate({ kind: 'stop', ...target })
      .until(300)
      .strike(noScheduler);
    expect(story.status).toBe('STOPPED');
    story.operate({ kind: 'start', ...target }).until(600);
    expect(story.messages('deploymentStartFailed')).toEqual([
      'Startup of deployment [main] failed, 0 of 2 instances came up within 3 minutes; status transitioned from DEPLOYING to FAILED.',
    ]);
  });

  guideRule(4447, 'event: manual scaling of a deployment fails', () => {
    const story = running({ deployTimeout: fromSeconds(180) });
    story
      .strike(noScheduler)
      .operate({ kind: 'scale', ...target, instances: 3 })
      .until(300);
    expect(story.messages('manualScalingFailed')).toEqual([
      'Manual scaling of deployment [main] failed. Error message: 2 of 3 instances came up within 3 minutes.',
    ]);
    expect(story.pods).toHaveLength(2);
  });

  guideRule(4448, 'event: components of a deployment are rescheduled', () => {
    const story = running().strike({ kind: 'control-plane-fault', service: SERVICE, lasting: fromSeconds(60) });
    expect(story.messages('dependenciesRescheduling')).toHaveLength(1);
    expect(story.messages('dependenciesRescheduling')[0]).toMatch(
      /^An anomaly exists in the service components that deployment \[main\] depends on\. Rescheduling is in progress/,
    );
    // What runs goes on; operations are refused until it is over.
    story.call(1, 5);
    story.operate({ kind: 'scale', ...target, instances: 3 }).until(59);
    expect(story.streams[0]!.state).toBe('finished');
    expect(story.pods).toHaveLength(2);
    story
      .until(60)
      .operate({ kind: 'scale', ...target, instances: 3 })
      .until(200);
    expect(story.pods).toHaveLength(3);
  });
});
