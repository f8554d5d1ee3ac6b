import type { Call, Connection, Reply } from '../gateway/index.ts';
import type { Session } from '../lab/index.ts';
import {
  type ApplicationAnswer,
  type ApplicationSpec,
  answerOf,
  routedPath,
  type Service,
  type ServiceSpec,
  type UnitReplica,
} from '../platform/index.ts';
import {
  GATEWAY_ERRORS,
  PROMETHEUS_CONTENT_TYPE,
  SSE_CONTENT_TYPE_GATEWAY,
  SSE_CONTENT_TYPE_VLLM,
} from '../protocol/index.ts';
import { ApplicationBody, metricsText } from './application-body.ts';
import { ApplicationExchange } from './application-exchange.ts';
import { crossOrigin, isPreflight } from './cors.ts';
import { type Exchange, ReadyExchange } from './exchange.ts';
import type { Asked, Credentials } from './language-model.ts';
import type { Refusals } from './refusals.ts';
import type { WireRequest } from './wire.ts';

/** Statuses whose answers have no body (RFC 9110, 15). */
const NO_BODY = new Set([204, 205, 304]);

/** What a path of connections is answered with otherwise. */
const UPGRADE_REQUIRED = 426;

/** Where an answer goes back. */
type Side = 'gateway' | 'pod';

/** Of whom something is asked, and who shows what of himself. */
type From = Pick<Call, 'to'> & Credentials;

/** What an application is asked over a connection: a message has come, or it may send some of its own. */
type SocketAsk = 'message' | 'push';

/**
 * The surface of an image's own application, as a pod shows it and as the gateway passes it on: body, path and query come
 * to it as they are (guide 1191, 2908), and what it answers goes back so.
 */
export class Application {
  readonly #session: Session;
  readonly #refusals: Refusals;

  constructor(session: Session, refusals: Refusals) {
    this.#session = session;
    this.#refusals = refusals;
  }

  atGateway(asked: Asked, service: Service, credentials: Credentials): Exchange {
    const applications = applicationsOf(service);
    const path = routedPath(applications, asked.path);
    if (path === null && applications.some((each) => tellsOfItself(each, asked))) {
      return this.#ofItself(asked, service, credentials);
    }
    return this.#call(asked, path, { to: { service: service.name }, ...credentials }, 'gateway');
  }

  /** @param replica one that listens */
  atPod(asked: Asked, replica: UnitReplica): Exchange {
    const application = applicationOf(replica);
    const path = routedPath([application], asked.path);
    if (path === null && tellsOfItself(application, asked)) return this.#told(asked, replica);
    return this.#call(asked, path, { to: { slot: replica.slot }, key: null }, 'pod');
  }

  /** What its server says of a body that it does not read to its end. */
  bodyTooLarge(): Exchange {
    const headers = { 'x-request-id': this.#refusals.asideId() };
    return ReadyExchange.json(this.#session.now, 413, { detail: 'Request Entity Too Large' }, headers);
  }

  /**
   * Who answers what comes over a connection that asks for such a path; undefined when nobody does. Each body that an
   * exchange delivers is a message: of text a string.
   */
  answererOf(
    asked: Asked,
    to: Call['to'],
    connection: Connection,
  ): ((message: Uint8Array, isBinary: boolean) => Exchange) | undefined {
    const { ask, answer } = this.#socket(asked, connection, 'message');
    if (answer.route === undefined) return undefined;
    return (body, isBinary) => {
      const wire = { ...asked.wire, body };
      return this.#overConnection({ ...asked, wire }, to, connection, ask, isBinary);
    };
  }

  /** What the server sends of its own on a connection that has opened; undefined where that is nothing. */
  pushed(asked: Asked, to: Call['to'], connection: Connection): Exchange | undefined {
    const { ask, answer } = this.#socket(asked, connection, 'push');
    const reply = answer.route?.reply;
    if (reply?.kind !== 'websocket' || reply.push === undefined) return undefined;
    return this.#overConnection(asked, to, connection, ask, false);
  }

  #socket(
    { path }: Asked,
    { replica }: Connection,
    socket: SocketAsk,
  ): { readonly ask: NonNullable<Call['application']>; readonly answer: ApplicationAnswer } {
    const application = applicationOf(replica);
    const ask = { method: 'GET', path: routedPath([application], path), socket };
    return { ask, answer: answerOf(application, ask) };
  }

  #overConnection(
    asked: Asked,
    to: Call['to'],
    { number }: Connection,
    application: NonNullable<Call['application']>,
    isBinary: boolean,
  ): Exchange {
    const reply = this.#enter(asked, application, { to, key: null, connection: number });
    const own = application.socket === 'push';
    const body = this.#bodyOf(asked, reply);
    // A text's answer is a text; what came in bytes goes back so.
    const sent = (bytes: Uint8Array): string | Uint8Array => (isBinary ? bytes : new TextDecoder().decode(bytes));
    return new ApplicationExchange(reply, {
      piece: (n) => sent(body().message(n, own)),
      bodiless: false,
      // Its client leaves by hanging up, and what was asked on the connection ends with it.
      onAbort: () => {},
    });
  }

