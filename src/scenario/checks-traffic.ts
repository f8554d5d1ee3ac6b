import type { Catalogue } from './catalogue.ts';
import { checkRouteOf } from './checks-application.ts';
import { engineOf } from './defaults.ts';
import type { Scenario, ServiceEntry, TrafficEntry } from './schema.ts';
import { find, type Path, type Tell } from './tell.ts';

/** What makes streams of requests unsound: endless ones, and requests that no engine could take. */

/** Its requests have no lengths. */
function isApplication(service: ServiceEntry | undefined): boolean {
  return service?.deployments[0]?.units[0]?.application !== undefined;
}

/** The deployment of a service that allows the shortest context: any request may come to it. */
export function shortestContext(
  service: ServiceEntry,
  catalogue: Catalogue,
): { readonly deployment: string; readonly tokens: number } {
  const all = service.deployments.map(({ name, units }) => ({
    deployment: name,
    tokens: Math.min(
      ...units.map((unit) => (unit.application === undefined ? engineOf(unit, catalogue, 0).maxModelLen : Infinity)),
    ),
  }));
  return all.reduce((shortest, each) => (each.tokens < shortest.tokens ? each : shortest));
}

export function checkTraffic(
  stream: TrafficEntry,
  scenario: Scenario,
  catalogue: Catalogue,
  path: Path,
  tell: Tell,
): void {
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
  checkRouteOf(stream, service, path, tell);
  if (stream.collect !== undefined && service !== undefined && service.mode !== 'asynchronous') {
    tell([...path, 'collect'], `service "${service.name}" is synchronous: it has no tasks to collect`);
  }
  if (arrivals.kind === 'trace' || isApplication(service)) return;
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
