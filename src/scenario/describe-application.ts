import type { Latency } from '../engine/index.ts';
import { type Micros, micros } from '../kernel/index.ts';
import type { ApplicationReply, ApplicationSpec, RouteSpec } from '../platform/index.ts';
import { presetRoutes } from './application-presets.ts';
import { given } from './given.ts';
import type { ApplicationEntry } from './schema-application.ts';

type Settings = Exclude<ApplicationEntry, string>;
type RouteEntry = Settings['routes'][number];

/** How many standard deviations of its logarithm the 99th percentile of a log-normal distribution is above the median. */
const P99_SIGMAS = 2.3263478740408408;

/** The health path of engines' servers, and of applications that name none. */
const STANDARD_HEALTH = '/health';

/** An application as the platform takes it: its own routes before those of its type. */
export function applicationOf(entry: ApplicationEntry): ApplicationSpec {
  if (typeof entry === 'string') return { healthPaths: [STANDARD_HEALTH], routes: presetRoutes(entry) };
  const { type, routes, metrics, ...rest } = entry;
  const own = routes.map(routeOf);
  return given({
    ...rest,
    metrics: metrics && { path: metrics.path, text: metrics.text },
    routes: [...own, ...(type === undefined ? [] : presetRoutes(type))],
  });
}

/** Where an image is asked for its health, of a check that names no path: the first that its application answers. */
export function healthPathOf(entry: ApplicationEntry | undefined): string {
  const [first = STANDARD_HEALTH] = typeof entry === 'object' ? entry.healthPaths : [];
  return first;
}

/** The methods of a route, by default those that its reply is for. */
export function methodsOf({ methods, reply }: Pick<RouteEntry, 'methods' | 'reply'>): readonly string[] {
  return methods ?? (kindOf(reply) === 'websocket' ? ['GET'] : ['POST']);
}

function kindOf(reply: RouteEntry['reply']): ApplicationReply['kind'] {
  return typeof reply === 'string' ? reply : reply.kind;
}

function routeOf(entry: RouteEntry): RouteSpec {
  const { path, status, headers, latency, reply } = entry;
  const every = typeof reply === 'object' && 'every' in reply ? reply.every : micros(0);
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    path,
    methods: methodsOf(entry),
    status,
    headers: Object.fromEntries(named),
    task: { latency: latencyOf(latency), every },
    reply: replyOf(reply),
  };
}

function latencyOf(entry: RouteEntry['latency']): Latency {
  if (typeof entry === 'number') return { kind: 'fixed', micros: entry };
  const { p50, p99, max } = entry;
  const sigma = Math.log(p99 / p50) / P99_SIGMAS;
  return { kind: 'lognormal', median: p50, sigma, ...(max === undefined ? {} : { max }) };
}

function replyOf(entry: RouteEntry['reply']): ApplicationReply {
  if (typeof entry === 'string') return { kind: entry };
  if (!('every' in entry)) return given(entry as object) as ApplicationReply;
  const { every: _, ...reply } = entry as typeof entry & { readonly every: Micros };
  return given(reply);
}
