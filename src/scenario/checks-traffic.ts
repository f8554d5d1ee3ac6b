import type { Catalogue } from './catalogue.ts';
import { engineOf } from './defaults.ts';
import type { Scenario, ServiceEntry, TrafficEntry } from './schema.ts';
import { find, type Path, type Tell } from './tell.ts';

/** What makes streams of requests unsound: endless ones, and requests that no engine could take. */

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
