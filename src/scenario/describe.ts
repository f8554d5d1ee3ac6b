import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { FaultSpec, LabDescription, TimelineEntry } from '../lab/index.ts';
import type { AuthSpec, DeploymentSpec, ServiceSpec, UnitSpec } from '../platform/index.ts';
import { apiKeyFor, keyDigest } from '../platform/index.ts';
import { type ArrivalSpec, parseTrace, type Trace, type TrafficSpec } from '../workload/index.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { shortestContext } from './checks.ts';
import { engineOf, imageOf, isDisaggregated, leadingFlavor, resourcesOf, unitName } from './defaults.ts';
import type { Expectation } from './expressions.ts';
import type { Problem } from './messages.ts';
import type { ScenarioDocument } from './parse.ts';
import type { DeploymentEntry, PoolEntry, ServiceEntry, TimelineItem, TrafficEntry, UnitEntry } from './schema.ts';

/**
 * The lab that a scenario describes, complete, and what is expected of it.
 * @param files the text of each of the document's files, by its path as written
 * @throws UserError for a trace that is missing, broken, or longer than its service allows
 */
export function describe(
  document: ScenarioDocument,
  files: ReadonlyMap<string, string>,
): { lab: LabDescription; expectations: readonly Expectation[] } {
  const { scenario, expectations } = document;
  const traces = readTraces(document, files);
  const { name, seed, duration, pools } = scenario;
  const catalogue = catalogueOf(scenario);
  const lab: LabDescription = {
    name,
    seed,
    epoch: Date.parse(scenario.epoch),
    pools: pools.map((pool) => ({
      name: pool.name,
      type: pool.type,
      nodes: pool.nodes.map(({ flavor, count }) => ({ flavor: catalogue.flavor(flavor), count })),
    })),
    services: scenario.services.map((service) => serviceOf(service, pools, catalogue, seed)),
    traffic: scenario.traffic.map((stream) => trafficOf(stream, traces)),
    ...(duration === undefined ? {} : { duration }),
    timeline: scenario.timeline.map(timelineOf),
  };
  document.source.report(tooLong(document, lab.traffic));
  return { lab, expectations };
}

