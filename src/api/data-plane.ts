import type { Call, Refusal, Reply } from '../gateway/index.ts';
import type { Micros } from '../kernel/index.ts';
import type { Session } from '../lab/index.ts';
import { keyDigest, type Service, type UnitReplica, type UnitSpec } from '../platform/index.ts';
import {
  type ErrorDialect,
  errorAnswer,
  type GatewayErrorKey,
  gatewayError,
  inputTooLong,
  modelNotFound,
  type ReplyHead,
  SSE_CONTENT_TYPE_GATEWAY,
  SSE_CONTENT_TYPE_VLLM,
  WireError,
  wrongDimensions,
} from '../protocol/index.ts';
import { callOf } from './call-of.ts';
import { type Exchange, lengthOf, ReadyExchange } from './exchange.ts';
import { answerContext, type Generation, type GenerationOperation } from './generation.ts';
import { OPERATIONS, type ReadBody, type ReadRequest, readBody } from './operations.ts';
import type { Pooling, PoolingOperation } from './pooling.ts';
import type { Question } from './questions.ts';
import { type Presentation, ReplyExchange } from './reply-exchange.ts';
import { models, SERVER_ANSWERS } from './server-answers.ts';

/** The largest body that the gateway takes: the upper end of the guide's request size limit (guide 258). */
export const BODY_LIMIT_BYTES = 50 * 2 ** 20;

/** A request as bytes came: the path keeps its query, header names are in lower case. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** Where it comes from, as far as its transport knows. */
  readonly clientIp?: string | undefined;
  /** What the body says, when it has been read already; see `BodyReader`. */
  readonly read?: ReadBody;
}

/** Who calls what. */
export interface Caller {
  readonly to: Call['to'];
  readonly service: Service;
  readonly credentials: Credentials;
  /** Whose model answers. */
  readonly unit: UnitSpec;
}

/** What a caller shows of himself: digests of what he knows, and where he is. */
export type Credentials = Pick<Call, 'key' | 'token' | 'clientIp'>;

/** Where a request comes in: at the gateway, or at the endpoint of the pod that holds a slot. */
export type Door = 'gateway' | { readonly slot: string };

const SERVICE_PATH = /^\/v2\/infers?\/([^/?]+)(\/[^?]*)?/;

/** The path of the operation that a request asks for, whichever door it comes in by. */
export function operationPath(path: string): string {
  const named = SERVICE_PATH.exec(path);
  return named === null ? path.split('?', 1)[0]! : (named[2] ?? '');
}

/**
 * Everything that a caller of the platform can ask, free of any transport: a request in, an {@link Exchange} out.
 * It translates and validates; who may call and where a call goes the gateway decides, when it takes the command.
 */
