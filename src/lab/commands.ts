import type { Cluster } from '../cluster/index.ts';
import type { Call, Handshake, Question } from '../gateway/index.ts';
import { type Micros, suggestion } from '../kernel/index.ts';
import {
  ALLOWED,
  CONNECTION_ALLOWED,
  isWebSocket,
  type Operation,
  type OperationSpec,
  type Platform,
  parseAddress,
  type Service,
} from '../platform/index.ts';
import { isCount, mistakeInFault } from './fault-checks.ts';
import type { FaultSpec } from './fault-spec.ts';
import { isTaskCommand, mistakeInTask, TASK_COMMANDS, type TaskCommand } from './task-commands.ts';

/** All that can reach a running world from outside. Each is journalled with the moment at which it was taken. */
export type Command =
  | { readonly kind: 'call'; readonly call: Call }
  /** Somebody asks a service, through the gateway, for what is no work of an engine's: its models, its health. */
  | { readonly kind: 'question'; readonly question: Question }
  /** The client of a request has gone. */
  | { readonly kind: 'disconnect'; readonly request: number }
  /** A client asks for a connection for more than one call (WebSocket's handshake). */
  | { readonly kind: 'connect'; readonly handshake: Handshake }
  /** The client of a connection has gone. */
  | { readonly kind: 'hang-up'; readonly connection: number }
  | { readonly kind: 'fault'; readonly fault: FaultSpec }
  /** An operator asks the platform for something. */
  | { readonly kind: 'operate'; readonly operation: Operation }
  /** An IAM token has been issued (guide 1462): its digest, what it is for (null: a domain), and until when. */
  | {
      readonly kind: 'issue-token';
      readonly digest: string;
      readonly project: string | null;
      readonly expiresAt: Micros;
      /** The name of the user who asked for it. */
      readonly user?: string;
    }
  | TaskCommand
  /** No more traffic and no more calls; what is in flight goes on. */
  | { readonly kind: 'drain' }
  /** Everything ends at once; what is in flight is cut. */
  | { readonly kind: 'stop' };

const KINDS: Readonly<Record<Command['kind'], true>> = {
  call: true,
  question: true,
  disconnect: true,
  connect: true,
  'hang-up': true,
  fault: true,
  operate: true,
  'issue-token': true,
  ...TASK_COMMANDS,
  drain: true,
  stop: true,
};

/** What keeps a command that was read back from being taken; undefined when nothing does. */
export function mistakeIn(command: Command, platform: Platform, cluster: Cluster): string | undefined {
  const { kind } = command;
  if (!Object.hasOwn(KINDS, kind)) return `unknown command "${kind}"; expected one of ${Object.keys(KINDS).join(', ')}`;
  if (kind === 'fault') return mistakeInFault(command.fault, platform, cluster);
  if (kind === 'operate') return mistakeInOperation(command.operation, platform);
  if (kind === 'issue-token') return mistakeInToken(command);
  if (kind === 'disconnect') return isCount(command.request) ? undefined : 'a disconnect without its request';
  if (kind === 'question') return mistakeInQuestion(command.question, platform);
  if (kind === 'connect') return mistakeInHandshake(command.handshake, platform);
  if (kind === 'hang-up') return isCount(command.connection) ? undefined : 'a hang-up without its connection';
  if (isTaskCommand(command)) {
    return mistakeInTask(command, platform, { call: (call) => mistakeInCall(call, platform), caller: mistakeInCaller });
  }
  if (kind !== 'call') return undefined;
  const mistake = mistakeInCall(command.call, platform);
  if (mistake !== undefined || !('service' in command.call.to)) return mistake;
  const { mode } = platform.service(command.call.to.service)!.spec;
  return mode === 'asynchronous' ? `a call to ${command.call.to.service}, which takes tasks alone` : undefined;
}

/** Fields of a call that may be absent, and are whole numbers otherwise. */
const CALL_COUNTS = ['maxTokens', 'minTokens', 'n', 'invalid', 'bodyBytes', 'connection'] as const;

function mistakeInCall(given: Call, platform: Platform): string | undefined {
  const call = (given ?? {}) as Partial<Call>;
  if (calledService(call.to, platform) === undefined) {
    return `a call to ${JSON.stringify(call.to) ?? 'nobody'}, which the scenario does not have`;
  }
  if (!isCount(call.promptTokens)) return 'a call without its number of prompt tokens';
  for (const name of CALL_COUNTS) {
    if (call[name] !== undefined && !isCount(call[name]))
      return `a call whose ${name} is no number of tokens: ${call[name]}`;
  }
  if (call.n === 0) return 'a call that asks for no answer';
  const { sloClass } = call;
  const caller = mistakeInCaller(call);
  if (caller !== undefined) return `a call ${caller}`;
  if (sloClass !== undefined && ![0, 1, 2, 3].includes(sloClass)) return `a call of service level ${sloClass}`;
  if (call.priority !== undefined && !Number.isSafeInteger(call.priority)) return `a call of priority ${call.priority}`;
  const { prompts, leastTokens = [] } = call;
  if (prompts !== undefined && !(Array.isArray(prompts) && prompts.every((prompt) => isCount(prompt?.tokens))))
    return 'a call with a broken list of prompts';
  if (!(Array.isArray(leastTokens) && leastTokens.every(isCount)))
    return 'a call whose leastTokens are no numbers of tokens';
  if (call.application !== undefined && !isAsk(call.application)) return 'a call that asks nothing of an application';
  const prefixes = [call.prefix, ...(prompts ?? []).map(({ prefix }) => prefix)];
  return prefixes.every(isPrefix) ? undefined : 'a call with a broken prefix';
}

