import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DeploymentSpec, surgeOf, unavailableOf } from '../../src/platform/index.ts';
import { Outcome } from '../../src/telemetry/index.ts';
import { Quick, quick, quickLab, quickUnit, revised } from '../support/quick.ts';
import { traffic } from '../support/world.ts';

const MOST_INSTANCES = 128;
const CASES = 2_000;

/** Nodes of eight accelerators on which an upgrade finds what it needs. */
function nodesFor(instances: number, surge: number): number {
  return Math.ceil((instances + surgeOf(instances, surge)) / 8);
}

interface Upgrade {
  readonly instances: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** What was seen, at every event, from the command to the end of an upgrade. */
interface Seen {
  ended: boolean;
  fewestReady: number;
  mostExisting: number;
  requests: number;
  failed: number;
}

/** Upgrades a deployment under traffic that lasts about as long as the upgrade does. */
function watched({ instances, maxSurge, maxUnavailable }: Upgrade, spec: Partial<DeploymentSpec> = {}, rate = 4): Seen {
  const steps = instances / (surgeOf(instances, maxSurge) + unavailableOf(instances, maxUnavailable));
  const from = quick({ instances, maxSurge, maxUnavailable, ...spec });
  const requests = Math.ceil((steps + 1) * 3 * rate);
  const stream = traffic({
    arrivals: { kind: 'poisson', rate },
    prompt: { kind: 'fixed', tokens: 32 },
    output: { kind: 'fixed', tokens: 50 },
    count: Math.min(20 * rate, requests),
  });
  const lab = Quick.ready(quickLab([from], nodesFor(instances, maxSurge), { traffic: [stream] }));
  const { world, deployment } = lab;
  lab.pass(1);
  const seen = { ended: false, fewestReady: instances, mostExisting: instances, requests: 0, failed: 0 };
  expect(lab.upgrade(revised(from))).toBeUndefined();
  seen.ended = lab.until(
    () => deployment.rollout === undefined && deployment.instances.every(({ leaving }) => !leaving),
    () => {
      seen.mostExisting = Math.max(seen.mostExisting, deployment.instances.length);
      seen.fewestReady = Math.min(seen.fewestReady, lab.ready);
    },
  );
  seen.ended &&= lab.status === 'RUNNING' && deployment.version.number === '1.0.1';
  seen.ended &&= deployment.instances.every(({ version }) => version === deployment.version);
  world.run();
  world.check();
  for (const { outcome } of world.requests.records()) {
    seen.requests++;
    if (outcome !== Outcome.completed) seen.failed++;
  }
  return seen;
}

function expectKept({ instances, maxSurge, maxUnavailable }: Upgrade, seen: Seen): void {
  const unavailable = unavailableOf(instances, maxUnavailable);
  expect(seen.ended).toBe(true);
  expect(seen.fewestReady).toBeGreaterThanOrEqual(instances - unavailable);
  expect(seen.mostExisting).toBeLessThanOrEqual(instances + surgeOf(instances, maxSurge));
  expect(seen.requests).toBeGreaterThan(0);
  if (unavailable < instances) expect(seen.failed).toBe(0);
}

describe('the arithmetic of an upgrade', () => {
  test('holds for every number of instances and every percentage', () => {
    for (let instances = 1; instances <= MOST_INSTANCES; instances++) {
      for (let percent = 0; percent <= 100; percent++) {
        const whole = instances * percent;
        const [surge, unavailable] = [surgeOf(instances, percent), unavailableOf(instances, percent)];
        // By definition, in whole numbers: the smallest that is not less, the largest that is not more.
        if (!(surge * 100 >= whole && (surge - 1) * 100 < whole)) expect.fail(`surge ${instances} ${percent}`);
        if (!(unavailable * 100 <= whole && (unavailable + 1) * 100 > whole)) {
          expect.fail(`unavailable ${instances} ${percent}`);
        }
      }
    }
  });
});

describe('a rolling upgrade', () => {
  const anyUpgrade = fc.record({
    // Small ones are most of what there is, large ones most of what there can be.
    instances: fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: MOST_INSTANCES }) },
    ),
    maxSurge: fc.integer({ min: 1, max: 100 }),
    maxUnavailable: fc.integer({ min: 1, max: 100 }),
  });

  test(`keeps its bounds, ends and fails no request: ${CASES} drawn cases`, () => {
    fc.assert(
      fc.property(anyUpgrade, (upgrade) => expectKept(upgrade, watched(upgrade))),
      { numRuns: CASES, seed: 1 },
    );
  }, 120_000);

  test('keeps them at every edge', () => {
    for (const instances of [1, 2, 3, 99, 100, 101, 127, 128]) {
      for (const maxSurge of [1, 50, 99, 100]) {
        for (const maxUnavailable of [1, 50, 99, 100]) {
          const upgrade = { instances, maxSurge, maxUnavailable };
          expectKept(upgrade, watched(upgrade));
        }
      }
    }
  }, 60_000);

  test('fails requests without health checks and graceful shutdown', () => {
    const bare = { ...quickUnit(), probes: {} };
    const { gracefulShutdown: _, ...unit } = bare;
    for (const instances of [1, 2, 3, 5, 8]) {
      for (const maxUnavailable of [1, 50]) {
        const seen = watched({ instances, maxSurge: 1, maxUnavailable }, { units: [unit] }, 50);
        expect(seen.ended).toBe(true);
        expect(seen.failed).toBeGreaterThan(0);
      }
    }
  });

  test('waits with health checks alone, and cuts what is in flight', () => {
    const { gracefulShutdown: _, ...unit } = quickUnit();
    const seen = watched({ instances: 4, maxSurge: 1, maxUnavailable: 1 }, { units: [unit] }, 50);
    expect(seen.failed).toBeGreaterThan(0);
  });

  test('ends what is in flight with graceful shutdown alone, and sends requests to who is not ready', () => {
    const seen = watched({ instances: 4, maxSurge: 1, maxUnavailable: 1 }, { units: [quickUnit({ probes: {} })] }, 50);
    expect(seen.failed).toBeGreaterThan(0);
  });
});
