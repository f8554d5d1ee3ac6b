import type { Call, Connection, Refusal, Reply } from '../gateway/index.ts';
import type { Micros } from '../kernel/index.ts';
import type { Session } from '../lab/index.ts';
import { modelUnitOf, type Service, type UnitReplica, type UnitSpec } from '../platform/index.ts';
import {
  bodyTooLarge,
  type ErrorDialect,
  errorAnswer,
  errorsOf,
  type GatewayErrorKey,
  gatewayError,
  inputTooLong,
  modelNotFound,
  type ReplyHead,
  SSE_CONTENT_TYPE_GATEWAY,
  SSE_CONTENT_TYPE_VLLM,
  unsupportedMediaType,
  WireError,
  wrongDimensions,
} from '../protocol/index.ts';
import { callOf } from './call-of.ts';
import { crossOrigin, isPreflight, preflightAnswer } from './cors.ts';
import { type Exchange, lengthOf, ReadyExchange } from './exchange.ts';
import { answerContext, type Generation, type GenerationOperation } from './generation.ts';
import { OPERATIONS, type Operation, type ReadBody, type ReadRequest, readBody } from './operations.ts';
import type { Pooling, PoolingOperation } from './pooling.ts';
import type { Question } from './questions.ts';
import type { Refusals } from './refusals.ts';
import { type Presentation, ReplyExchange } from './reply-exchange.ts';
import { models, SERVER_ANSWERS } from './server-answers.ts';
import { textOf, type WireRequest } from './wire.ts';

/** What a caller shows of himself: digests of what he knows, and where he is; or the connection that has proved it. */
export type Credentials = Pick<Call, 'key' | 'token' | 'clientIp' | 'privateConnection' | 'connection'>;

/** Who calls what. */
export interface Caller {
  readonly to: Call['to'];
  readonly service: Service;
  readonly credentials: Credentials;
  /** Whose model answers. */
  readonly unit: UnitSpec;
}

/** A request of which the door has read who asks, of whom, and for what. */
export interface Asked {
  readonly wire: WireRequest;
  /** What follows the service, or the pod's address; without the query. */
  readonly path: string;
  readonly query: string;
}

/**
 * The surface of an engine's server, vLLM's, as a pod shows it and as the gateway passes it on: bodies to calls, replies
 * to bodies.
 */
export class LanguageModel {
  readonly #session: Session;
  readonly #refusals: Refusals;

  constructor(session: Session, refusals: Refusals) {
    this.#session = session;
    this.#refusals = refusals;
  }

