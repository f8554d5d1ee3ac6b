import { describe, expect } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { UnitSpec } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { everySecond, plain, STARTED, Watched } from '../support/pods.ts';
import { DEPLOYMENT, SERVICE } from '../support/world.ts';

/** What goes wrong on a pod's way, as its service and the pod itself tell it. */

const probes = { startup: everySecond({ failureThreshold: 60 }) };

/** A pod of this unit, thirty seconds old. */
function told(unit: Partial<UnitSpec>): Watched {
  return new Watched(plain({ probes, ...unit })).until(30);
}

const wrongImage = { image: { name: 'image', sizeGiB: 10, unavailable: 'missing' } } as const;
const wrongCommand = { image: { name: 'image', sizeGiB: 10, failsToStart: true } } as const;
const tooLarge = { resources: { cpu: 1, memoryGiB: 32, accelerators: 16 } };
const noTurbo = { storage: { kind: 'sfs-turbo', address: 'turbo', mountPath: '/model/', hostCache: false } } as const;
const noTurboCache = { storage: { ...noTurbo.storage, hostCache: true } } as const;

describe('warnings of a service', () => {
  const warns = (unit: Partial<UnitSpec>, reason: string, text: string): void => {
    expect(told(unit).messages(reason)[0]).toBe(text);
    expect(told({}).messages(reason)).toEqual([]);
  };

  guideRule(4453, 'warning: a deployment has no startup probe', () =>
    warns(
      { probes: {} },
      'noStartupProbe',
      'Deployment [main] has no [Health Check > Startup Probe] configured, which will prevent the model loading process from being monitored. The service may display a Running status but fail to handle predictions because the model is still loading.',
    ),
  );

  guideRule(4454, 'warning: pods of a deployment fail their health check', () => {
    expect(told({}).messages('podsUnhealthy')[0]).toBe(
      'Checking the health status of some pods failed during the deployment [main]. (Check the pod events for the cause.)',
    );
  });

  guideRule(4455, 'warning: the image of a pod cannot be pulled', () =>
    warns(
      wrongImage,
      'podImagePullFailed',
      'Failed to pull the pod image in deployment [main]. (Check the pod events for the cause.)',
    ),
  );

  guideRule(4458, 'warning: the container of a pod cannot be started', () =>
    warns(
      wrongCommand,
      'podStartFailed',
      'Failed to start the pod container in deployment [main]. (Check the pod events for the cause.)',
    ),
  );

  guideRule(4461, 'warning: a pod cannot be scheduled', () =>
    warns(
      tooLarge,
      'podSchedulingFailed',
      'Pod scheduling failed in deployment [main]. (Check the pod events for the cause.)',
    ),
  );

  guideRule(4465, 'warning: a pod cannot mount its storage and tries again', () =>
    warns(
      noTurbo,
      'podMountFailed',
      'Pod mounting failed during the deployment [main]. Retrying... (Check the pod events for the cause.)',
    ),
  );

  guideRule(4466, 'warning: a unit cannot load its model and tries again, with the reason', () =>
    warns(
      noTurboCache,
      'modelConfigurationFailed',
      'Model configuration loading failed for pods in service deployment unit [server]. Retrying... Details: An error occurred while mounting the SFS Turbo. Please check whether the related configurations are correct',
    ),
  );
});

describe('alarms of a pod', () => {
  guideRule(4503, 'pod event BackOffStart: the container fails to start', () => {
    const watched = told(wrongCommand);
    expect(watched.times(0, 'BackOffStart')).toEqual([STARTED, STARTED + 10]);
    expect(watched.pod(0)).toMatchObject({ phase: 'waiting', status: 'ABNORMAL' });
  });

  guideRule(4507, 'pod event Unhealthy: a check fails', () => {
    expect(told({}).times(0, 'Unhealthy')).toEqual([13, 14, 15, 16, 17]);
  });

  guideRule(4507, 'checks failing beyond the threshold restart the pod', () => {
    const watched = told({ probes: { startup: everySecond(), liveness: everySecond({ interval: fromSeconds(2) }) } });
    expect(watched.times(0, 'Killing')[0]).toBe(STARTED + 2);
    const { restarts } = watched.pod(0);
    expect(restarts).toBeGreaterThan(0);
    expect(watched.pods).toHaveLength(1);
  });

  guideRule(4511, 'pod event FailedMount: a volume does not mount', () => {
    const watched = told(noTurbo);
    expect(watched.times(0, 'FailedMount')).toEqual([0, 0.5, 1.5, 3.5, 7.5, 15.5]);
    expect(watched.messages('FailedMount')[0]).toMatch(/^The storage volume fails to be mounted\. The SFS Turbo/);
  });

  guideRule(4514, 'pod event InferInitContainerFailed, with errcode and errmsg', () => {
    const watched = told(noTurboCache);
    expect(watched.messages('InferInitContainerFailed')[0]).toBe(
      'Infer init container checked failed, errcode: InferLab.Init.1007, errmsg: An error occurred while mounting the SFS Turbo. Please check whether the related configurations are correct.',
    );
    expect(watched.times(0, 'InferInitContainerFailed')).toEqual([1, 11]);
    // Others are not concerned.
    expect(watched.call().state).toBe('refused');
    expect(watched.world.platform.podOf({ service: SERVICE, deployment: DEPLOYMENT, instance: 0 })!.phase).toBe(
      'initializing',
    );
  });
});

guideRule(382, 'requests spread over the replicas, which are alike', () => {
  const watched = new Watched(plain({ probes }, { instances: 4 })).until(60);
  for (let nth = 0; nth < 40; nth++) watched.call(100);
  watched.until(60.2);
  expect(watched.world.engines.all.map((engine) => engine.figures().running)).toEqual([10, 10, 10, 10]);
  const [first, ...others] = watched.world.platform.deployments[0]!.instances.map(({ version }) => version);
  for (const other of others) expect(other).toBe(first);
});

guideRule(416, 'environment variables reach the pod', () => {
  const watched = told({ environment: { A: 'AAAA' } });
  expect(watched.pod(0).unit.environment).toEqual({ A: 'AAAA' });
  const spec = plain({ probes, environment: { A: 'BBBB' } });
  watched.operate({ kind: 'upgrade', service: SERVICE, deployment: DEPLOYMENT, spec });
  watched.until(100);
  expect(watched.pod(0)).toMatchObject({ phase: 'terminated', unit: { environment: { A: 'AAAA' } } });
  expect(watched.pod(1)).toMatchObject({ ready: true, unit: { environment: { A: 'BBBB' } } });
});

guideRule(328, 'high concurrency on one instance exhausts its memory and raises latency', () => {
  const taken = (calls: number): { seconds: number; fullest: number } => {
    const watched = told({});
    const [engine] = watched.world.engines.all;
    const replies = Array.from({ length: calls }, () => watched.call(900));
    let fullest = 0;
    for (let second = 30; replies.some(({ state }) => state !== 'finished'); second++) {
      watched.until(second);
      const { kvBlocksUsed, kvBlocksTotal } = engine!.figures();
      fullest = Math.max(fullest, kvBlocksUsed / kvBlocksTotal);
    }
    return { seconds: watched.world.now / 1e6 - 30, fullest };
  };
  // 900 steps of 10 ms; ten fit into the cache with all their tokens, sixty do not.
  expect(taken(10).seconds).toBe(10);
  expect(taken(10).fullest).toBeLessThan(0.6);
  const many = taken(60);
  expect(many.fullest).toBeGreaterThan(0.9);
  expect(many.seconds).toBeGreaterThan(20);
});
