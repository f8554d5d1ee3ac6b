import type { Call } from '../gateway/index.ts';
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
  if (kind === 'fault') return mistakeInFault(command.fault as unknown as Record<string, unknown> | undefined);
  if (kind === 'disconnect') return isCount(command.request) ? undefined : 'a disconnect without its request';
  return kind === 'call' ? mistakeInCall(command.call, platform) : undefined;
}

function mistakeInFault(fault: Readonly<Record<string, unknown>> | undefined): string | undefined {
  if (typeof fault?.kind !== 'string' || !Object.hasOwn(FAULT_KINDS, fault.kind)) {
    return `unknown fault "${fault?.kind}"; expected one of ${Object.keys(FAULT_KINDS).join(', ')}`;
  }
  const slows = fault.kind === 'slow-engine' || fault.kind === 'slow-link';
  if (slows && !(typeof fault.factor === 'number' && fault.factor > 0)) return `${fault.kind} without its factor`;
  return fault.lasting === undefined || isCount(fault.lasting) ? undefined : 'a fault that lasts no time';
}

function mistakeInCall(call: Partial<Call> | undefined, platform: Platform): string | undefined {
  const to: unknown = call?.to;
  const target = typeof to === 'object' && to !== null ? (to as { service?: string; slot?: string }) : {};
  const known =
    target.slot === undefined
      ? platform.service(target.service ?? '') !== undefined
      : platform.slots.includes(target.slot);
  if (!known) return `a call to ${JSON.stringify(to) ?? 'nobody'}, which the scenario does not have`;
  return isCount(call?.promptTokens) ? undefined : 'a call without its number of prompt tokens';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
