import {
  type CallProtocol,
  type ConnectionSpec,
  customUrlsProblem,
  DEFAULT_IAM,
  networkProblem,
  ownKeyName,
  parseCustomUrl,
  placeOf,
} from '../platform/index.ts';
import { given } from './given.ts';
import type { Scenario } from './schema.ts';
import { checkUnique, find, type Path, type Tell } from './tell.ts';

/** A private connection as a scenario has it. */
interface Written {
  readonly name: string;
  readonly vpc?: string | undefined;
  readonly subnet?: string | undefined;
  readonly pool?: string | undefined;
  readonly account?: string | undefined;
  readonly customUrls?: readonly string[] | undefined;
}

/** What makes users, networks and private connections unsound. */
export function checkAccess(scenario: Scenario, tell: Tell): void {
  const { iam, vpcs, services } = scenario;
  checkUnique(iam.users ?? [], ['iam', 'users'], 'user', tell);
  const own = iam.project?.name ?? DEFAULT_IAM.project.name;
  for (const [index, { name }] of iam.otherProjects.entries()) {
    const before = iam.otherProjects.slice(0, index).some((each) => each.name === name);
    if (before || name === own) {
      tell(['iam', 'otherProjects', index, 'name'], `there is already a project "${name}"`);
    }
  }
  checkUnique(vpcs, ['vpcs'], 'VPC', tell);
  const places = new Set<string>();
  for (const [index, { privateConnections, protocol }] of services.entries()) {
    const path = ['services', index, 'privateConnections'];
    checkUnique(privateConnections, path, 'private connection', tell);
    for (const [which, connection] of privateConnections.entries()) {
      const at = [...path, which];
      checkConnection(scenario, connection, protocol, at, tell);
      checkNetworks(privateConnections, which, at, tell);
      for (const place of placesOf(connection)) {
        if (places.has(place)) tell([...at, 'customUrls'], `${place} leads to another private connection already`);
        places.add(place);
      }
    }
  }
  checkOwnKeys(services, tell);
  checkOperations(scenario, tell);
  checkKeys(scenario, tell);
}

/** What of a connection is wrong by itself. @param protocol of its service */
function checkConnection(
  scenario: Scenario,
  written: Written,
  protocol: CallProtocol | undefined,
  path: Path,
  tell: Tell,
): void {
  const { vpcs, pools } = scenario;
  const { name, customUrls = [], vpc, subnet, pool } = written;
  const from = vpc === undefined ? undefined : find(vpcs, vpc, 'VPC', [...path, 'vpc'], tell);
  if (vpc !== undefined && from === undefined) return;
  if (from !== undefined && subnet !== undefined) {
    const subnets = from.subnets.map((each) => ({ name: each }));
    if (find(subnets, subnet, 'subnet', [...path, 'subnet'], tell) === undefined) return;
  }
  const subpools = pools.flatMap((each) => [each, ...each.subpools]);
  if (pool !== undefined && find(subpools, pool, 'pool', [...path, 'pool'], tell) === undefined) return;
  const known = {
    vpcs: vpcs.map((each) => given(each)),
    pools: subpools.map((each) => each.name),
    account: scenario.iam.domain ?? DEFAULT_IAM.domain,
  };
  const spec = given({ ...written, connection: name }) as ConnectionSpec;
  const network = networkProblem(spec, known);
  if (network !== undefined) tell([...path, pool === undefined ? 'vpc' : 'pool'], network);
  const urls = customUrlsProblem(customUrls, protocol);
  if (urls !== undefined) tell([...path, 'customUrls'], urls);
}

/** A service has one connection from each network (guide 2649, 2650). */
function checkNetworks(connections: readonly Written[], which: number, path: Path, tell: Tell): void {
  for (const network of ['vpc', 'pool'] as const) {
    const name = connections[which]![network];
    const before = connections.slice(0, which).find((each) => name !== undefined && each[network] === name);
    if (before !== undefined) tell([...path, network], `the service has one from there already: "${before.name}"`);
  }
}

/** Entries of the timeline name connections that there are by then, or may be. */
function checkOperations(scenario: Scenario, tell: Tell): void {
  const created = scenario.timeline.flatMap((item) =>
    item.do === 'create-connection' ? [{ service: item.service, name: item.connection }] : [],
  );
  for (const [index, item] of scenario.timeline.entries()) {
    if (!('connection' in item)) continue;
    const path = ['timeline', index];
    const service = scenario.services.find(({ name }) => name === item.service);
    if (item.do === 'create-connection') {
      checkConnection(scenario, { ...item, name: item.connection }, service?.protocol, path, tell);
      continue;
    }
    if (service === undefined) continue;
    const known = [...service.privateConnections, ...created.filter((each) => each.service === item.service)];
    find(known, item.connection, 'private connection', [...path, 'connection'], tell);
    if (item.do !== 'set-connection-urls') continue;
    const problem = customUrlsProblem(item.customUrls, service.protocol);
    if (problem !== undefined) tell([...path, 'customUrls'], problem);
  }
}

/** Keys of two services may be called the same among all keys: `a-b` of `chat`, and `b` of `chat-a`. */
function checkOwnKeys(services: Scenario['services'], tell: Tell): void {
  const known = new Map<string, { readonly service: string; readonly key: string }>();
  for (const [index, { name: service, auth }] of services.entries()) {
    if (auth.kind !== 'api-key') continue;
    for (const [which, key] of auth.keys.entries()) {
      const name = ownKeyName(service, key);
      const before = known.get(name);
      if (before === undefined) known.set(name, { service, key });
      // Of the service itself it is its key that is there twice.
      else if (before.service !== service) {
        const message = `among all keys it is called "${name}", as key "${before.key}" of service "${before.service}" is; names of keys are unique`;
        tell(['services', index, 'auth', 'keys', which], message);
      }
    }
  }
}

/** Entries of the timeline name API keys that there are by then, or may be: those created, and those of services. */
function checkKeys({ services, timeline }: Scenario, tell: Tell): void {
  const created = timeline.flatMap((item) => (item.do === 'create-key' ? [{ name: item.key }] : []));
  const own = services.flatMap(({ name, auth }) =>
    auth.kind === 'api-key' ? auth.keys.map((key) => ({ name: ownKeyName(name, key) })) : [],
  );
  for (const [index, item] of timeline.entries()) {
    if (item.do !== 'bind-key' && item.do !== 'unbind-key' && item.do !== 'delete-key') continue;
    find([...created, ...own], item.key, 'API key', ['timeline', index, 'key'], tell);
  }
}

function placesOf({ customUrls = [] }: Written): string[] {
  return customUrls.flatMap((url) => {
    const parsed = parseCustomUrl(url);
    return parsed === undefined ? [] : [placeOf(parsed)];
  });
}
