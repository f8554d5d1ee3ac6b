import { suggestion } from '../kernel/index.ts';
import { applicationOf, methodsOf } from './describe-application.ts';
import type { DeploymentEntry, ServiceEntry, TrafficEntry, UnitEntry } from './schema.ts';
import type { ApplicationEntry } from './schema-application.ts';
import type { Path, Tell } from './tell.ts';

/** What makes applications, and what is asked of them, unsound. */

/** @param path of the unit */
export function checkApplication(unit: UnitEntry, path: Path, tell: Tell): void {
  const { application, role } = unit;
  if (application === undefined) return;
  if (role !== 'common') {
    tell(
      [...path, 'role'],
      `got "${role}", but an application has no prompt and no tokens to share; expected "common"`,
    );
  }
  if (typeof application === 'string') return;
  const at = [...path, 'application'];
  if (application.routes.length === 0 && application.type === undefined) {
    tell(at, 'answers nothing; expected "routes", a "type", or both');
  }
  if (application.queue !== undefined && application.concurrency === undefined) {
    tell(
      [...at, 'queue'],
      'nothing ever waits where any number of requests is worked on; expected a "concurrency" too',
    );
  }
  checkRoutes(application, [...at, 'routes'], tell);
}

/** A request means one route at most. */
function checkRoutes({ routes }: Exclude<ApplicationEntry, string>, path: Path, tell: Tell): void {
  const seen = new Map<string, number>();
  for (const [index, route] of routes.entries()) {
    for (const method of methodsOf(route)) {
      const first = seen.get(`${method} ${route.path}`);
      if (first === undefined) seen.set(`${method} ${route.path}`, index);
      else tell([...path, index, 'path'], `there is already a route for ${method} ${route.path} (routes.${first})`);
    }
  }
}

/** What a deployment of applications may not scale by. @param path of the deployment */
export function checkScaledBy({ scaling, units }: DeploymentEntry, path: Path, tell: Tell): void {
  if (units[0]!.application === undefined) return;
  for (const [index, rule] of (scaling?.rules ?? []).entries()) {
    if (rule.kind !== 'metric' || rule.metric !== 'kv-utilization') continue;
    tell(
      [...path, 'scaling', 'rules', index, 'metric'],
      'got "kv-utilization", but an application has no KV cache; expected "concurrency" or "waiting"',
    );
  }
}

/** Units of one service serve models, or are applications: a client meets one of these. @param path of the service */
export function checkOneKind({ deployments }: ServiceEntry, path: Path, tell: Tell): void {
  const first = deployments[0]!.units[0]!;
  for (const [index, deployment] of deployments.entries()) {
    checkKind(deployment, first, [...path, 'deployments', index], tell);
  }
}

/** @param first a unit that its service has @param path of the deployment */
export function checkKind({ units }: DeploymentEntry, first: UnitEntry, path: Path, tell: Tell): void {
  const odd = units.findIndex((unit) => (unit.application === undefined) !== (first.application === undefined));
  if (odd < 0) return;
  const [got, others] =
    first.application === undefined ? ['application', 'serve models'] : ['model', 'are applications'];
  tell([...path, 'units', odd, got], `the other units of the service ${others}; expected all of one kind`);
}

/** A stream names a route of its application; lengths are none of its business. @param path of the stream */
export function checkRouteOf(stream: TrafficEntry, service: ServiceEntry | undefined, path: Path, tell: Tell): void {
  const applications = (service?.deployments ?? []).flatMap(({ units }) =>
    units.flatMap(({ application }) => (application === undefined ? [] : [applicationOf(application)])),
  );
  if (service === undefined) return;
  if (applications.length === 0) {
    if (stream.route === undefined) return;
    tell([...path, 'route'], `service "${service.name}" serves a model, and only applications have routes`);
    return;
  }
  if (stream.lengths !== undefined) {
    tell([...path, 'lengths'], `service "${service.name}" is an application, which has no tokens; expected a "route"`);
  }
  for (const { routes } of applications) {
    const paths = routes.map((route) => route.path);
    if (stream.route === undefined || paths.includes(stream.route)) continue;
    tell([...path, 'route'], `unknown route "${stream.route}"${suggestion(stream.route, [...new Set(paths)])}`);
    return;
  }
}