/** A service's id: fixed for its name, in the shape of a UUID of version 8 (RFC 9562: hashes of one's own choice). */
export function serviceId(name: string): string {
  const bytes = sha256(utf8ToBytes(`service/${name}`)).slice(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytesToHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function readTraces(document: ScenarioDocument, files: ReadonlyMap<string, string>): Map<string, Trace> {
  const traces = new Map<string, Trace>();
  for (const [index, { arrivals }] of document.scenario.traffic.entries()) {
    if (arrivals.kind !== 'trace' || traces.has(arrivals.file)) continue;
    const text = files.get(arrivals.file);
    if (text === undefined) {
      const path = ['traffic', index, 'arrivals', 'file'];
      document.source.report([{ path, message: `no trace at "${arrivals.file}"`, at: 'value' }]);
      continue;
    }
    traces.set(arrivals.file, parseTrace(text, arrivals.file, arrivals.format));
  }
  return traces;
}

function serviceOf(entry: ServiceEntry, pools: readonly PoolEntry[], catalogue: Catalogue, seed: number): ServiceSpec {
  const { name, replies, deployments } = entry;
  return {
    name,
    id: serviceId(name),
    auth: authOf(entry, seed),
    replies: replies.output,
    deployments: deployments.map((deployment) => deploymentOf(deployment, pools, catalogue, seed)),
  };
}

function authOf({ name, auth }: ServiceEntry, seed: number): AuthSpec {
  if (auth.kind === 'none') return auth;
  const keys = auth.keys.map((key) => ({ name: key, digest: keyDigest(seed, apiKeyFor(seed, name, key)) }));
  return { kind: 'api-key', keys };
}

function deploymentOf(
  entry: DeploymentEntry,
  pools: readonly PoolEntry[],
  catalogue: Catalogue,
  seed: number,
): DeploymentSpec {
  const { units, kvTransfer, ...rest } = entry;
  const pool = pools.find(({ name }) => name === entry.pool)!;
  const { setup, gigabytesPerSecond, ...transfer } = kvTransfer;
  return {
    ...rest,
    units: units.map((unit) => unitOf(unit, pool, catalogue, seed)),
    ...(isDisaggregated(entry)
      ? { kvTransfer: { ...transfer, setupMicros: setup, bytesPerSecond: gigabytesPerSecond * 1e9 } }
      : {}),
  };
}

function unitOf(entry: UnitEntry, pool: PoolEntry, catalogue: Catalogue, seed: number): UnitSpec {
  const flavor = leadingFlavor(pool, catalogue);
  const { startup } = entry.probes;
  return {
    name: unitName(entry),
    role: entry.role,
    replicas: entry.replicas,
    resources: resourcesOf(entry, flavor),
    image: imageOf(entry, flavor),
    model: catalogue.model(entry.model),
    servedModelName: entry.servedModelName ?? entry.model,
    engine: engineOf(entry, catalogue, seed),
    ...(startup === 'none' ? {} : { startupProbe: startup }),
  };
}

function trafficOf(entry: TrafficEntry, traces: ReadonlyMap<string, Trace>): TrafficSpec {
  const { name, service, from, start, arrivals, count } = entry;
  const recorded = { kind: 'trace' } as const;
  const { prompt, output } = entry.lengths ?? { prompt: recorded, output: recorded };
  const spacing: ArrivalSpec =
    arrivals.kind === 'trace' ? { kind: 'trace', trace: traces.get(arrivals.file)!, speed: arrivals.speed } : arrivals;
  return { name, service, from, start, arrivals: spacing, prompt, output, ...(count === undefined ? {} : { count }) };
}

function timelineOf(entry: TimelineItem): TimelineEntry {
  return { at: entry.at, from: entry.from, fault: faultOf(entry) };
}

function faultOf(entry: TimelineItem): FaultSpec {
  if (entry.do === 'refuse') {
    const { do: kind, service, status, retryAfterSeconds, for: lasting } = entry;
    return { kind, service, status, ...given({ retryAfterSeconds, lasting }) };
  }
  const { service, deployment, instance, unit, replica } = entry;
  const target = { service, deployment, instance, ...given({ unit, replica }) };
  switch (entry.do) {
    case 'kill-pod':
      return { kind: entry.do, ...target };
    case 'break-link':
      return { kind: entry.do, ...target, ...given({ lasting: entry.for }) };
    default:
      return { kind: entry.do, ...target, factor: entry.factor, ...given({ lasting: entry.for }) };
  }
}

/** Only what was said: an absent key is not the same as one without a value. */
function given<Fields extends object>(fields: Fields): { [Key in keyof Fields]?: NonNullable<Fields[Key]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** Streams of a trace that send a request which no engine of their service could ever take. */
function tooLong({ scenario }: ScenarioDocument, traffic: readonly TrafficSpec[]): Problem[] {
  return traffic.flatMap(({ arrivals, prompt, output, service, start, count }, index): Problem[] => {
    if (arrivals.kind !== 'trace') return [];
    const { trace, speed } = arrivals;
    const limit = shortestContext(scenario.services.find(({ name }) => name === service)!, catalogueOf(scenario));
    const tokensOf = (length: typeof prompt, recorded: number): number =>
      length.kind === 'trace' ? recorded : length.kind === 'fixed' ? length.tokens : 1;
    const row = trace.at.findIndex((at, each) => {
      const sent = each < (count ?? Infinity) && start + at / speed < (scenario.duration ?? Infinity);
      return (
        sent && tokensOf(prompt, trace.promptTokens[each]!) + tokensOf(output, trace.outputTokens[each]!) > limit.tokens
      );
    });
    if (row < 0) return [];
    const tokens = tokensOf(prompt, trace.promptTokens[row]!) + tokensOf(output, trace.outputTokens[row]!);
    const message =
      `request ${row + 1} of the trace (from 1) asks for ${tokens} tokens in all, ` +
      `but deployment "${limit.deployment}" allows ${limit.tokens} (maxModelLen)`;
    return [{ path: ['traffic', index, 'arrivals', 'file'], message, at: 'value' }];
  });
}
