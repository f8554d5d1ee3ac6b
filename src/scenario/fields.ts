import { z } from 'zod';
import type { Micros } from '../kernel/index.ts';
import { DURATION, parseDuration } from './duration.ts';
import { expecting } from './messages.ts';

/** The kinds of value that a scenario is made of. Each says in its messages what was expected. */

const NAME_LENGTH = 63;

/** A name of a pool, a unit, a stream or a key: a DNS label, as Kubernetes names are. */
export function name(length = NAME_LENGTH) {
  const says = expecting(`a name of at most ${length} lower-case letters, digits and "-", with no "-" at either end`);
  return z
    .string(says)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, says)
    .max(length, says);
}

/** A name of a service or a deployment (guide 372, 3330). */
export function label() {
  const says = expecting('a name of 1 to 128 letters, digits, "-" and "_"');
  return z.string(says).regex(/^[A-Za-z0-9_-]{1,128}$/, says);
}

export function text(what: string) {
  return z.string(expecting(what)).min(1, expecting(what));
}

export function integer(min: number, max?: number) {
  const says = expecting(max === undefined ? `an integer, at least ${min}` : `an integer from ${min} to ${max}`);
  const field = z.int(says).min(min, says);
  return max === undefined ? field : field.max(max, says);
}

export function number(min: number, max: number) {
  const says = expecting(`a number from ${min} to ${max}`);
  return z.number(says).min(min, says).max(max, says);
}

/** `25%` or 25, from 1 to 100. */
export function percent() {
  const says = expecting('a percentage from 1% to 100%, such as "25%"');
  return z
    .union([z.int(says).min(1, says).max(100, says), z.string(says).regex(/^([1-9]\d?|100)%$/, says)], says)
    .transform((written) => (typeof written === 'number' ? written : Number(written.slice(0, -1))));
}

/** A number with at most two decimals (guide 410). */
export function hundredths(min: number, what = `a number in hundredths, at least ${min}`) {
  const says = expecting(what);
  return z
    .number(says)
    .min(min, { ...says, abort: true })
    .refine((value) => Math.abs(value * 100 - Math.round(value * 100)) < 1e-6, says);
}

export function positive() {
  const says = expecting('a number above 0');
  return z.number(says).positive(says);
}

export function notNegative() {
  const says = expecting('a number, at least 0');
  return z.number(says).min(0, says);
}

/** A number above 0, and 1 at most. */
export function share() {
  const says = expecting('a number above 0 and at most 1');
  return z.number(says).positive(says).max(1, says);
}

/** As {@link share}, and 0. */
export function shareOrNone() {
  const says = expecting('a number from 0 to 1');
  return z.number(says).min(0, says).max(1, says);
}

/** A list of so many elements. @param called one of them, and several */
export function list<Element extends z.ZodType>(
  element: Element,
  [one, several]: readonly [string, string],
  max: number,
  min: 0 | 1 = 0,
) {
  const error = ({ input }: { readonly input?: unknown }): string =>
    `got ${(input as unknown[]).length} ${several}, expected at most ${max}`;
  const elements = z.array(element).max(max, { error });
  return min === 0 ? elements : elements.min(1, expecting(`at least one ${one}`));
}

const DURATION_EXAMPLES = 'such as "30s", "250ms" or "1h30m"';

/** A duration with its unit, 0 included. */
export function duration() {
  return durationWithin(`a duration with a unit, ${DURATION_EXAMPLES}`, () => true);
}

export function positiveDuration() {
  return durationWithin(`a duration above 0 with a unit, ${DURATION_EXAMPLES}`, (micros) => micros > 0);
}

/** Bounds as a scenario writes them, both included. */
export function durationFrom(min: string, max: string) {
  const [lowest, highest] = [parseDuration(min)!, parseDuration(max)!];
  return durationWithin(`a duration from ${min} to ${max}`, (micros) => micros >= lowest && micros <= highest);
}

function durationWithin(what: string, allows: (micros: Micros) => boolean) {
  const says = expecting(what);
  return z
    .string(says)
    .regex(DURATION, { ...says, abort: true })
    .refine((written) => Number.isSafeInteger(parseDuration(written)), {
      ...expecting('a duration of at most 285 years'),
      abort: true,
    })
    .refine((written) => allows(parseDuration(written)!), says)
    .transform((written) => parseDuration(written)!);
}