  /**
   * Who asks whether a page may ask shows no key (a browser sends none): the gateway answers that itself, without asking
   * who it is or passing it on. Pages may read its refusals as well.
   */
  atGateway(asked: Asked, service: Service, credentials: Credentials): Exchange {
    const { wire } = asked;
    if (isPreflight(wire)) return preflightAnswer(this.#session.now, wire, this.#refusals.asideId());
    return crossOrigin(wire.headers, this.#throughGateway(asked, service, credentials));
  }

  /** @param replica one that has loaded its model */
  atPod(asked: Asked, replica: UnitReplica): Exchange {
    const { wire } = asked;
    if (isPreflight(wire)) return preflightAnswer(this.#session.now, wire, this.#refusals.asideId());
    return crossOrigin(wire.headers, this.#fromPod(asked, replica));
  }

  #throughGateway({ wire, path, query }: Asked, service: Service, credentials: Credentials): Exchange {
    if (wire.method === 'GET' && SERVER_ANSWERS.has(path)) {
      return this.#passOn(wire, service, credentials, (backends) =>
        path === '/v1/models'
          ? models(this.#session.now, this.#session.world, backends).with(this.#aside())
          : this.#serverAnswer(path, query, backends[0]!),
      );
    }
    const operation = wire.method === 'POST' ? OPERATIONS.get(path) : undefined;
    if (operation === undefined) return this.#passOn(wire, service, credentials, () => this.#unknown(path));
    if (operation.kind === 'question') {
      return this.#passOn(wire, service, credentials, ([replica]) => this.#answerQuestion(wire, operation, replica!));
    }
    const unit = modelUnitOf(service.spec.deployments[0]!.units[0]!);
    return this.#call(wire, operation, { to: { service: service.spec.name }, service, credentials, unit });
  }

  #fromPod({ wire, path, query }: Asked, replica: UnitReplica): Exchange {
    if (wire.method === 'GET' && SERVER_ANSWERS.has(path)) return this.#serverAnswer(path, query, replica);
    const operation = wire.method === 'POST' ? OPERATIONS.get(path) : undefined;
    if (operation === undefined) return this.#unknown(path);
    if (operation.kind === 'question') return this.#answerQuestion(wire, operation, replica);
    const { modelUnit: unit, deployment, slot } = replica;
    return this.#call(wire, operation, { to: { slot }, service: deployment.service, credentials: { key: null }, unit });
  }

  /** What a pod's server says of a body that it does not read to its end. */
  bodyTooLarge(headers: WireRequest['headers'], detail: string): Exchange {
    const { now } = this.#session;
    return crossOrigin(headers, errorExchange(now, 'openai', bodyTooLarge(detail), this.#refusals.asideId()));
  }

  /** Whether messages may come over a connection that asks for such a path. */
  takes(path: string): boolean {
    return OPERATIONS.has(path);
  }

  /** @param asked a path that {@link takes} messages, and as its body the message */
  overConnection({ wire, path }: Asked, to: Call['to'], { replica, number: connection }: Connection): Exchange {
    const operation = OPERATIONS.get(path)!;
    if (operation.kind === 'question') return this.#answerQuestion(wire, operation, replica);
    const { modelUnit: unit, deployment } = replica;
    return this.#call(wire, operation, {
      to,
      service: deployment.service,
      credentials: { key: null, connection },
      unit,
    });
  }

  /** What an engine has no work with passes through the gateway like any other call, and as it is. */
  #passOn(
    { body }: WireRequest,
    service: Service,
    by: Credentials,
    answer: (backends: readonly UnitReplica[]) => Exchange,
  ): Exchange {
    const refusal = this.#session.ask({ service: service.name, ...by, bodyBytes: body.length });
    if (refusal?.by === 'gateway') return this.#refusals.refused(refusal, this.#refusals.asideId());
    const backends = service.deployments.flatMap((deployment) => deployment.backends).filter(({ loaded }) => loaded);
    return backends.length === 0 ? this.#refusals.refuse('noBackend') : answer(backends);
  }

  #serverAnswer(path: string, query: string, replica: UnitReplica): Exchange {
    const { world, now: at } = this.#session;
    return SERVER_ANSWERS.get(path)!({ at, world, replica, query }).with(this.#aside());
  }

  /** What the server says of what it does not serve. */
  #unknown(path: string): Exchange {
    const allow = OPERATIONS.has(path) ? 'POST' : SERVER_ANSWERS.has(path) ? 'GET' : undefined;
    const { now } = this.#session;
    if (allow === undefined) return ReadyExchange.json(now, 404, { detail: 'Not Found' }, this.#aside());
    return ReadyExchange.json(now, 405, { detail: 'Method Not Allowed' }, { allow, ...this.#aside() });
  }

  #aside(): { readonly 'x-request-id': string } {
    return { 'x-request-id': this.#refusals.asideId() };
  }

  #answerQuestion(wire: WireRequest, question: Question, { modelUnit, modelEngine }: UnitReplica): Exchange {
    const read = readWire(wire, question);
    const id = this.#refusals.asideId();
    const error = read instanceof WireError ? read : unknownModel(read, modelUnit.servedModelName);
    const dialect = errorsOf(question.errors, modelUnit.engine);
    const { now } = this.#session;
    if (error !== undefined) return errorExchange(now, dialect, error, id);
    const body = question.answer((read as ReadRequest).request, modelEngine!.spec.maxModelLen);
    return ReadyExchange.json(now, 200, body, { 'x-request-id': id });
  }

  #call(wire: WireRequest, operation: GenerationOperation | PoolingOperation, caller: Caller): Exchange {
    const { seed } = this.#session.world.description;
    const bodyBytes = wire.body.length;
    const dimensions = caller.unit.model.hidden;
    const read = withinModel(readWire(wire, operation), dimensions);
    const reply = this.#session.call((number) => callOf(read, caller, { seed, number, bodyBytes }));
    if (reply.refusal !== undefined)
      return this.#refused(reply, reply.refusal, read, errorsOf(operation.errors, caller.unit.engine));
    if (read instanceof WireError) throw new Error('An invalid call was answered');
    const id = this.#refusals.requestId(reply.number);
    // Who has a connection sees that it is lost by losing it.
    const isPlatforms = 'service' in caller.to && caller.credentials.connection === undefined;
    const created = Math.floor((this.#session.world.description.epoch + reply.arrivedAt / 1_000) / 1_000);
    const headOf = (idPrefix: string): ReplyHead => ({ id: idPrefix + id, created, model: reply.model! });
    if (operation.kind === 'pooling') {
      const { request } = read as Pooling;
      const context = { head: headOf(operation.idPrefix), promptTokens: reply.promptTokens, seed, dimensions };
      return new ReplyExchange(
        reply,
        this.#presentation(reply, id, isPlatforms, () => operation.answer(request, context)),
      );
    }
    const { dialect } = operation;
    const generation = read as Generation;
    const context = () => answerContext(generation, reply, seed, headOf(dialect.idPrefix));
    const body = () => dialect.body(context());
    const writer = generation.request.stream ? () => dialect.writer(context()) : undefined;
    return new ReplyExchange(reply, this.#presentation(reply, id, isPlatforms, body, writer));
  }

  /** @param isPlatforms the gateway answers it, in its own words where it must */
  #presentation(
    reply: Reply,
    id: string,
    isPlatforms: boolean,
    body: Presentation['body'],
    writer?: Presentation['writer'],
  ): Presentation {
    const session = this.#session;
    return {
      id,
      streamType: isPlatforms ? SSE_CONTENT_TYPE_GATEWAY : SSE_CONTENT_TYPE_VLLM,
      body,
      writer,
      lost: isPlatforms ? () => gatewayError(lateError(reply), id) : undefined,
      onAbort: () => session.command({ kind: 'disconnect', request: reply.number }),
    };
  }

  #refused(reply: Reply, refusal: Refusal, read: ReadBody, errors: ErrorDialect): Exchange {
    const at = reply.arrivedAt;
    const id = this.#refusals.requestId(reply.number);
    if (refusal.by === 'gateway') return this.#refusals.refused(refusal, id);
    if (refusal.by === 'network') return new ReadyExchange(at, 503, { 'x-request-id': id }, '');
    return errorExchange(at, errors, engineError(refusal, read), id);
  }
}

/** What a body says, if it is of a kind that is read. */
function readWire(wire: WireRequest, operation: Operation): ReadBody {
  const refused = unsupportedMediaType(wire.headers['content-type']);
  return refused ?? wire.read ?? readBody(operation, textOf(wire.body));
}

/** The engine's own words for why it refuses. */
export function engineError(refusal: Refusal & { by: 'engine' }, read: ReadBody): WireError {
  if (read instanceof WireError) return read;
  return refusal.error === 'unknown-model'
    ? modelNotFound(read.request.model ?? '')
    : inputTooLong(longestPrompt(read), refusal.maxModelLen);
}

function longestPrompt(read: ReadRequest): number {
  return 'prompts' in read ? read.prompts.reduce((most, { tokens }) => Math.max(most, tokens), 0) : 0;
}

/** Vectors have the lengths that the model gives them. */
export function withinModel(read: ReadBody, dimensions: number): ReadBody {
  if (read instanceof WireError) return read;
  return wrongDimensions(read.request as { dimensions?: number | undefined }, dimensions) ?? read;
}

function unknownModel({ request: { model } }: ReadRequest, served: string): WireError | undefined {
  return model === undefined || model === served ? undefined : modelNotFound(model);
}

function errorExchange(at: Micros, dialect: ErrorDialect, { fields }: WireError, id: string): Exchange {
  const { status, contentType, body } = errorAnswer(dialect, fields);
  return new ReadyExchange(at, status, { 'content-type': contentType, ...lengthOf(body), 'x-request-id': id }, body);
}

/** Why a call that was passed on came to nothing: too late, or nobody left to ask; else its backend is gone. */
function lateError({ refusal }: Reply): GatewayErrorKey {
  return refusal?.by === 'gateway' ? refusal.error : 'backendUnavailable';
}
