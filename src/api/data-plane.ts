import type { Call, Refusal, Reply } from '../gateway/index.ts';
import type { Session } from '../lab/index.ts';
import { keyDigest, type Service, type UnitReplica } from '../platform/index.ts';
import {
  type GatewayErrorKey,
  type GenerationRequest,
  gatewayError,
  inputTooLong,
  modelList,
  modelNotFound,
  openaiError,
  prefixHashes,
  SSE_CONTENT_TYPE_GATEWAY,
  SSE_CONTENT_TYPE_VLLM,
  WireError,
} from '../protocol/index.ts';
import type { PromptPrefix } from '../workload/index.ts';
import { type Exchange, ReadyExchange } from './exchange.ts';
import { OPERATIONS, type Operation, type ReadBody, type ReadRequest, readBody } from './operations.ts';
import { podMetrics } from './pod-metrics.ts';
import { ReplyExchange } from './reply-exchange.ts';
import { replyText } from './reply-text.ts';

/** The largest body that the gateway takes: the upper end of the guide's request size limit (guide 258). */
export const BODY_LIMIT_BYTES = 50 * 2 ** 20;

/** A request as bytes came: the path keeps its query, header names are in lower case. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** What the body says, when it has been read already; see `BodyReader`. */
  readonly read?: ReadBody;
}

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
    const path = wire.path.split('?', 1)[0]!;
    return door === 'gateway' ? this.#atGateway(wire, path) : this.#atPod(wire, path, door.slot);
  }

  /** The gateway's answer when it takes no request at all: too large a body, say. */
  refuse(error: GatewayErrorKey, detail?: string): Exchange {
    const id = keyDigest(this.#session.world.description.seed, `refusal/${this.#refusals++}`).slice(0, 32);
    const { status, body } = gatewayError(error, id, detail);
    return ReadyExchange.json(this.#session.now, status, body);
  }

  #atGateway(wire: WireRequest, path: string): Exchange {
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
    const key = this.#keyOf(wire);
    if (wire.method === 'GET' && rest === '/v1/models') return this.#modelsOf(service, key);
    const operation = wire.method === 'POST' ? OPERATIONS[rest] : undefined;
    if (operation === undefined) return this.refuse('apiNotFound');
    return this.#generate(wire, operation, { service: service.spec.name }, service, key, 'gateway');
  }

  #atPod(wire: WireRequest, path: string, slot: string): Exchange {
    const { world } = this.#session;
    const replica = world.platform.replicaAt(slot);
    const at = this.#session.now;
    if (replica?.engine === undefined || !replica.loaded) return new ReadyExchange(at, 503, {}, '');
    if (wire.method === 'GET' && (path === '/health' || path === '/ping')) return new ReadyExchange(at, 200, {}, '');
    if (wire.method === 'GET' && path === '/metrics') return podMetrics(at, world, replica);
    if (wire.method === 'GET' && path === '/v1/models') return this.#models([replica]);
    const operation = wire.method === 'POST' ? OPERATIONS[path] : undefined;
    if (operation === undefined) {
      const known = path in OPERATIONS || ['/health', '/ping', '/metrics', '/v1/models'].includes(path);
      return ReadyExchange.json(at, known ? 405 : 404, { detail: known ? 'Method Not Allowed' : 'Not Found' });
    }
    return this.#generate(wire, operation, { slot }, replica.deployment.service, null, 'pod');
  }

  #generate(
    wire: WireRequest,
    operation: Operation,
    to: Call['to'],
    service: Service,
    key: string | null,
    door: 'gateway' | 'pod',
  ): Exchange {
    const session = this.#session;
    const read = wire.read ?? readBody(operation, wire.body);
    const call: Call =
      read instanceof WireError
        ? { to, key, promptTokens: 0, invalid: read.status }
        : { to, key, promptTokens: read.promptTokens, ...parameters(read.request), ...prefixOf(service, read) };
    const reply = session.call({ kind: 'call', call });
    if (reply.refusal !== undefined) return this.#refused(reply, reply.refusal, read);
    if (read instanceof WireError) throw new Error('An invalid call was answered');
    const id = this.#requestId(reply.number);
    const json = { 'content-type': 'application/json', 'x-request-id': id };
    const { seed, epoch } = session.world.description;
    const lost = door === 'gateway' ? { lost: gatewayError('backendUnavailable', id) } : {};
    return new ReplyExchange(reply, {
      head: {
        id: operation.format.idPrefix + id,
        created: Math.floor((epoch + reply.arrivedAt / 1_000) / 1_000),
        model: reply.model!,
      },
      format: operation.format,
      request: read.request,
      streamHeaders: {
        'content-type': door === 'gateway' ? SSE_CONTENT_TYPE_GATEWAY : SSE_CONTENT_TYPE_VLLM,
        'cache-control': 'no-cache',
        'x-accel-buffering': 'no',
        'x-request-id': id,
      },
      wholeHeaders: json,
      ...lost,
      pieces: replyText(seed, reply.number, reply.outputTokens),
      onAbort: () => session.command({ kind: 'disconnect', request: reply.number }),
    });
  }

  #refused(reply: Reply, refusal: Refusal, read: ReadRequest | WireError): Exchange {
    const at = reply.arrivedAt;
    if (refusal.by === 'gateway') {
      const { status, body } = gatewayError(refusal.error, this.#requestId(reply.number));
      const after = refusal.retryAfterSeconds;
      const headers = after === undefined ? {} : { 'retry-after': String(after) };
      return ReadyExchange.json(at, refusal.status ?? status, body, headers);
    }
    if (refusal.by === 'network') return new ReadyExchange(at, 503, {}, '');
    const error = engineError(reply, refusal, read);
    return ReadyExchange.json(at, error.status, openaiError(error.fields));
  }

  #modelsOf(service: Service, key: string | null): Exchange {
    const { auth } = service.spec;
    if (auth.kind === 'api-key' && !auth.keys.some(({ digest }) => digest === key)) return this.refuse('unauthorized');
    const backends = service.deployments.flatMap((deployment) => deployment.backends);
    return backends.length === 0 ? this.refuse('noBackend') : this.#models(backends);
  }

  #models(replicas: readonly UnitReplica[]): Exchange {
    const created = Math.floor(this.#session.world.description.epoch / 1_000);
    const models = new Map(
      replicas.map(({ unit }) => [
        unit.servedModelName,
        { id: unit.servedModelName, created, maxModelLen: unit.engine.maxModelLen },
      ]),
    );
    return ReadyExchange.json(this.#session.now, 200, modelList([...models.values()]));
  }

  #keyOf(wire: WireRequest): string | null {
    const bearer = /^bearer\s+(.+)$/i.exec(wire.headers.authorization ?? '');
    return bearer === null ? null : keyDigest(this.#session.world.description.seed, bearer[1]!.trim());
  }

  /** 32 hexadecimal digits, as the gateway numbers requests; the same in every run of a session. */
  #requestId(request: number): string {
    return keyDigest(this.#session.world.description.seed, `request/${request}`).slice(0, 32);
  }
}

