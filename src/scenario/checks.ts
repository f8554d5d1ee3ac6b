import { checkpointOf, deviceOf, GIB } from '../catalog/index.ts';
import { weightBytes } from '../engine/index.ts';
import { suggestion } from '../kernel/index.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { engineOf, isDisaggregated, leadingFlavor, resourcesOf, unitName } from './defaults.ts';
import type { Problem } from './messages.ts';
import type {
  DeploymentEntry,
  PoolEntry,
  Scenario,
  ServiceEntry,
  TimelineItem,
  TrafficEntry,
  UnitEntry,
} from './schema.ts';

/** What makes a scenario of the right shape unsound: names that lead nowhere, pods that fit nowhere, endless streams. */

type Path = Problem['path'];
/** Takes a problem down: where it is and what is wrong. */
type Tell = (path: Path, message: string) => void;

const OWN_LISTS = [
  ['accelerators', 'an accelerator'],
  ['models', 'a model'],
  ['flavors', 'a flavor'],
] as const;

export function checkScenario(scenario: Scenario): Problem[] {
  const problems: Problem[] = [];
  const tell: Tell = (path, message) => problems.push({ path, message, at: 'value' });
  const catalogue = catalogueOf(scenario);
  for (const [list, what] of OWN_LISTS) checkIds(scenario[list], [list], what, tell);
  checkUnique(scenario.pools, ['pools'], 'pool', tell);
  checkUnique(scenario.services, ['services'], 'service', tell);
  checkUnique(scenario.traffic, ['traffic'], 'stream', tell);
  for (const [index, pool] of scenario.pools.entries()) checkPool(pool, catalogue, ['pools', index], tell);
  for (const [index, service] of scenario.services.entries())
    checkService(service, scenario, catalogue, ['services', index], tell);
  for (const [index, stream] of scenario.traffic.entries())
    checkTraffic(stream, scenario, catalogue, ['traffic', index], tell);
  for (const [index, entry] of scenario.timeline.entries()) checkFault(entry, scenario, ['timeline', index], tell);
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

function checkUnique(list: readonly { readonly name: string }[], path: Path, what: string, tell: Tell): void {
  for (const [index, { name }] of list.entries()) {
    const first = list.findIndex((each) => each.name === name);
    if (first < index)
      tell([...path, index, 'name'], `there is already a ${what} "${name}" (${path.join('.')}.${first})`);
  }
}

function checkIds(list: readonly { readonly id: string }[], path: Path, what: string, tell: Tell): void {
  for (const [index, { id }] of list.entries()) {
    const first = list.findIndex((each) => each.id === id);
    if (first < index) tell([...path, index, 'id'], `there is already ${what} "${id}" (${path.join('.')}.${first})`);
  }
}

/** The entry of that name; tells the nearest when there is none. */
function find<Entry extends { readonly name: string }>(
  list: readonly Entry[],
  name: string,
  what: string,
  path: Path,
  tell: Tell,
): Entry | undefined {
  const found = list.find((each) => each.name === name);
  if (found === undefined)
    tell(
      path,
      `unknown ${what} "${name}"${suggestion(
        name,
        list.map((each) => each.name),
      )}`,
    );
  return found;
}

function checkPool(pool: PoolEntry, catalogue: Catalogue, path: Path, tell: Tell): void {
  const leading = leadingFlavor(pool, catalogue).accelerator;
  for (const [index, { flavor }] of pool.nodes.entries()) {
    const other = catalogue.flavor(flavor).accelerator;
    if (other !== leading) {
      tell(
        [...path, 'nodes', index, 'flavor'],
        `"${flavor}" has ${other}, but the pool's first nodes have ${leading}; a pool has one kind`,
      );
    }
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
    const at = [...path, 'deployments', index];
    const pool = find(scenario.pools, deployment.pool, 'pool', [...at, 'pool'], tell);
    checkUnits(deployment, [...at, 'units'], tell);
    if (pool === undefined) continue;
    for (const [which, unit] of deployment.units.entries())
      checkFit(unit, pool, catalogue, [...at, 'units', which], tell);
  }
}

/** One common unit, or at least one prefill and one decode unit (guide 763), all of one model. */
function checkUnits(deployment: DeploymentEntry, path: Path, tell: Tell): void {
  const { units } = deployment;
  const roles = units.map(({ role }) => role);
  if (!isDisaggregated(deployment)) {
    if (units.length > 1) tell(path, `got ${units.length} common units, expected one; or prefill and decode units`);
    return;
  }
  for (const role of ['prefill', 'decode'] as const) {
    if (!roles.includes(role)) tell(path, `no ${role} unit; expected at least one prefill and one decode unit`);
  }
  for (const [index, unit] of units.entries()) {
    const at = [...path, index];
    if (unit.role === 'common') tell(at, 'a common unit beside prefill and decode units; expected one of these');
    if (units.findIndex((other) => unitName(other) === unitName(unit)) < index) {
      tell(at, `there is already a unit "${unitName(unit)}"; expected a name of its own`);
    }
    if (unit.model !== units[0]!.model) {
      const first = `the first unit has "${units[0]!.model}"`;
      tell([...at, 'model'], `got "${unit.model}", but ${first}: keys and values are of one model`);
    }
  }
}

/** A pod fits on some node of the pool, and the model in the pod. */
function checkFit(unit: UnitEntry, pool: PoolEntry, catalogue: Catalogue, path: Path, tell: Tell): void {
  const engine = engineOf(unit, catalogue, 0);
  const model = catalogue.model(unit.model);
  const { maxContext } = model;
  if (engine.maxModelLen > maxContext) {
    tell(
      [...path, 'engine', 'maxModelLen'],
      `got ${engine.maxModelLen}, but "${unit.model}" allows at most ${maxContext} tokens`,
    );
  }
  const { prefixUnitTokens, blockSize } = engine;
  if (prefixUnitTokens !== undefined && prefixUnitTokens % blockSize !== 0) {
    const at = [...path, 'engine', 'prefixUnitTokens'];
    tell(at, `got ${prefixUnitTokens}, expected a multiple of blockSize ${blockSize}`);
  }

  const flavor = leadingFlavor(pool, catalogue);
  const device = deviceOf(flavor);
  const resources = resourcesOf(unit, flavor);
  const largest = (of: 'accelerators' | 'cpu' | 'memoryGiB'): number =>
    Math.max(...pool.nodes.map((group) => catalogue.flavor(group.flavor)[of]));
  for (const what of ['accelerators', 'cpu', 'memoryGiB'] as const) {
    if (resources[what] <= largest(what)) continue;
    tell(
      [...path, 'resources', what],
      `got ${resources[what]}, but a node of pool "${pool.name}" has at most ${largest(what)}`,
    );
    return;
  }
  if (device.kind !== 'cpu' && resources.accelerators === 0) {
    tell(
      [...path, 'resources', 'accelerators'],
      `got 0, expected at least 1 of the ${device.id} of pool "${pool.name}"`,
    );
    return;
  }
  const memory = device.kind === 'cpu' ? resources.memoryGiB * GIB : device.memoryBytes * resources.accelerators;
  const { precision, kvCacheType, dataParallelAttention: ranks } = unit.engine;
  if (ranks > 1 && (device.kind === 'cpu' || resources.accelerators % ranks !== 0)) {
    const at = [...path, 'engine', 'dataParallelAttention'];
    tell(at, `got ${ranks}, expected a divisor of the ${resources.accelerators} accelerators of a pod`);
    return;
  }
  const weights = weightBytes(model, checkpointOf(model, precision, kvCacheType), ranks);
  if (weights > memory * engine.memoryUtilization) {
    const holder = device.kind === 'cpu' ? 'memoryGiB' : `${resources.accelerators} x ${device.id}`;
    tell(
      [...path, 'model'],
      `"${unit.model}" needs ${gib(weights)} GiB for its weights in ${precision}, but ${holder} at memoryUtilization ` +
        `${engine.memoryUtilization} gives ${gib(memory * engine.memoryUtilization)} GiB`,
    );
  }
}

function gib(bytes: number): string {
  return (bytes / GIB).toFixed(1);
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

function checkFault(entry: TimelineItem, scenario: Scenario, path: Path, tell: Tell): void {
  const service = find(scenario.services, entry.service, 'service', [...path, 'service'], tell);
  if (service === undefined || entry.do === 'refuse') return;
  const deployment = find(service.deployments, entry.deployment, 'deployment', [...path, 'deployment'], tell);
  if (deployment === undefined) return;
  if (entry.instance < deployment.instances) {
    checkStruckUnit(entry, deployment, path, tell);
    return;
  }
  const range = deployment.instances === 1 ? 'the only one is 0' : `they are 0 to ${deployment.instances - 1}`;
  tell(
    [...path, 'instance'],
    `got ${entry.instance}, but deployment "${deployment.name}" has ${deployment.instances} instances: ${range}`,
  );
}

function checkStruckUnit(
  entry: Exclude<TimelineItem, { do: 'refuse' }>,
  deployment: DeploymentEntry,
  path: Path,
  tell: Tell,
): void {
  const units = deployment.units.map((unit) => ({ ...unit, name: unitName(unit) }));
  const unit = entry.unit === undefined ? units[0]! : find(units, entry.unit, 'unit', [...path, 'unit'], tell);
  if (unit === undefined) return;
  if (entry.replica !== undefined && entry.replica >= unit.replicas) {
    tell([...path, 'replica'], `got ${entry.replica}, but unit "${unit.name}" has ${unit.replicas}`);
  }
  if ((entry.do === 'slow-link' || entry.do === 'break-link') && unit.role !== 'prefill') {
    tell([...path, 'do'], `unit "${unit.name}" is no prefill unit: keys and values leave only those`);
  }
}
