import { model, nodeFlavor } from '../../src/catalog/index.ts';
import type { Kernel } from '../../src/kernel/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { LabDescription, TimelineEntry } from '../../src/lab/index.ts';
import { World } from '../../src/lab/index.ts';
import { type DeploymentSpec, type ProbeSpec, type ServiceSpec, TIMINGS } from '../../src/platform/index.ts';
import type { RequestRecord } from '../../src/telemetry/index.ts';
import type { TrafficSpec } from '../../src/workload/index.ts';

export const SERVICE = 'chat';
export const DEPLOYMENT = 'main';

/** A deployment of qwen3-8b, one Ascend 910B for each instance. */
export function deployment(overrides: Partial<DeploymentSpec> = {}): DeploymentSpec {
  return {
    name: DEPLOYMENT,
    pool: 'npus',
    mode: 'basic',
    weight: 100,
    instances: 2,
    schedulingPolicy: 'high-availability',
    priority: 1,
    maxSurge: 1,
    maxUnavailable: 1,
    secrets: [],
    deployTimeout: fromSeconds(1_200),
    units: [
      {
        name: 'server',
        role: 'common',
        replicas: 1,
        resources: { cpu: 16, memoryGiB: 128, accelerators: 1 },
        image: { name: 'vllm-ascend:0.9', sizeGiB: 10 },
        model: model('qwen3-8b'),
        servedModelName: 'qwen3-8b',
        engine: {
          maxNumSeqs: 32,
          maxNumBatchedTokens: 2_048,
          blockSize: 16,
          memoryUtilization: 0.9,
          maxModelLen: 8_192,
        },
        storage: { kind: 'image', address: '', mountPath: '/model/', hostCache: false },
        files: [],
        dumps: [],
        probes: { startup: probe({ failureThreshold: 60 }) },
        autoRestart: false,
      },
    ],
    ...overrides,
  };
}

/** A probe of `/health` every five seconds. */
export function probe(overrides: Partial<ProbeSpec> = {}): ProbeSpec {
  return {
    check: { kind: 'http', path: '/health', protocol: 'HTTP' },
    interval: fromSeconds(5),
    delay: fromSeconds(0),
    timeout: fromSeconds(1),
    failureThreshold: 3,
    ...overrides,
  };
}

export function service(overrides: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name: SERVICE,
    id: '00000000-0000-4000-8000-000000000001',
    auth: { kind: 'none' },
    replies: { kind: 'fixed', tokens: 20 },
    deployments: [deployment()],
    ...overrides,
  };
}

/** About five requests a second, some hundreds of tokens in and some tens out. */
export function traffic(overrides: Partial<TrafficSpec> = {}): TrafficSpec {
  return {
    name: 'poisson',
    service: SERVICE,
    from: 'ready',
    start: fromSeconds(0),
    arrivals: { kind: 'poisson', rate: 5 },
    prompt: { kind: 'lognormal', median: 300, sigma: 0.8, max: 3_000 },
    output: { kind: 'lognormal', median: 60, sigma: 0.6, max: 500 },
    count: 150,
    ...overrides,
  };
}

export function killPod(seconds: number, instance = 0): TimelineEntry {
  return {
    at: fromSeconds(seconds),
    from: 'ready',
    fault: { kind: 'kill-pod', service: SERVICE, deployment: DEPLOYMENT, instance },
  };
}

/** A small lab, as a scenario would describe it. */
export function description(overrides: Partial<LabDescription> = {}): LabDescription {
  return {
    name: 'test',
    seed: 1,
    epoch: Date.UTC(2026, 0, 1),
    timings: TIMINGS,
    pools: [{ name: 'npus', type: 'dedicated', nodes: [{ flavor: nodeFlavor('snt9b-8'), count: 2 }] }],
    services: [service()],
    traffic: [traffic()],
    timeline: [],
    ...overrides,
  };
}

/** Builds a lab and runs it until it is over. */
export function finished(lab: LabDescription): World {
  const world = new World(lab);
  if (!world.run(MOST_EVENTS)) throw new Error('The lab does not come to its end');
  return world;
}

const MOST_EVENTS = 1_000_000;

export function hashOf({ kernel }: { readonly kernel: Kernel }): string {
  return kernel.trace.digest();
}

/** What traffic sent: when after the services were ready, and how many tokens. */
export function arrivals(world: World, of: (record: RequestRecord) => boolean = () => true): number[][] {
  return [...world.requests.records()]
    .filter(of)
    .map(({ arrivedAt, promptTokens, outputTokensDue }) => [
      arrivedAt - world.settledAt,
      promptTokens,
      outputTokensDue,
    ]);
}