function isAsk({ method, path, socket, preflight }: Partial<NonNullable<Call['application']>>): boolean {
  if (preflight !== undefined && !(preflight === true && method === 'OPTIONS' && socket === undefined)) return false;
  const over = socket === undefined || socket === 'message' || socket === 'push';
  return over && typeof method === 'string' && (path === null || typeof path === 'string');
}

function mistakeInHandshake(given: Handshake, platform: Platform): string | undefined {
  const handshake = (given ?? {}) as Partial<Handshake>;
  const to = JSON.stringify(handshake.to) ?? 'nobody';
  const service = calledService(handshake.to, platform);
  if (service === undefined) return `a connection to ${to}, which the scenario does not have`;
  if (!isWebSocket(service.spec.protocol)) return `a connection to ${to}, which takes none`;
  const wrong = mistakeInCaller(handshake);
  return wrong === undefined ? undefined : `a connection ${wrong}`;
}

/** The service that is called, or whose pod is; undefined when there is none. */
function calledService(to: unknown, platform: Platform): Service | undefined {
  const { service, slot } = (typeof to === 'object' ? (to ?? {}) : {}) as { service?: string; slot?: string };
  return slot === undefined ? platform.service(service ?? '') : platform.replicaAt(slot)?.deployment.service;
}

function mistakeInQuestion(given: Question, platform: Platform): string | undefined {
  const { service, ...caller } = (given ?? {}) as Partial<Question>;
  if (platform.service(service ?? '') === undefined)
    return `a question to ${service}, which the scenario does not have`;
  const wrong = mistakeInCaller(caller);
  return wrong === undefined ? undefined : `a question ${wrong}`;
}

/** What is wrong with who calls. */
function mistakeInCaller(
  caller: { readonly [Fact in keyof Question]?: Question[Fact] | undefined },
): string | undefined {
  const { key, token, clientIp, privateConnection, bodyBytes } = caller;
  if (clientIp !== undefined && !isAddress(clientIp)) return `from ${clientIp}, which is no IP address`;
  if (![key ?? '', token ?? '', privateConnection ?? ''].every(isText)) return 'with a broken credential';
  return bodyBytes === undefined || isCount(bodyBytes) ? undefined : `of ${bodyBytes} bytes`;
}

function isAddress(text: unknown): boolean {
  return typeof text === 'string' && parseAddress(text) !== undefined;
}

function mistakeInToken({ digest, project, expiresAt }: Command & { kind: 'issue-token' }): string | undefined {
  const scoped = project === null || typeof project === 'string';
  return typeof digest === 'string' && scoped && isCount(expiresAt) ? undefined : 'a token that is not whole';
}

function isPrefix(prefix: Call['prefix']): boolean {
  return prefix === undefined || (isCount(prefix.unitTokens) && Array.isArray(prefix.hashes));
}

/** What operations need besides their service: whether it makes sense the platform says, which refuses with an event. */
const OPERATION_NEEDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  instances: isCount,
  instance: isCount,
  weight: isCount,
  version: isText,
  name: isText,
  key: isText,
  digest: isText,
  validFor: (value) => value === undefined || isCount(value),
  scope: (value) => value === 'USER' || value === 'SERVICE',
  recreate: (value) => typeof value === 'boolean',
  force: (value) => typeof value === 'boolean',
  mirror: (value) => typeof value === 'boolean',
  connection: isText,
  customUrls: (value) => Array.isArray(value) && value.every(isText),
  set: (value) => typeof value === 'object' && value !== null,
  spec: (value) => typeof value === 'object' && value !== null && Array.isArray((value as { units?: unknown }).units),
};
const NEEDED: Readonly<Partial<Record<Operation['kind'], readonly string[]>>> = {
  'create-key': ['name', 'digest', 'scope', 'validFor'],
  'delete-key': ['key'],
  'bind-key': ['key'],
  'unbind-key': ['key'],
  'add-deployment': ['spec'],
  upgrade: ['spec'],
  'switch-version': ['version'],
  'delete-version': ['version'],
  scale: ['instances'],
  'set-weight': ['weight'],
  'set-mirror': ['mirror'],
  'modify-service': ['set'],
  'create-connection': ['connection'],
  'approve-connection': ['connection'],
  'reject-connection': ['connection'],
  'revoke-connection': ['connection'],
  'retry-connection': ['connection'],
  'delete-connection': ['connection'],
  'set-connection-urls': ['connection', 'customUrls'],
  'delete-instance': ['instance', 'recreate'],
  'delete-pod': ['instance', 'force'],
};

/** What is done with a key itself, whatever services it opens. */
const OF_NO_SERVICE: readonly string[] = ['create-key', 'delete-key'];
const KINDS_OF_OPERATION = [
  ...Object.keys(ALLOWED),
  'add-deployment',
  'set-auto-stop',
  'modify-service',
  'create-connection',
  ...Object.keys(CONNECTION_ALLOWED),
  ...OF_NO_SERVICE,
  'bind-key',
  'unbind-key',
];

function mistakeInOperation(given: Operation, platform: Platform): string | undefined {
  const { kind, service } = (given ?? {}) as Partial<OperationSpec>;
  const kinds = KINDS_OF_OPERATION;
  if (typeof kind !== 'string' || !kinds.includes(kind)) {
    return `unknown operation "${kind}"; expected one of ${kinds.join(', ')}`;
  }
  const known = platform.services.map(({ name }) => name);
  if (!OF_NO_SERVICE.includes(kind) && !known.includes(service as string))
    return `${kind}: no service "${service}"${suggestion(String(service), known)}`;
  const fields = given as unknown as Readonly<Record<string, unknown>>;
  const wrong = NEEDED[kind]?.find((field) => OPERATION_NEEDS[field]!(fields[field]) === false);
  return wrong === undefined ? undefined : `${kind}: its ${wrong} is missing or malformed`;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