  #call(asked: Asked, path: string | null, from: From, side: Side): Exchange {
    const { method, headers } = asked.wire;
    const reply = this.#enter(asked, { method, path, ...(isPreflight(asked.wire) && { preflight: true }) }, from);
    if (reply.refusal !== undefined) return this.#refused(reply, headers);
    const answer = reply.answer!;
    const id = this.#refusals.requestId(reply.number);
    const body = this.#bodyOf(asked, reply);
    const bodiless = method === 'HEAD' || NO_BODY.has(answer.status);
    return new ApplicationExchange(reply, {
      head: (length) => ({ status: answer.status, headers: headersOf(answer, body(), length, id, side) }),
      piece: (n) => body().piece(n),
      bodiless,
      ...(side === 'gateway' ? { lost: () => this.#refused(reply, headers) } : {}),
      onAbort: () => this.#session.command({ kind: 'disconnect', request: reply.number }),
    });
  }

  #enter({ wire }: Asked, application: NonNullable<Call['application']>, from: From): Reply {
    return this.#session.call(() => ({ ...from, promptTokens: 0, bodyBytes: wire.body.length, application }));
  }

  /** Once it is known who answers. */
  #bodyOf({ wire, path, query }: Asked, reply: Reply): () => ApplicationBody {
    const { seed } = this.#session.world.description;
    const shown = { method: wire.method, path, query, headers: wire.headers, body: wire.body };
    return () => new ApplicationBody(reply.answer!, shown, { seed, request: reply.number, pod: reply.pod ?? '' });
  }

  /** What the gateway says itself a page of any origin may read. */
  #refused(reply: Reply, headers: WireRequest['headers']): Exchange {
    const { refusal } = reply;
    const id = this.#refusals.requestId(reply.number);
    const named = { 'x-request-id': id };
    const { now } = this.#session;
    if (refusal?.by === 'gateway') return crossOrigin(headers, this.#refusals.refused(refusal, id));
    if (refusal?.by === 'network') return new ReadyExchange(now, 503, named, '');
    // As of any container whose queue is full.
    if (refusal !== undefined) return ReadyExchange.json(now, refusal.status, { detail: 'Service Unavailable' }, named);
    const { status } = GATEWAY_ERRORS.backendUnavailable;
    return crossOrigin(headers, this.#refusals.refused({ by: 'gateway', error: 'backendUnavailable', status }, id));
  }

  /** What is no work for it passes through the gateway like any other call, and as it is. */
  #ofItself(asked: Asked, service: Service, by: Credentials): Exchange {
    const { headers, body } = asked.wire;
    const refusal = this.#session.ask({ service: service.name, ...by, bodyBytes: body.length });
    if (refusal?.by === 'gateway') {
      return crossOrigin(headers, this.#refusals.refused(refusal, this.#refusals.asideId()));
    }
    const backends = service.deployments.flatMap((deployment) => deployment.backends).filter(({ loaded }) => loaded);
    const [replica] = backends;
    return replica === undefined
      ? crossOrigin(headers, this.#refusals.refuse('noBackend'))
      : this.#told(asked, replica);
  }

  /** Its health, or its metrics. */
  #told({ path, wire }: Asked, replica: UnitReplica): Exchange {
    const { now } = this.#session;
    const named = { 'x-request-id': this.#refusals.asideId() };
    const { metrics, healthPaths } = applicationOf(replica);
    if (metrics?.path !== path) {
      if (!healthPaths.includes(path)) return ReadyExchange.json(now, 404, { detail: 'Not Found' }, named);
      return new ReadyExchange(now, 200, { ...named, 'content-length': '0' }, '');
    }
    const { running, waiting } = replica.engine!.figures();
    const text = metricsText(metrics.text, { pod: replica.name, running, waiting });
    const headers = { 'content-type': PROMETHEUS_CONTENT_TYPE, 'content-length': String(Buffer.byteLength(text)) };
    return new ReadyExchange(now, 200, { ...headers, ...named }, wire.method === 'HEAD' ? '' : text);
  }
}

/** Of every version that may answer: what a request asks for is told by all of their routes. */
export function applicationsOf(service: Service): ApplicationSpec[] {
  return service.deployments.flatMap(({ versions }) =>
    versions.flatMap(({ spec }) => spec.units.flatMap(({ application }) => application ?? [])),
  );
}

function applicationOf({ unit }: UnitReplica): ApplicationSpec {
  return unit.application!;
}

/** Whether a request is for what an application tells of itself, where no route is for it. */
function tellsOfItself({ healthPaths, metrics }: ApplicationSpec, { wire, path }: Asked): boolean {
  if (wire.method !== 'GET' && wire.method !== 'HEAD') return false;
  return healthPaths.includes(path) || metrics?.path === path;
}

/** What a service may be asked first, where it is an application. */
export function firstRoute({ deployments }: ServiceSpec): { readonly method: string; readonly path: string } | null {
  const route = deployments[0]?.units[0]?.application?.routes[0];
  return route === undefined ? null : { method: route.methods[0]!, path: route.path.replace(/\*$/, '') };
}

/** @param length of the whole body, where it is known */
function headersOf(
  answer: ApplicationAnswer,
  body: ApplicationBody,
  length: number | undefined,
  id: string,
  side: Side,
): Readonly<Record<string, string>> {
  const { route, status, methods } = answer;
  const eventStream = side === 'gateway' ? SSE_CONTENT_TYPE_GATEWAY : SSE_CONTENT_TYPE_VLLM;
  const hasBody = !NO_BODY.has(status);
  return {
    ...(hasBody ? { 'content-type': body.contentType(eventStream) } : {}),
    ...(route?.reply.kind === 'sse' ? { 'cache-control': 'no-cache' } : {}),
    ...(hasBody && length !== undefined ? { 'content-length': String(length) } : {}),
    ...(route === undefined && methods.length > 0 ? { allow: methods.join(', ') } : {}),
    ...(status === UPGRADE_REQUIRED && route === undefined ? { upgrade: 'websocket' } : {}),
    ...route?.headers,
    'x-request-id': id,
  };
}
