import { GIB, nodeFlavor } from '../../src/catalog/index.ts';
import type { NodeGroupSpec, PoolSpec } from '../../src/cluster/index.ts';
import type { Reply } from '../../src/gateway/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import { type FaultSpec, type LabDescription, World } from '../../src/lab/index.ts';
import {
  type DeploymentSpec,
  type OperationSpec,
  type Pod,
  type ProbeSpec,
  type ServiceSpec,
  TIMINGS,
  type Timings,
  type UnitSpec,
} from '../../src/platform/index.ts';
import { quickUnit } from './quick.ts';
import { deployment, description, probe, SERVICE, service } from './world.ts';

/** Round figures: a mount takes 1 s, an image 1 s for each GiB, a container 2 s, an engine 5 s, a rank table 3 s. */
export const ROUND: Timings = {
  ...TIMINGS,
  imagePullBandwidth: GIB,
  storageBandwidth: { image: 1e18, obs: GIB, obsfs: 2 * GIB, 'sfs-turbo': 4 * GIB, 'pre-warmed': 1e18 },
  diskBandwidth: 8 * GIB,
  mount: fromSeconds(1),
  containerStart: fromSeconds(2),
  engineBoot: fromSeconds(5),
  rankTable: fromSeconds(3),
};

/** When a pod with an image of {@link IMAGE_GIB} GiB and weights in it is started, and when its engine answers, seconds. */
export const IMAGE_GIB = 10;
export const STARTED = 13;
export const LOADED = 18;

/** A unit without probes and graceful shutdown. */
export function plainUnit(overrides: Partial<UnitSpec> = {}): UnitSpec {
  const { gracefulShutdown: _, ...unit } = quickUnit({ probes: {}, image: { name: 'image', sizeGiB: IMAGE_GIB } });
  return { ...unit, ...overrides };
}

export function plain(unit: Partial<UnitSpec> = {}, overrides: Partial<DeploymentSpec> = {}): DeploymentSpec {
  return deployment({ instances: 1, units: [plainUnit(unit)], ...overrides });
}

/** Probes once a second, so that what they see is seen at once. */
export function everySecond(overrides: Partial<ProbeSpec> = {}): ProbeSpec {
  return probe({ interval: fromSeconds(1), failureThreshold: 3, ...overrides });
}

export function nodes(count: number, more: Partial<NodeGroupSpec> = {}): NodeGroupSpec {
  return { flavor: nodeFlavor('snt9b-8'), count, ...more };
}

export function pool(groups: readonly NodeGroupSpec[] = [nodes(2)], more: Partial<PoolSpec> = {}): PoolSpec {
  return { name: 'npus', type: 'dedicated', nodes: groups, ...more };
}

/** What was told, with the second at which it was. */
interface Told {
  readonly at: number;
  readonly object: string;
  readonly reason: string;
  readonly message: string;
}

/** A world watched from time zero on, event by event, with what must hold held at every one of them. */
export class Watched {
  readonly world: World;
  readonly told: Told[] = [];

  constructor(spec: DeploymentSpec | readonly ServiceSpec[], lab: Partial<LabDescription> = {}) {
    const services = 'units' in spec ? [service({ deployments: [spec] })] : spec;
    this.world = new World(description({ timings: ROUND, pools: [pool()], services, traffic: [], ...lab }), {
      eventSink: ({ lastAt, object, reason, message }) => {
        this.told.push({ at: Math.round(lastAt / 1e3) / 1e3, object, reason, message });
      },
    });
  }

  until(seconds: number): this {
    const { world } = this;
    const end = fromSeconds(seconds);
    while (world.kernel.nextAt() <= end) {
      world.kernel.step();
      world.check();
    }
    world.runUntil(end);
    return this;
  }

  /** At time zero, before anything else. */
  strike(fault: FaultSpec): this {
    this.world.faults.strike(fault);
    return this;
  }

  operate(operation: OperationSpec): string | undefined {
    return this.world.platform.operate(operation);
  }

  call(maxTokens = 10): Reply {
    const call = { to: { service: SERVICE }, key: null, promptTokens: 10, maxTokens, ignoreEos: true };
    return this.world.apply(this.world.now, { kind: 'call', call })!;
  }

  get pods(): readonly Pod[] {
    return this.world.platform.pods;
  }

  pod(index: number): Pod {
    return this.pods[index]!;
  }

  get status(): string {
    return this.world.platform.deployments[0]!.status;
  }

  get serviceStatus(): string {
    return this.world.platform.services[0]!.status;
  }

  /** What was told of a pod, by number, or of a service: `13 Started`. */
  of(object: number | string, ...reasons: string[]): string[] {
    const name = typeof object === 'number' ? this.pod(object).name : object;
    return this.told
      .filter((each) => each.object === name && (reasons.length === 0 || reasons.includes(each.reason)))
      .map(({ at, reason }) => `${at} ${reason}`);
  }

  /** When a reason was told of a pod or a service. */
  times(object: number | string, reason: string): number[] {
    return this.of(object, reason).map((line) => Number.parseFloat(line));
  }

  messages(reason: string): string[] {
    return this.told.filter((each) => each.reason === reason).map(({ message }) => message);
  }
}
