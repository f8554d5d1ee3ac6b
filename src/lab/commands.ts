import type { Cluster } from '../cluster/index.ts';
import type { Call } from '../gateway/index.ts';
import { type Micros, suggestion } from '../kernel/index.ts';
import { ALLOWED, type ApiKeyOperation, type OperationSpec, type Platform, parseAddress } from '../platform/index.ts';
import { isCount, mistakeInFault } from './fault-checks.ts';
import type { FaultSpec } from './fault-spec.ts';

/** All that can reach a running world from outside. Each is journalled with the moment at which it was taken. */
export type Command =
  | { readonly kind: 'call'; readonly call: Call }
  /** The client of a request has gone. */
  | { readonly kind: 'disconnect'; readonly request: number }
  | { readonly kind: 'fault'; readonly fault: FaultSpec }
  /** An operator asks the platform for something. */
  | { readonly kind: 'operate'; readonly operation: OperationSpec | ApiKeyOperation }
  /** An IAM token has been issued (guide 1462): its digest, what it is for (null: a domain), and until when. */
  | {
      readonly kind: 'issue-token';
      readonly digest: string;
      readonly project: string | null;
      readonly expiresAt: Micros;
    }
  /** No more traffic and no more calls; what is in flight goes on. */
  | { readonly kind: 'drain' }
  /** Everything ends at once; what is in flight is cut. */
  | { readonly kind: 'stop' };

const KINDS: Readonly<Record<Command['kind'], true>> = {
  call: true,
  disconnect: true,
  fault: true,
  operate: true,
  'issue-token': true,
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
  return kind === 'call' ? mistakeInCall(command.call, platform) : undefined;
}

/** Fields of a call that may be absent, and are whole numbers otherwise. */
const CALL_COUNTS = ['maxTokens', 'minTokens', 'n', 'invalid', 'bodyBytes'] as const;

function mistakeInCall(given: Call, platform: Platform): string | undefined {
  const call = (given ?? {}) as Partial<Call>;
  const to: unknown = call.to;
  const target = typeof to === 'object' && to !== null ? (to as { service?: string; slot?: string }) : {};
  const known =
    target.slot === undefined
      ? platform.service(target.service ?? '') !== undefined
      : platform.slots.includes(target.slot);
  if (!known) return `a call to ${JSON.stringify(to) ?? 'nobody'}, which the scenario does not have`;
  if (!isCount(call.promptTokens)) return 'a call without its number of prompt tokens';
  for (const name of CALL_COUNTS) {
    if (call[name] !== undefined && !isCount(call[name]))
      return `a call whose ${name} is no number of tokens: ${call[name]}`;
  }
  if (call.n === 0) return 'a call that asks for no answer';
  const { clientIp, sloClass, token } = call;
  if (clientIp !== undefined && !isAddress(clientIp)) return `a call from ${clientIp}, which is no IP address`;
  if (sloClass !== undefined && ![0, 1, 2, 3].includes(sloClass)) return `a call of service level ${sloClass}`;
  if (token !== undefined && typeof token !== 'string') return 'a call with a broken token';
  if (call.priority !== undefined && !Number.isSafeInteger(call.priority)) return `a call of priority ${call.priority}`;
  const { prompts, leastTokens = [] } = call;
  if (prompts !== undefined && !(Array.isArray(prompts) && prompts.every((prompt) => isCount(prompt?.tokens))))
    return 'a call with a broken list of prompts';
  if (!(Array.isArray(leastTokens) && leastTokens.every(isCount)))
    return 'a call whose leastTokens are no numbers of tokens';
  const prefixes = [call.prefix, ...(prompts ?? []).map(({ prefix }) => prefix)];
  return prefixes.every(isPrefix) ? undefined : 'a call with a broken prefix';
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
  scope: (value) => value === 'USER' || value === 'SERVICE',
  recreate: (value) => typeof value === 'boolean',
  force: (value) => typeof value === 'boolean',
  spec: (value) => typeof value === 'object' && value !== null && Array.isArray((value as { units?: unknown }).units),
};
const NEEDED: Readonly<Partial<Record<(OperationSpec | ApiKeyOperation)['kind'], readonly string[]>>> = {
  'create-key': ['name', 'digest', 'scope'],
  'delete-key': ['key'],
  'bind-key': ['key'],
  'unbind-key': ['key'],
  'add-deployment': ['spec'],
  upgrade: ['spec'],
  'switch-version': ['version'],
  'delete-version': ['version'],
  scale: ['instances'],
  'set-weight': ['weight'],
  'delete-instance': ['instance', 'recreate'],
  'delete-pod': ['instance', 'force'],
};

/** What is done with a key itself, whatever services it opens. */
const OF_NO_SERVICE: readonly string[] = ['create-key', 'delete-key'];
const KINDS_OF_OPERATION = [
  ...Object.keys(ALLOWED),
  'add-deployment',
  'set-auto-stop',
  ...OF_NO_SERVICE,
  'bind-key',
  'unbind-key',
];

function mistakeInOperation(given: OperationSpec | ApiKeyOperation, platform: Platform): string | undefined {
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