export class DataPlane {
  readonly #session: Session;
  /** Refusals of what is no request to the simulation: they have numbers of their own. */
  #refusals = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  handle(wire: WireRequest, door: Door): Exchange {
    const [path = '', query = ''] = wire.path.split('?', 2);
    return door === 'gateway' ? this.#atGateway(wire, path, query) : this.#atPod(wire, path, query, door.slot);
  }

  /** Whether anybody listens at a door. */
  listens(door: Door): boolean {
    return door === 'gateway' || this.#session.world.platform.replicaAt(door.slot)?.engine?.alive === true;
  }

  /** The gateway's answer when it takes no request at all: too large a body, say. */
  refuse(error: GatewayErrorKey, detail?: string): Exchange {
    const id = keyDigest(this.#session.world.description.seed, `refusal/${this.#refusals++}`).slice(0, 32);
    const { status, body } = gatewayError(error, id, detail);
    return ReadyExchange.json(this.#session.now, status, body, { 'x-request-id': id });
  }

  #atGateway(wire: WireRequest, path: string, query: string): Exchange {
    const { services } = this.#session.world.platform;
    const named = SERVICE_PATH.exec(path);
    const service =
      named === null
        ? services.length === 1
          ? services[0]
          : undefined
        : services.find(({ spec }) => spec.id === named[1]);
    if (service === undefined) {
      return this.refuse(
        'apiNotFound',
        named === null && services.length > 1 ? 'name the service in the path' : undefined,
      );
    }
    const rest = named === null ? path : (named[2] ?? '');
    const credentials = this.#credentialsOf(wire);
    if (wire.method === 'GET' && SERVER_ANSWERS.has(rest)) {
      return this.#passOn(service, credentials, (backends) =>
        rest === '/v1/models'
          ? models(this.#session.now, this.#session.world, backends)
          : this.#serverAnswer(rest, query, backends[0]!),
      );
    }
    const operation = wire.method === 'POST' ? OPERATIONS.get(rest) : undefined;
    if (operation === undefined) return this.refuse('apiNotFound');
    if (operation.kind === 'question') {
      return this.#passOn(service, credentials, ([replica]) => this.#answerQuestion(wire, operation, replica!));
    }
    const unit = service.spec.deployments[0]!.units[0]!;
    return this.#call(wire, operation, { to: { service: service.spec.name }, service, credentials, unit });
  }

  #atPod(wire: WireRequest, path: string, query: string, slot: string): Exchange {
    const replica = this.#session.world.platform.replicaAt(slot);
    const at = this.#session.now;
    if (replica?.engine === undefined || !replica.loaded) return new ReadyExchange(at, 503, {}, '');
    if (wire.method === 'GET' && SERVER_ANSWERS.has(path)) return this.#serverAnswer(path, query, replica);
    const operation = wire.method === 'POST' ? OPERATIONS.get(path) : undefined;
    if (operation === undefined) {
      const known = OPERATIONS.has(path) || SERVER_ANSWERS.has(path);
      return ReadyExchange.json(at, known ? 405 : 404, { detail: known ? 'Method Not Allowed' : 'Not Found' });
    }
    if (operation.kind === 'question') return this.#answerQuestion(wire, operation, replica);
    const { unit, deployment } = replica;
    return this.#call(wire, operation, { to: { slot }, service: deployment.service, credentials: { key: null }, unit });
  }

  /** What is no call of the simulation's, and passes through the gateway as it is: whoever may call may ask. */
  #passOn(service: Service, by: Credentials, answer: (backends: readonly UnitReplica[]) => Exchange): Exchange {
    const refusal = this.#session.world.gateway.unproved(service, by);
    if (refusal?.by === 'gateway') return this.refuse(refusal.error, refusal.detail);
    const backends = service.deployments.flatMap((deployment) => deployment.backends).filter(({ loaded }) => loaded);
    return backends.length === 0 ? this.refuse('noBackend') : answer(backends);
  }

  #serverAnswer(path: string, query: string, replica: UnitReplica): Exchange {
    const { world, now: at } = this.#session;
    return SERVER_ANSWERS.get(path)!({ at, world, replica, query });
  }

  #answerQuestion(wire: WireRequest, question: Question, { unit, engine }: UnitReplica): Exchange {
    const read = wire.read ?? readBody(question, wire.body);
    const id = keyDigest(this.#session.world.description.seed, `question/${this.#refusals++}`).slice(0, 32);
    const error = read instanceof WireError ? read : unknownModel(read, unit.servedModelName);
    const { now } = this.#session;
    if (error !== undefined) return errorExchange(now, question.errors, error, id);
    const body = question.answer((read as ReadRequest).request, engine!.spec.maxModelLen);
    return ReadyExchange.json(now, 200, body, { 'x-request-id': id });
  }

  #call(wire: WireRequest, operation: GenerationOperation | PoolingOperation, caller: Caller): Exchange {
    const { seed } = this.#session.world.description;
    const bodyBytes = Buffer.byteLength(wire.body);
    const dimensions = caller.unit.model.hidden;
    const read = withinModel(wire.read ?? readBody(operation, wire.body), dimensions);
    const reply = this.#session.call((number) => callOf(read, caller, { seed, number, bodyBytes }));
    if (reply.refusal !== undefined) return this.#refused(reply, reply.refusal, read, operation.errors);
    if (read instanceof WireError) throw new Error('An invalid call was answered');
    const how = this.#presentation(reply, 'service' in caller.to);
    const id = this.#requestId(reply.number);
    const created = Math.floor((this.#session.world.description.epoch + reply.arrivedAt / 1_000) / 1_000);
    const headOf = (idPrefix: string): ReplyHead => ({ id: idPrefix + id, created, model: reply.model! });
    if (operation.kind === 'pooling') {
      const { request } = read as Pooling;
      const context = { head: headOf(operation.idPrefix), promptTokens: reply.promptTokens, seed, dimensions };
      return new ReplyExchange(reply, { ...how, body: () => operation.answer(request, context) });
    }
    const { dialect } = operation;
    const generation = read as Generation;
    const context = () => answerContext(generation, reply, seed, headOf(dialect.idPrefix));
    const body = () => dialect.body(context());
    const stream = generation.request.stream ? { writer: () => dialect.writer(context()) } : {};
    return new ReplyExchange(reply, { ...how, body, ...stream });
  }

  #presentation(reply: Reply, atGateway: boolean): Omit<Presentation, 'body'> {
    const session = this.#session;
    const id = this.#requestId(reply.number);
    return {
      streamHeaders: {
        'content-type': atGateway ? SSE_CONTENT_TYPE_GATEWAY : SSE_CONTENT_TYPE_VLLM,
        'cache-control': 'no-cache',
        'x-accel-buffering': 'no',
        'x-request-id': id,
      },
      wholeHeaders: { 'content-type': 'application/json', 'x-request-id': id },
      ...(atGateway ? { lost: () => gatewayError(lateError(reply), id) } : {}),
      onAbort: () => session.command({ kind: 'disconnect', request: reply.number }),
    };
  }

  #refused(reply: Reply, refusal: Refusal, read: ReadBody, errors: ErrorDialect): Exchange {
    const at = reply.arrivedAt;
    const id = this.#requestId(reply.number);
    if (refusal.by === 'gateway') {
      const { status, body } = gatewayError(refusal.error, id, refusal.detail);
      const after = refusal.retryAfterSeconds;
      const headers = after === undefined ? {} : { 'retry-after': String(after) };
      return ReadyExchange.json(at, refusal.status ?? status, body, { 'x-request-id': id, ...headers });
    }
    if (refusal.by === 'network') return new ReadyExchange(at, 503, {}, '');
    return errorExchange(at, errors, engineError(refusal, read), id);
  }

  #credentialsOf({ headers, clientIp }: WireRequest): Credentials {
    const digest = (secret: string): string => keyDigest(this.#session.world.description.seed, secret);
    const bearer = /^bearer\s+(.+)$/i.exec(headers.authorization ?? '');
    const token = headers['x-auth-token'];
    // Who stands behind a proxy is known by what the proxy says.
    const [first] = headers['x-forwarded-for']?.split(',', 1) ?? [];
    const from = first?.trim() ?? clientIp;
    return {
      key: bearer === null ? null : digest(bearer[1]!.trim()),
      ...(token === undefined ? {} : { token: digest(token) }),
      ...(from === undefined ? {} : { clientIp: from }),
    };
  }

  /** 32 hexadecimal digits, as the gateway numbers requests; the same in every run of a session. */
  #requestId(request: number): string {
    return keyDigest(this.#session.world.description.seed, `request/${request}`).slice(0, 32);
  }
}

