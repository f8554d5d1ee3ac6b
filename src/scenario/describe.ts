import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { PoolSpec } from '../cluster/index.ts';
import type { LabDescription } from '../lab/index.ts';
import { type AuthSpec, apiKeyFor, keyDigest, type ServiceSpec } from '../platform/index.ts';
import { type ArrivalSpec, parseTrace, type Trace, type TrafficSpec } from '../workload/index.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { shortestContext } from './checks-traffic.ts';
import { connectionsOf, iamOf } from './describe-access.ts';
import { deploymentOf, type Meaning } from './describe-deployment.ts';
import { timelineEntryOf } from './describe-timeline.ts';
import { timingsOf } from './describe-timings.ts';
import type { Expectation } from './expressions.ts';
import { given } from './given.ts';
import type { Problem } from './messages.ts';
import type { ScenarioDocument } from './parse.ts';
import { poolsOf } from './pools.ts';
import type { PoolEntry, ServiceEntry, TrafficEntry } from './schema.ts';

/**
 * The lab that a scenario describes, complete, and what is expected of it.
 * @param files the text of each of the document's files, by its path as written
 * @throws UserError for a trace that is missing, broken, or longer than its service allows
 */
export function describe(
  document: ScenarioDocument,
  files: ReadonlyMap<string, string>,
): { lab: LabDescription; expectations: readonly Expectation[] } {
  const { scenario, upgrades, expectations } = document;
  const traces = readTraces(document, files);
  const { name, seed, duration, pools } = scenario;
  const catalogue = catalogueOf(scenario);
  const meaning: Meaning = { catalogue, pools: poolsOf(pools, catalogue), seed };
  const lab: LabDescription = given({
    name,
    seed,
    epoch: Date.parse(scenario.epoch),
    timings: timingsOf(scenario.timings),
    iam: iamOf(scenario.iam),
    vpcs: scenario.vpcs.length === 0 ? undefined : scenario.vpcs.map(given),
    pools: pools.map((pool) => poolOf(pool, catalogue)),
    services: scenario.services.map((service) => serviceOf(service, meaning)),
    traffic: scenario.traffic.map((stream) => trafficOf(stream, traces)),
    duration,
    timeline: scenario.timeline.map((item, index) => timelineEntryOf(item, upgrades.get(index), meaning)),
  });
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

function poolOf({ nodes, ...pool }: PoolEntry, catalogue: Catalogue): PoolSpec {
  return {
    ...pool,
    nodes: nodes.map(({ flavor, taints, ...group }) =>
      given({ ...group, flavor: catalogue.flavor(flavor), taints: taints.map(given) }),
    ),
    plugins: given(pool.plugins),
  };
}

function serviceOf(entry: ServiceEntry, meaning: Meaning): ServiceSpec {
  const { name, auth: _, replies, deployments, logs, privateConnections: __, ...rest } = entry;
  return given({
    ...rest,
    name,
    id: serviceId(name),
    auth: authOf(entry, meaning.seed),
    replies: replies.output,
    deployments: deployments.map((deployment) => deploymentOf(deployment, meaning)),
    privateConnections: connectionsOf(entry),
    ingestsPodEvents: logs.ingest && logs.kubernetesEvents ? true : undefined,
  });
}

function authOf({ name, auth }: ServiceEntry, seed: number): AuthSpec {
  if (auth.kind !== 'api-key') return auth;
  const keys = auth.keys.map((key) => ({ name: key, digest: keyDigest(seed, apiKeyFor(seed, name, key)) }));
  return { kind: 'api-key', keys };
}

const NO_LENGTH = { kind: 'fixed', tokens: 0 } as const;

function trafficOf(entry: TrafficEntry, traces: ReadonlyMap<string, Trace>): TrafficSpec {
  const { name, service, from, start, arrivals, count, clientIp, sloClass, route, collect } = entry;
  const recorded = { kind: 'trace' } as const;
  const { prompt, output } =
    entry.lengths ??
    // Of requests that have none, whatever they say is nobody's.
    (arrivals.kind === 'trace' ? { prompt: recorded, output: recorded } : { prompt: NO_LENGTH, output: NO_LENGTH });
  const spacing: ArrivalSpec =
    arrivals.kind === 'trace' ? { kind: 'trace', trace: traces.get(arrivals.file)!, speed: arrivals.speed } : arrivals;
  const told = { clientIp, sloClass, route, collect };
  return given({ name, service, from, start, arrivals: spacing, prompt, output, count, ...told });
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
