import { STATUS_CODES } from 'node:http';
import type { Call, Refusal, Reply } from '../gateway/index.ts';
import { type ApplicationSpec, modelUnitOf, routedPath, type Service } from '../platform/index.ts';
import {
  type ErrorDialect,
  errorAnswer,
  errorsOf,
  type ReplyHead,
  SSE_CONTENT_TYPE_GATEWAY,
  unsupportedMediaType,
} from '../protocol/index.ts';
import { applicationsOf } from './application.ts';
import { ApplicationBody } from './application-body.ts';
import { callOf } from './call-of.ts';
import { answerContext, type Generation, type GenerationOperation } from './generation.ts';
import { type Credentials, engineError, withinModel } from './language-model.ts';
import { OPERATIONS, readBody } from './operations.ts';
import type { Pooling, PoolingOperation } from './pooling.ts';
import { textOf, type WireRequest } from './wire.ts';

/** What the content of a task follows from. */
export interface TaskContent {
  readonly seed: number;
  /** Below all numbers of requests: −1 less the task's own. */
  readonly number: number;
}

/** What a task is asked to do, as its path and its body say it. */
export interface TaskBody {
  readonly path: string;
  /** What the simulation is told of it. */
  call(service: Service, credentials: Credentials, content: TaskContent): Call;
  /** The body that a call which waits for its answer would have had: JSON, a text, or base64 of what is neither. */
  result(reply: Reply, head: Omit<ReplyHead, 'model'>, content: TaskContent): unknown;
  /** The container's own words for why it does not take it. */
  refused(refusal: Refusal & { readonly by: 'engine' }, requestId: string): object;
}

/**
 * What a client asks of a service by a task.
 * @param path which the body is for; undefined: that of chats, or the first of an application's routes
 */
export function taskBodyOf(service: Service, wire: WireRequest, path: string | undefined): TaskBody {
  const applications = applicationsOf(service);
  if (applications.length === 0) return languageModelBody(wire, path ?? DEFAULT_PATH);
  return new ApplicationTaskBody(wire, path ?? applications[0]!.routes[0]?.path ?? '/', applications);
}

/** The path that the body of a task for a language model is for unless its client names another. */
const DEFAULT_PATH = '/v1/chat/completions';

/** The body of a task for a service of language models. A path that they do not serve is their refusal, as any other. */
function languageModelBody(wire: WireRequest, path: string): TaskBody {
  const operation = OPERATIONS.get(path);
  if (operation === undefined || operation.kind === 'question') return new UnknownPath(path, wire.body.length);
  return new ModelBody(wire, path, operation);
}

class ModelBody implements TaskBody {
  readonly path: string;
  readonly #operation: GenerationOperation | PoolingOperation;
  readonly #bytes: number;
  #read: ReturnType<typeof readBody>;
  #dimensions = 0;
  #errors: ErrorDialect;

  constructor(wire: WireRequest, path: string, operation: GenerationOperation | PoolingOperation) {
    this.path = path;
    this.#operation = operation;
    this.#errors = operation.errors;
    this.#bytes = wire.body.length;
    this.#read = unsupportedMediaType(wire.headers['content-type']) ?? readBody(operation, textOf(wire.body));
  }

  call(service: Service, credentials: Credentials, content: TaskContent): Call {
    const unit = modelUnitOf(service.spec.deployments[0]!.units[0]!);
    this.#dimensions = unit.model.hidden;
    this.#errors = errorsOf(this.#operation.errors, unit.engine);
    this.#read = withinModel(this.#read, this.#dimensions);
    const caller = { to: { service: service.name }, service, credentials, unit };
    return callOf(this.#read, caller, { ...content, bodyBytes: this.#bytes });
  }

  result(reply: Reply, { id, created }: Omit<ReplyHead, 'model'>, { seed }: TaskContent): object {
    const operation = this.#operation;
    const headOf = (prefix: string): ReplyHead => ({ id: prefix + id, created, model: reply.model! });
    if (operation.kind === 'pooling') {
      const { request } = this.#read as Pooling;
      const context = { seed, promptTokens: reply.promptTokens, dimensions: this.#dimensions };
      return operation.answer(request, { ...context, head: headOf(operation.idPrefix) });
    }
    const { dialect } = operation;
    return dialect.body(answerContext(this.#read as Generation, reply, seed, headOf(dialect.idPrefix)));
  }

  refused(refusal: Refusal & { readonly by: 'engine' }): object {
    const { fields } = engineError(refusal, this.#read);
    return JSON.parse(errorAnswer(this.#errors, fields).body) as object;
  }
}

/** A body for an application, which comes to it as it is. */
class ApplicationTaskBody implements TaskBody {
  readonly path: string;
  readonly #wire: WireRequest;
  readonly #route: string | null;

  constructor(wire: WireRequest, path: string, applications: readonly ApplicationSpec[]) {
    this.path = path;
    this.#wire = wire;
    this.#route = routedPath(applications, path);
  }

  call({ name }: Service, credentials: Credentials): Call {
    const application = { method: 'POST', path: this.#route };
    return { to: { service: name }, ...credentials, promptTokens: 0, bodyBytes: this.#wire.body.length, application };
  }

  result(reply: Reply, _: unknown, { seed, number }: TaskContent): unknown {
    const answer = reply.answer!;
    const shown = { ...this.#wire, method: 'POST', path: this.path, query: '' };
    const body = new ApplicationBody(answer, shown, { seed, request: number, pod: reply.pod ?? '' });
    const whole = Buffer.concat(Array.from({ length: answer.pieces }, (_piece, index) => body.piece(index + 1)));
    const type = answer.route?.headers['content-type'] ?? body.contentType(SSE_CONTENT_TYPE_GATEWAY);
    return readable(whole, type);
  }

  refused({ status }: Refusal & { readonly by: 'engine' }): object {
    return { detail: STATUS_CODES[status] ?? 'Error' };
  }
}

/** Content types whose bodies are text. */
const TEXT = /^text\/|json|[/+]xml|[/+-]yaml|x-www-form-urlencoded|javascript/i;

/** A body as JSON can hold it: itself, a text, or base64. */
function readable(body: Buffer, type: string): unknown {
  if (!TEXT.test(type)) return body.toString('base64');
  const text = body.toString();
  try {
    return /json/i.test(type) ? JSON.parse(text) : text;
  } catch {
    return text;
  }
}

/** A body for a path that nobody serves, or not with work for an engine. */
class UnknownPath implements TaskBody {
  readonly path: string;
  readonly #bytes: number;

  constructor(path: string, bytes: number) {
    this.path = path;
    this.#bytes = bytes;
  }

  call({ name }: Service, credentials: Credentials): Call {
    return { to: { service: name }, ...credentials, bodyBytes: this.#bytes, promptTokens: 0, invalid: 404 };
  }

  result(): object {
    throw new Error('A path that nobody serves has no result');
  }

  refused(): object {
    return { detail: 'Not Found' };
  }
}
