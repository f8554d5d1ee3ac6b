import type { Cluster } from '../cluster/index.ts';
import type { Call } from '../gateway/index.ts';
import { suggestion } from '../kernel/index.ts';
import { ALLOWED, type OperationSpec, type Platform } from '../platform/index.ts';
import { mistakeInFault } from './fault-checks.ts';
import type { FaultSpec } from './fault-spec.ts';

/** All that can reach a running world from outside. Each is journalled with the moment at which it was taken. */
export type Command =
  | { readonly kind: 'call'; readonly call: Call }
  /** The client of a request has gone. */
  | { readonly kind: 'disconnect'; readonly request: number }
  | { readonly kind: 'fault'; readonly fault: FaultSpec }
  /** An operator asks the platform for something. */
  | { readonly kind: 'operate'; readonly operation: OperationSpec }
  /** No more traffic and no more calls; what is in flight goes on. */
  | { readonly kind: 'drain' }
  /** Everything ends at once; what is in flight is cut. */
  | { readonly kind: 'stop' };

const KINDS: Readonly<Record<Command['kind'], true>> = {
  call: true,
  disconnect: true,
  fault: true,
  operate: true,
  drain: true,
  stop: true,
};

/** What keeps a command that was read back from being taken; undefined when nothing does. */
export function mistakeIn(command: Command, platform: Platform, cluster: Cluster): string | undefined {
  const { kind } = command;
  if (!Object.hasOwn(KINDS, kind)) return `unknown command "${kind}"; expected one of ${Object.keys(KINDS).join(', ')}`;
  if (kind === 'fault') return mistakeInFault(command.fault, platform, cluster);
  if (kind === 'operate') return mistakeInOperation(command.operation, platform);
  if (kind === 'disconnect') return isCount(command.request) ? undefined : 'a disconnect without its request';
  return kind === 'call' ? mistakeInCall(command.call, platform) : undefined;
}

/** Fields of a call that may be absent, and are whole numbers otherwise. */
const CALL_COUNTS = ['maxTokens', 'minTokens', 'invalid'] as const;

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
  if (call.priority !== undefined && !Number.isSafeInteger(call.priority)) return `a call of priority ${call.priority}`;
  const { prefix } = call;
  if (prefix !== undefined && !(isCount(prefix.unitTokens) && Array.isArray(prefix.hashes)))
    return 'a call with a broken prefix';
  return undefined;
}

/** What operations need besides their service: whether it makes sense the platform says, which refuses with an event. */
const OPERATION_NEEDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  instances: isCount,
  instance: isCount,
  weight: isCount,
  version: (value) => typeof value === 'string',
  recreate: (value) => typeof value === 'boolean',
  force: (value) => typeof value === 'boolean',
  spec: (value) => typeof value === 'object' && value !== null && Array.isArray((value as { units?: unknown }).units),
};
const NEEDED: Readonly<Partial<Record<OperationSpec['kind'], readonly string[]>>> = {
  'add-deployment': ['spec'],
  upgrade: ['spec'],
  'switch-version': ['version'],
  'delete-version': ['version'],
  scale: ['instances'],
  'set-weight': ['weight'],
  'delete-instance': ['instance', 'recreate'],
  'delete-pod': ['instance', 'force'],
};

function mistakeInOperation(given: OperationSpec, platform: Platform): string | undefined {
  const { kind, service } = (given ?? {}) as Partial<OperationSpec>;
  const kinds = [...Object.keys(ALLOWED), 'add-deployment', 'set-auto-stop'];
  if (typeof kind !== 'string' || !kinds.includes(kind)) {
    return `unknown operation "${kind}"; expected one of ${kinds.join(', ')}`;
  }
  const known = platform.services.map(({ name }) => name);
  if (!known.includes(service as string))
    return `${kind}: no service "${service}"${suggestion(String(service), known)}`;
  const fields = given as unknown as Readonly<Record<string, unknown>>;
  const wrong = NEEDED[kind]?.find((field) => OPERATION_NEEDS[field]!(fields[field]) === false);
  return wrong === undefined ? undefined : `${kind}: its ${wrong} is missing or malformed`;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