/** The engine's own words for why it refuses. */
function engineError(reply: Reply, refusal: Refusal & { by: 'engine' }, read: ReadRequest | WireError): WireError {
  if (read instanceof WireError) return read;
  return refusal.error === 'unknown-model'
    ? modelNotFound(read.request.model ?? '')
    : inputTooLong(reply.promptTokens, refusal.maxModelLen);
}

/** What the prompt may share, when the service's engines cache prefixes. */
function prefixOf(service: Service, { request, promptText }: ReadRequest): { prefix?: PromptPrefix } {
  const units = service.spec.deployments.flatMap((deployment) => deployment.units);
  const unitTokens = units.find(({ engine }) => engine.prefixUnitTokens !== undefined)?.engine.prefixUnitTokens;
  if (unitTokens === undefined) return {};
  const hashes = prefixHashes(promptText, unitTokens, request.cacheSalt);
  return hashes.length === 0 ? {} : { prefix: { unitTokens, hashes } };
}

function parameters({ model, maxTokens, minTokens, ignoreEos, priority }: GenerationRequest) {
  return {
    ...(model === undefined ? {} : { model }),
    ...(priority === 0 ? {} : { priority }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(minTokens > 0 ? { minTokens } : {}),
    ...(ignoreEos ? { ignoreEos } : {}),
  };
}
