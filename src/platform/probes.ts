import type { Micros } from '../kernel/index.ts';

/** The three probes, in the order in which they come to work (guide 4074-4083). */
export type ProbeKind = 'startup' | 'readiness' | 'liveness';

export const PROBE_KINDS: readonly ProbeKind[] = ['startup', 'readiness', 'liveness'];

/** A probe's settings (guide 4084-4127). */
export interface ProbeSpec {
  /** An HTTP GET, good from 200 to 399; or a command in the container, good when it returns 0 (guide 4088). */
  readonly check:
    | { readonly kind: 'http'; readonly path: string; readonly protocol: 'HTTP' | 'HTTPS' }
    | { readonly kind: 'command'; readonly command: string };
  readonly interval: Micros;
  readonly delay: Micros;
  readonly timeout: Micros;
  /** Failures in a row that count. */
  readonly failureThreshold: number;
}

export type ProbesSpec = { readonly [Kind in ProbeKind]?: ProbeSpec };

/** From 1 to this, of each of a probe's figures (guide 4093-4096). */
export const LARGEST_PROBE_FIGURE = 2_147_483_647;

/** Before the first check: skipped when checks are further apart than it is long (guide 4094). */
export function firstDelay({ interval, delay }: ProbeSpec): Micros {
  return interval > delay ? (0 as Micros) : delay;
}

/**
 * What answers a check: nothing is wrong, nobody listens, nobody answers in time, or the image cannot; or, of an
 * application, a status of its own that is not good.
 */
export type ProbeAnswer = 'healthy' | 'refused' | 'silent' | 'not-found' | number;

/** What a failed check says, in the words of the kubelet. */
export function failureText(kind: ProbeKind, { check, timeout }: ProbeSpec, answer: ProbeAnswer): string {
  const name = `${kind[0]!.toUpperCase()}${kind.slice(1)} probe failed`;
  if (answer === 'silent') return `${name}: no answer within ${timeout / 1e6} s.`;
  if (check.kind === 'command') {
    return answer === 'not-found'
      ? `${name}: ${check.command}: Command not found.`
      : `${name}: ${check.command} returned 1.`;
  }
  // An engine that is still loading does not listen yet.
  if (answer === 'refused') return `${name}: GET ${check.path}: connection refused.`;
  const status = answer === 'not-found' ? 404 : answer;
  return `${name}: GET ${check.path}: statuscode ${status}.`;
}
