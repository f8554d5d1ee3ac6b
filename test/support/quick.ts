import { nodeFlavor } from '../../src/catalog/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { FaultSpec, LabDescription } from '../../src/lab/index.ts';
import { World } from '../../src/lab/index.ts';
import {
  type Deployment,
  type DeploymentSpec,
  type OperationSpec,
  type Service,
  TIMINGS,
  type UnitSpec,
} from '../../src/platform/index.ts';
import { DEPLOYMENT, deployment, description, probe, SERVICE, service } from './world.ts';

/** Seconds instead of minutes from the image to the first token. */
export const QUICK_TIMINGS: LabDescription['timings'] = {
  ...TIMINGS,
  imagePullBandwidth: 10e9,
  storageBandwidth: { ...TIMINGS.storageBandwidth, image: 1e15 },
  mount: fromSeconds(0.1),
  containerStart: fromSeconds(0.2),
  engineBoot: fromSeconds(1),
};

const [unit] = deployment().units as [UnitSpec];

/** A small engine whose steps take 10 ms: a request of 50 tokens takes half a second. Probed, and ended gracefully. */
export function quickUnit(overrides: Partial<UnitSpec> = {}): UnitSpec {
  return {
    ...unit,
    resources: { cpu: 1, memoryGiB: 32, accelerators: 1 },
    image: { name: 'quick:1', sizeGiB: 1 },
    engine: {
      ...unit.engine,
      kvBlocks: 1_024,
      maxModelLen: 1_024,
      stepTime: { kind: 'affine', prefill: { a: 10, b: 0, c: 0 }, decode: { a: 10, b: 0, c: 0 } },
    },
    probes: {
      startup: probe({ interval: fromSeconds(1), failureThreshold: 60 }),
      readiness: probe({ interval: fromSeconds(1) }),
    },
    gracefulShutdown: { timeout: fromSeconds(60), commandTakes: fromSeconds(0) },
    ...overrides,
  };
}

export function quick(overrides: Partial<DeploymentSpec> = {}): DeploymentSpec {
  return deployment({ units: [quickUnit()], ...overrides });
}

/** What needs new pods: the next revision of a deployment. */
export function revised(spec: DeploymentSpec, overrides: Partial<DeploymentSpec> = {}): DeploymentSpec {
  return { ...spec, units: spec.units.map((each) => ({ ...each, environment: { REVISION: '2' } })), ...overrides };
}

/** A lab of quick deployments without traffic, on as many nodes of eight accelerators as asked. */
export function quickLab(
  deployments: readonly DeploymentSpec[] = [quick()],
  nodes = 2,
  overrides: Partial<LabDescription> = {},
): LabDescription {
  return description({
    timings: QUICK_TIMINGS,
    pools: [{ name: 'npus', type: 'dedicated', nodes: [{ flavor: nodeFlavor('snt9b-8'), count: nodes }] }],
    services: [service({ deployments })],
    traffic: [],
    ...overrides,
  });
}

/** A running world, and short ways to ask it. */
export class Quick {
  readonly world: World;

  constructor(lab: LabDescription = quickLab()) {
    this.world = new World(lab);
  }

  /** One that has come up. */
  static ready(lab: LabDescription = quickLab()): Quick {
    const made = new Quick(lab);
    made.world.runUntilSettled();
    return made;
  }

  get service(): Service {
    return this.world.platform.services[0]!;
  }

  /** Also when it has been deleted. */
  get deployment(): Deployment {
    return this.world.platform.deployments[0]!;
  }

  get status(): string {
    return this.deployment.status;
  }

  /** Instances that stay and take traffic. */
  get ready(): number {
    let count = 0;
    for (const instance of this.deployment.instances) if (instance.ready) count++;
    return count;
  }

  /** @returns why it was refused */
  operate(operation: OperationSpec): string | undefined {
    return this.world.platform.operate(operation);
  }

  /** With an operation that must be taken. */
  also(operation: OperationSpec): this {
    const refusal = this.operate(operation);
    if (refusal !== undefined) throw new Error(`${operation.kind}: ${refusal}`);
    return this;
  }

  strike(fault: FaultSpec): void {
    this.world.apply(this.world.now, { kind: 'fault', fault });
  }

  upgrade(spec: DeploymentSpec): string | undefined {
    return this.operate({ kind: 'upgrade', service: SERVICE, deployment: DEPLOYMENT, spec });
  }

  /** Runs for so many simulated seconds. */
  pass(seconds: number): void {
    const { world } = this;
    world.runUntil((world.now + fromSeconds(seconds)) as typeof world.now);
  }

  /** Runs, event by event, until something holds or nothing happens for an hour. @returns whether it holds */
  until(holds: () => boolean, watch: () => void = () => {}): boolean {
    const { kernel } = this.world;
    const end = kernel.now + fromSeconds(3_600);
    watch();
    while (!holds()) {
      if (!kernel.step() || kernel.now > end) return holds();
      watch();
    }
    return true;
  }

  untilStatus(status: string, watch?: () => void): boolean {
    return this.until(() => this.status === status, watch);
  }

  /** What service events of these reasons say, in order. */
  events(...reasons: string[]): string[] {
    return this.world.events
      .all()
      .filter(({ level, reason }) => level === 'service' && (reasons.length === 0 || reasons.includes(reason)))
      .map(({ message }) => message);
  }
}

/** An operation on the deployment of the quick lab. */
export function on<Kind extends OperationSpec['kind']>(
  kind: Kind,
  more: object = {},
): Extract<OperationSpec, { kind: Kind }> {
  return { kind, service: SERVICE, deployment: DEPLOYMENT, ...more } as unknown as Extract<
    OperationSpec,
    { kind: Kind }
  >;
}
