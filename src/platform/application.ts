import type { ApplicationServerSpec, ApplicationTask } from '../engine/index.ts';
import { assert, type Micros, micros } from '../kernel/index.ts';
import type { AnyUnitSpec, ApplicationUnitSpec, UnitSpec } from './spec.ts';

/**
 * An image with an application of its own in it: what it answers on which path, and how long that takes. What it is
 * asked the platform passes on as it is (guide 1191).
 */
export interface ApplicationSpec extends ApplicationServerSpec {
  /** From its container's start until it listens. Default: as long as an engine's boot. */
  readonly startup?: Micros;
  /** Paths whose GET is answered with 200 and nothing else, once it listens. */
  readonly healthPaths: readonly string[];
  /** What it tells of itself, where metrics are collected (guide 461, 4783). */
  readonly metrics?: { readonly path: string; readonly text: string };
  readonly routes: readonly RouteSpec[];
}

/** What an application answers on one path. */
export interface RouteSpec {
  /** Exact, or all below it where it ends in `/*`. */
  readonly path: string;
  readonly methods: readonly string[];
  readonly status: number;
  /** In lower case; they come before what goes with the reply's kind. */
  readonly headers: Readonly<Record<string, string>>;
  readonly task: ApplicationTask;
  readonly reply: ApplicationReply;
}

/** What a reply consists of. Texts are templates, see `application-template.ts`. */
export type ApplicationReply =
  /** The body as it came. */
  | { readonly kind: 'echo' }
  | { readonly kind: 'text'; readonly body: string }
  /** A template, too: of texts within it. */
  | { readonly kind: 'json'; readonly value: unknown }
  /** So many bytes of chance. */
  | { readonly kind: 'binary'; readonly bytes: number }
  /** Pieces of one body. */
  | { readonly kind: 'chunks'; readonly count: number; readonly body: string }
  /** Events of a stream; `done` comes right after the last. */
  | {
      readonly kind: 'sse';
      readonly count: number;
      readonly data: string;
      readonly event?: string;
      readonly done?: string;
    }
  /** A connection: each message has a reply, and once it is open the server sends some of its own. */
  | {
      readonly kind: 'websocket';
      /** Default: the message as it came. */
      readonly message?: string;
      readonly push?: { readonly count: number; readonly data: string; readonly every: Micros };
    };

/** Whether a unit's pods run an application rather than an engine. */
export function isApplication(unit: AnyUnitSpec): unit is ApplicationUnitSpec {
  return unit.application !== undefined;
}

/** Whether a unit's pods run an engine. */
export function servesModel(unit: AnyUnitSpec): unit is UnitSpec {
  return unit.application === undefined;
}

/** A unit that serves a model; to be asked only where nothing else can be. */
export function modelUnitOf(unit: AnyUnitSpec): UnitSpec {
  assert(servesModel(unit), () => `unit ${unit.name} serves no model`);
  return unit;
}

/** What an application is asked: by what, and under which of the paths that routes have. */
export interface ApplicationAsk {
  readonly method: string;
  /** Over a connection: a message that has come, or what the server sends of its own once it is open. */
  readonly socket?: 'message' | 'push';
  /** A browser asks whether a page may ask: with OPTIONS, and showing nobody's credentials (Fetch, "CORS-preflight fetch"). */
  readonly preflight?: true | undefined;
  /** The path of a route: the most specific that any version of the service has for what was asked; null: none has. */
  readonly path: string | null;
}

/** How an application takes what it is asked. */
export interface ApplicationAnswer {
  /** Undefined where none is for it: the status says why. */
  readonly route: RouteSpec | undefined;
  readonly status: number;
  /** Methods that the path takes. */
  readonly methods: readonly string[];
  readonly pieces: number;
  readonly task: ApplicationTask;
}

/** What a path of connections answers to a request that opens none (RFC 9110, 15.5.22). */
const UPGRADE_REQUIRED = 426;

/** What is answered from no route takes no time worth the name. */
const AT_ONCE: ApplicationTask = { latency: { kind: 'fixed', micros: micros(0) }, every: micros(0) };

/**
 * The answer of an application. HEAD is GET without its body, and OPTIONS names the methods of a path, where no route
 * says otherwise (RFC 9110, 9.3.2 and 9.3.7).
 */
export function answerOf({ routes }: ApplicationSpec, { method, path, socket }: ApplicationAsk): ApplicationAnswer {
  const here = path === null ? [] : routesAt(routes, path);
  const methods = methodsOf(here);
  const route =
    here.find((each) => each.methods.includes(method)) ??
    (method === 'HEAD' ? here.find((each) => each.methods.includes('GET')) : undefined);
  const none = (status: number): ApplicationAnswer => ({ route: undefined, status, methods, pieces: 1, task: AT_ONCE });
  if (route === undefined) return none(here.length === 0 ? 404 : method === 'OPTIONS' ? 204 : 405);
  const { reply, status, task } = route;
  if (reply.kind !== 'websocket') {
    return socket === undefined ? { route, status, methods, pieces: piecesOf(reply), task } : none(404);
  }
  if (socket === undefined) return none(UPGRADE_REQUIRED);
  const { push } = reply;
  if (socket === 'message' || push === undefined) return { route, status, methods, pieces: 1, task };
  return { route, status, methods, pieces: push.count, task: { ...task, every: push.every } };
}

/**
 * The path, of those that some routes have, that is most specific for what was asked; null where none is for it.
 * Whichever of the applications is asked in the end, what it has for that path is what it has for the request's own: a
 * request is known by a route's path, not by what its client wrote.
 */
export function routedPath(applications: Iterable<ApplicationSpec>, path: string): string | null {
  let best: string | null = null;
  for (const { routes } of applications) {
    for (const { path: pattern } of routes) {
      if (covers(pattern, path) && (best === null || isMoreSpecific(pattern, best))) best = pattern;
    }
  }
  return best;
}

/** What a GET of a path is answered with, which is all that a probe asks. */
export function statusOfGet(application: ApplicationSpec, path: string): number {
  const { healthPaths, metrics } = application;
  const { route, status } = answerOf(application, { method: 'GET', path: routedPath([application], path) });
  if (route !== undefined) return status;
  return healthPaths.includes(path) || metrics?.path === path ? 200 : status;
}

/** The routes of the most specific path there is for what was asked. */
function routesAt(routes: readonly RouteSpec[], path: string): RouteSpec[] {
  let best: string | undefined;
  for (const { path: pattern } of routes) {
    if (covers(pattern, path) && (best === undefined || isMoreSpecific(pattern, best))) best = pattern;
  }
  return routes.filter((route) => route.path === best);
}

function covers(pattern: string, path: string): boolean {
  if (pattern === path) return true;
  // `/files/*` is for `/files/a` and for `/files/`; it is no path of its own to another pattern but as text.
  return pattern.endsWith('/*') && path.startsWith(pattern.slice(0, -1));
}

function isMoreSpecific(one: string, other: string): boolean {
  const exact = (pattern: string): boolean => !pattern.endsWith('/*');
  return exact(one) !== exact(other) ? exact(one) : one.length > other.length;
}

function methodsOf(routes: readonly RouteSpec[]): string[] {
  const methods = new Set(routes.flatMap((route) => route.methods));
  if (methods.has('GET')) methods.add('HEAD');
  if (methods.size > 0) methods.add('OPTIONS');
  return [...methods];
}

function piecesOf(reply: ApplicationReply): number {
  return reply.kind === 'chunks' || reply.kind === 'sse' ? reply.count : 1;
}
