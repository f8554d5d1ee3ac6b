import type { World } from '../lab/index.ts';
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

export interface ServiceFigures extends LoadFigures {
  readonly status: string;
}

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
  for (const { index, spec, status } of world.platform.services) {
    const own = records.filter((record) => record.service === index);
    // Of a single service they are the same.
    const load = world.platform.services.length === 1 ? all : loadFigures(world, own, (service) => service === index);
    services[spec.name] = { ...load, status };
  }
  const events: Record<string, number> = {};
  for (const event of world.events.all()) events[event.reason] = (events[event.reason] ?? 0) + event.occurrences;
  return { ...all, simulatedSeconds: world.now / 1e6, services, events };
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
export function sampleFigures(services: readonly string[]): Figures {
  const distribution: Distribution = { count: 1, mean: 1, p50: 1, p90: 1, p99: 1, max: 1 };
  const load: LoadFigures = {
    requests: { total: 1, completed: 1, failed: 1, refused: 1, cut: 1, aborted: 1, inFlight: 1 },
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
    services: Object.fromEntries(services.map((each) => [each, { ...load, status: 'RUNNING' }])),
    events: Object.fromEntries(reasons.map((reason) => [reason, 1])),
  };
}