/** The engine's own words for why it refuses. */
function engineError(refusal: Refusal & { by: 'engine' }, read: ReadBody): WireError {
  if (read instanceof WireError) return read;
  return refusal.error === 'unknown-model'
    ? modelNotFound(read.request.model ?? '')
    : inputTooLong(longestPrompt(read), refusal.maxModelLen);
}

function longestPrompt(read: ReadRequest): number {
  return 'prompts' in read ? read.prompts.reduce((most, { tokens }) => Math.max(most, tokens), 0) : 0;
}

/** Vectors have the lengths that the model gives them. */
function withinModel(read: ReadBody, dimensions: number): ReadBody {
  if (read instanceof WireError) return read;
  return wrongDimensions(read.request as { dimensions?: number | undefined }, dimensions) ?? read;
}

function unknownModel({ request: { model } }: ReadRequest, served: string): WireError | undefined {
  return model === undefined || model === served ? undefined : modelNotFound(model);
}

function errorExchange(at: Micros, dialect: ErrorDialect, { fields }: WireError, id: string): Exchange {
  const { status, contentType, body } = errorAnswer(dialect, fields, id);
  return new ReadyExchange(at, status, { 'content-type': contentType, ...lengthOf(body), 'x-request-id': id }, body);
}

/** Why a call that was passed on came to nothing: too late, or nobody left to ask; else its backend is gone. */
function lateError({ refusal }: Reply): GatewayErrorKey {
  return refusal?.by === 'gateway' ? refusal.error : 'backendUnavailable';
}
