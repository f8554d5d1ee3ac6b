import type { Call } from '../gateway/index.ts';
import { suggestion } from '../kernel/index.ts';
import type { Platform } from '../platform/index.ts';
import type { FaultSpec } from './faults.ts';

/** All that can reach a running world from outside. Each is journalled with the moment at which it was taken. */
export type Command =
  | { readonly kind: 'call'; readonly call: Call }
  /** The client of a request has gone. */
  | { readonly kind: 'disconnect'; readonly request: number }
  | { readonly kind: 'fault'; readonly fault: FaultSpec }
  /** No more traffic and no more calls; what is in flight goes on. */
  | { readonly kind: 'drain' }
  /** Everything ends at once; what is in flight is cut. */
  | { readonly kind: 'stop' };

const KINDS: Readonly<Record<Command['kind'], true>> = {
  call: true,
  disconnect: true,
  fault: true,
  drain: true,
  stop: true,
};
const FAULT_KINDS: Readonly<Record<FaultSpec['kind'], true>> = {
  'kill-pod': true,
  'slow-engine': true,
  'slow-link': true,
  'break-link': true,
  refuse: true,
};

/** What keeps a command that was read back from being taken; undefined when nothing does. */
export function mistakeIn(command: Command, platform: Platform): string | undefined {
  const { kind } = command;
  if (!Object.hasOwn(KINDS, kind)) return `unknown command "${kind}"; expected one of ${Object.keys(KINDS).join(', ')}`;
  if (kind === 'fault') return mistakeInFault(command.fault, platform);
  if (kind === 'disconnect') return isCount(command.request) ? undefined : 'a disconnect without its request';
  return kind === 'call' ? mistakeInCall(command.call, platform) : undefined;
}

/** What keeps a fault that came from outside from striking; undefined when nothing does. */
export function mistakeInFault(given: FaultSpec, platform: Platform): string | undefined {
  const fault = (given ?? {}) as unknown as Readonly<Record<string, unknown>>;
  const { kind, factor, lasting, service, status } = fault;
  if (typeof kind !== 'string' || !Object.hasOwn(FAULT_KINDS, kind)) {
    return `unknown fault "${kind}"; expected one of ${Object.keys(FAULT_KINDS).join(', ')}`;
  }
  if (lasting !== undefined && !(isCount(lasting) && (lasting as number) > 0)) return `${kind}: it lasts no time`;
  if (typeof service !== 'string' || platform.service(service) === undefined) {
    const known = platform.services.map(({ spec }) => spec.name);
    return `${kind}: no service "${service}"${suggestion(String(service), known)}`;
  }
  if (kind === 'refuse')
    return status === 429 || status === 503 ? undefined : `refuse: got status ${status}, expected 429 or 503`;
  const pod = platform.podOf(given as Exclude<FaultSpec, { kind: 'refuse' }>);
  if (pod === undefined) return `${kind}: no such pod; there are ${platform.slots.join(', ')}`;
  const slows = kind === 'slow-engine' || kind === 'slow-link';
  if (slows && !(typeof factor === 'number' && factor > 0))
    return `${kind}: got factor ${factor}, expected a number above 0`;
  const linked = kind === 'slow-link' || kind === 'break-link';
  return linked && pod.unit.role !== 'prefill' ? `${kind}: keys and values leave prefill pods only` : undefined;
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

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
