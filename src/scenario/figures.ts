import { deploymentShares } from '../gateway/index.ts';
import type { World } from '../lab/index.ts';
import type { Service } from '../platform/index.ts';
import {
  type Distribution,
  POD_EVENTS,
  type RequestFigures,
  type RequestRecord,
  requestFigures,
  SERVICE_EVENTS,
} from '../telemetry/index.ts';
import { type TaskFigures, taskFigures } from './task-figures.ts';

/** The figures of some requests, and of what served them. Null where there was no sample. */
export interface LoadFigures extends RequestFigures {
  /** Share of the time since the first arrival in which accelerators worked on a step, 0 to 1. */
  readonly acceleratorUtilization: number | null;
  /** Share of the KV blocks in use, averaged over the same time, 0 to 1. */
  readonly kvUtilization: number | null;
  readonly preemptions: number;
  /** Of asynchronous services. */
  readonly tasks: TaskFigures;
}

/** What traffic a deployment got. */
export interface DeploymentFigures {
  /** Live requests that were routed to it: each try counts, and so does each connection that is opened, once. */
  readonly requests: number;
  /** The actual traffic percentage as things stand, 0 to 100: by weights and by who has a backend (guide 3624, 3647). */
  readonly share: number;
  /** Copies of live requests that it got as a mirror (guide 3643). */
  readonly copies: number;
}

export interface ServiceFigures extends LoadFigures {
  readonly status: string;
  /** By the deployment's name; those that were deleted are among them. */
  readonly deployments: Readonly<Record<string, DeploymentFigures>>;
}

/** The names of services, and for each those of all deployments that it ever has. */
export type ServiceNames = Readonly<Record<string, readonly string[]>>;

/** What expectations are judged on: the figures of the JSON verdict. */
export interface Figures extends LoadFigures {
  readonly simulatedSeconds: number;
  /** By the service's name. */
  readonly services: Readonly<Record<string, ServiceFigures>>;
  /** How often each event was recorded, by its reason. */
  readonly events: Readonly<Record<string, number>>;
}

/** Sums up a world as it stands. */
export function figuresOf(world: World): Figures {
  const records = [...world.requests.records()];
  const all = loadFigures(world, records, () => true);
  const services: Record<string, ServiceFigures> = {};
  for (const service of world.platform.services) {
    const { index, spec, status } = service;
    const own = records.filter((record) => record.service === index);
    // Of a single service they are the same.
    const load = world.platform.services.length === 1 ? all : loadFigures(world, own, (service) => service === index);
    services[spec.name] = { ...load, status, deployments: deploymentFigures(world, service) };
  }
  const events: Record<string, number> = {};
  for (const event of world.events.all()) events[event.reason] = (events[event.reason] ?? 0) + event.occurrences;
  return { ...all, simulatedSeconds: world.now / 1e6, services, events };
}

/** Of deployments of one name, of which all but the last were deleted, it is the sum. */
function deploymentFigures({ gateway, platform }: World, service: Service): ServiceFigures['deployments'] {
  const figures: Record<string, DeploymentFigures> = {};
  for (const deployment of platform.deployments) {
    if (deployment.service !== service) continue;
    const { requests, copies } = gateway.traffic.of(deployment);
    const before = figures[deployment.name] ?? { requests: 0, copies: 0 };
    const sums = { requests: before.requests + requests, copies: before.copies + copies };
    figures[deployment.name] = { ...sums, share: 0 };
  }
  for (const { name, share } of deploymentShares(service.deployments)) figures[name] = { ...figures[name]!, share };
  return figures;
}

function loadFigures(world: World, records: RequestRecord[], includes: (service: number) => boolean): LoadFigures {
  const first = records.length === 0 ? world.now : records[0]!.arrivedAt;
  let busy = 0;
  let span = 0;
  let blocksUsed = 0;
  let blocksHeld = 0;
  let preemptions = 0;
  for (const engine of world.engines.processes) {
    if (!includes(world.owners[engine.id]!.deployment.service.index)) continue;
    const { busyMicros, kvBlockMicros, kvBlocksTotal, preemptions: own } = engine.figures();
    const lived = Math.max(0, Math.min(world.now, engine.diedAt) - Math.max(first, engine.startedAt));
    busy += busyMicros;
    span += lived;
    blocksUsed += kvBlockMicros;
    blocksHeld += kvBlocksTotal * lived;
    preemptions += own;
  }
  return {
    ...requestFigures(records),
    acceleratorUtilization: span > 0 ? busy / span : null,
    kvUtilization: blocksHeld > 0 ? blocksUsed / blocksHeld : null,
    preemptions,
    tasks: taskFigures(world, includes),
  };
}

/** Figures of a made-up run in which everything was 1: it has every name that an expectation may use. */
export function sampleFigures(names: ServiceNames): Figures {
  const distribution: Distribution = { count: 1, mean: 1, p50: 1, p90: 1, p99: 1, max: 1 };
  const load: LoadFigures = {
    requests: { total: 1, completed: 1, failed: 1, refused: 1, cut: 1, errored: 1, aborted: 1, inFlight: 1 },
    tokens: { prompt: 1, output: 1 },
    ttftMs: distribution,
    tpotMs: distribution,
    e2eMs: distribution,
    queueMs: distribution,
    outputTokensPerSecond: 1,
    requestsPerSecond: 1,
    acceleratorUtilization: 1,
    kvUtilization: 1,
    preemptions: 1,
    tasks: {
      ...{ total: 1, succeeded: 1, failed: 1, timedOut: 1, stopped: 1, open: 1 },
      ...{ waitMs: distribution, completionMs: distribution },
    },
  };
  const reasons = [...Object.keys(SERVICE_EVENTS), ...Object.keys(POD_EVENTS)];
  return {
    ...load,
    simulatedSeconds: 1,
    services: Object.fromEntries(
      Object.entries(names).map(([name, deployments]) => {
        const traffic = Object.fromEntries(deployments.map((each) => [each, { requests: 1, share: 1, copies: 1 }]));
        return [name, { ...load, status: 'RUNNING', deployments: traffic }];
      }),
    ),
    events: Object.fromEntries(reasons.map((reason) => [reason, 1])),
  };
}
