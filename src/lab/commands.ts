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

/** What keeps a command that was read back from being taken; undefined when nothing does. */
export function mistakeIn(command: Command, platform: Platform): string | undefined {
  const { kind } = command;
  if (!Object.hasOwn(KINDS, kind)) return `unknown command "${kind}"; expected one of ${Object.keys(KINDS).join(', ')}`;
  if (command.kind === 'fault' && typeof command.fault?.kind !== 'string') return 'a fault without its kind';
  if (command.kind === 'disconnect' && !Number.isInteger(command.request)) return 'a disconnect without its request';
  if (command.kind !== 'call') return undefined;
  const { to, promptTokens } = command.call ?? {};
  const known = to !== undefined && ('slot' in to ? platform.slots.includes(to.slot) : platform.service(to.service));
  if (!known) return `a call to ${JSON.stringify(to)}, which the scenario does not have`;
  return Number.isInteger(promptTokens) ? undefined : 'a call without its number of prompt tokens';
}
