import { type Catalogue, catalogueOf } from './catalogue.ts';
import { checkDeployment } from './checks-deployment.ts';
import { checkTimeline } from './checks-timeline.ts';
import { engineOf } from './defaults.ts';
import type { Problem } from './messages.ts';
import type { DeploymentEntry, PoolEntry, Scenario, ServiceEntry, TrafficEntry } from './schema.ts';
import { checkUnique, find, type Path, type Tell } from './tell.ts';

/** What makes a scenario of the right shape unsound: names that lead nowhere, pods that fit nowhere, endless streams. */

const OWN_LISTS = [
  ['accelerators', 'an accelerator'],
  ['models', 'a model'],
  ['flavors', 'a flavor'],
] as const;

/** @param upgrades deployments as upgrades of the timeline make them, by the entry's place */
export function checkScenario(scenario: Scenario, upgrades: ReadonlyMap<number, DeploymentEntry>): Problem[] {
  const problems: Problem[] = [];
  const tell: Tell = (path, message) => problems.push({ path, message, at: 'value' });
  const catalogue = catalogueOf(scenario);
  for (const [list, what] of OWN_LISTS) checkIds(scenario[list], [list], what, tell);
  checkUnique(scenario.pools, ['pools'], 'pool', tell);
  checkUnique(scenario.services, ['services'], 'service', tell);
  checkUnique(scenario.traffic, ['traffic'], 'stream', tell);
  for (const [index, pool] of scenario.pools.entries()) checkPool(pool, scenario, ['pools', index], tell);
  for (const [index, service] of scenario.services.entries()) {
    checkService(service, scenario, catalogue, ['services', index], tell);
  }
  for (const [index, stream] of scenario.traffic.entries()) {
    checkTraffic(stream, scenario, catalogue, ['traffic', index], tell);
  }
  checkTimeline(scenario, upgrades, catalogue, tell);
  return problems;
}

/** The deployment of a service that allows the shortest context: any request may come to it. */
export function shortestContext(
  service: ServiceEntry,
  catalogue: Catalogue,
): { readonly deployment: string; readonly tokens: number } {
  const all = service.deployments.map(({ name, units }) => ({
    deployment: name,
    tokens: Math.min(...units.map((unit) => engineOf(unit, catalogue, 0).maxModelLen)),
  }));
  return all.reduce((shortest, each) => (each.tokens < shortest.tokens ? each : shortest));
}

function checkIds(list: readonly { readonly id: string }[], path: Path, what: string, tell: Tell): void {
  for (const [index, { id }] of list.entries()) {
    const first = list.findIndex((each) => each.id === id);
    if (first < index) tell([...path, index, 'id'], `there is already ${what} "${id}" (${path.join('.')}.${first})`);
  }
}

function checkPool(pool: PoolEntry, scenario: Scenario, path: Path, tell: Tell): void {
  const groups = pool.nodes.map(({ name, flavor }) => ({ name: name ?? flavor }));
  for (const [index, { name }] of groups.entries()) {
    const first = groups.findIndex((each) => each.name === name);
    const named = pool.nodes[index]!.name !== undefined;
    if (first < index && named) tell([...path, 'nodes', index, 'name'], `there is already a node pool "${name}"`);
  }
  const nodes = pool.nodes.reduce((sum, { count }) => sum + count, 0);
  const divided = pool.subpools.reduce((sum, { nodes: part }) => sum + part, 0);
  if (divided > nodes) tell([...path, 'subpools'], `they take ${divided} nodes, but the pool has ${nodes}`);
  for (const [index, { name }] of pool.subpools.entries()) {
    const taken = scenario.pools.some(
      (other) => other.name === name || (other !== pool && other.subpools.some((each) => each.name === name)),
    );
    const twice = pool.subpools.findIndex((each) => each.name === name) < index;
    if (taken || twice) tell([...path, 'subpools', index, 'name'], `there is already a pool "${name}"`);
  }
  if (pool.type === 'dedicated' && pool.queueDelay > 0) {
    tell([...path, 'queueDelay'], 'a dedicated pool has no queue before its scheduler; only public pools do');
  }
}

function checkService(service: ServiceEntry, scenario: Scenario, catalogue: Catalogue, path: Path, tell: Tell): void {
  checkUnique(service.deployments, [...path, 'deployments'], 'deployment', tell);
  if (service.auth.kind === 'api-key') {
    const keys = service.auth.keys;
    for (const [index, key] of keys.entries()) {
      if (keys.indexOf(key) < index) tell([...path, 'auth', 'keys', index], `there is already a key "${key}"`);
    }
  }
  for (const [index, deployment] of service.deployments.entries()) {
    checkDeployment(deployment, scenario, catalogue, [...path, 'deployments', index], tell);
  }
}

function checkTraffic(stream: TrafficEntry, scenario: Scenario, catalogue: Catalogue, path: Path, tell: Tell): void {
  const { arrivals, lengths, count, start } = stream;
  const { duration } = scenario;
  const service = find(scenario.services, stream.service, 'service', [...path, 'service'], tell);
  if (arrivals.kind === 'ramp') {
    if (duration === undefined)
      tell([...path, 'arrivals'], 'a ramp needs the "duration" of the scenario: it ends with it');
    if (arrivals.from === 0 && arrivals.to === 0)
      tell([...path, 'arrivals'], 'the rate is 0 throughout; expected "from" or "to" above 0');
  } else if (arrivals.kind !== 'trace' && count === undefined && duration === undefined) {
    tell(path, 'the stream never ends; expected a "count" here or a "duration" of the scenario');
  }
  if (duration !== undefined && start >= duration) {
    tell([...path, 'start'], "the stream starts when the scenario's duration is over");
  }
  if (arrivals.kind === 'trace') return;
  if (lengths === undefined) {
    tell([...path, 'lengths'], 'missing; expected {prompt, output}, as arrivals are not those of a trace');
    return;
  }
  for (const part of ['prompt', 'output'] as const) {
    if (lengths[part].kind !== 'trace') continue;
    tell([...path, 'lengths', part], `lengths of a trace need arrivals of a trace, and these are "${arrivals.kind}"`);
  }
  if (service === undefined || lengths.prompt.kind !== 'fixed' || lengths.output.kind !== 'fixed') return;
  const tokens = lengths.prompt.tokens + lengths.output.tokens;
  const limit = shortestContext(service, catalogue);
  if (tokens > limit.tokens) {
    tell(
      [...path, 'lengths'],
      `${tokens} tokens in all, but deployment "${limit.deployment}" allows ${limit.tokens} (maxModelLen)`,
    );
  }
}
