import { after, fromSeconds, type Micros } from '../kernel/index.ts';

/** Largest request of a service, in MB (guide 264). */
export const REQUEST_SIZE_RANGE = { low: 1, high: 50 } as const;
/** The guide does not say which MB; the larger one refuses nobody who kept to the other. */
const MB = 1024 * 1024;

/** Seconds of a request's timeout. The guide's range is the default (259, 3385), the contract has a longer one. */
export const TIMEOUT_RANGES = {
  guide: { low: 1, high: 1_200 },
  contract: { low: 1, high: 7_200 },
} as const;

/** From end to end no answer takes longer, whatever its timeout (guide 259). */
export const LONGEST_ANSWER = fromSeconds(3_600);

/** What is wrong with a size limit in MB; undefined when nothing is. */
export function requestSizeProblem(limit: number): string | undefined {
  return rangeProblem(limit, REQUEST_SIZE_RANGE, 'request size limit', 'MB');
}

/** What is wrong with a request timeout in seconds; undefined when nothing is. */
export function timeoutProblem(seconds: number, range: keyof typeof TIMEOUT_RANGES = 'guide'): string | undefined {
  return rangeProblem(seconds, TIMEOUT_RANGES[range], 'request timeout', 's');
}

/** Whether a body is within a limit in MB; of WebSocket each message is asked about (guide 2774). */
export function fitsSizeLimit(bytes: number, limit: number): boolean {
  return bytes <= limit * MB;
}

/**
 * When a request is terminated if nothing comes before (guide 259, 2775): a timeout after it was sent, or after the
 * last piece of its answer, for each piece begins the timeout anew; at the latest at the hard end. An answer that is
 * not streamed is one piece. A timer need not be moved at each piece: when it fires it asks again.
 * @param lastPieceAt undefined while no piece has come
 */
export function nextDeadline(timeout: Micros, arrivedAt: Micros, lastPieceAt?: Micros): Micros {
  return Math.min(after(lastPieceAt ?? arrivedAt, timeout), after(arrivedAt, LONGEST_ANSWER)) as Micros;
}

function rangeProblem(
  value: number,
  { low, high }: { readonly low: number; readonly high: number },
  name: string,
  unit: string,
): string | undefined {
  return Number.isInteger(value) && value >= low && value <= high
    ? undefined
    : `a ${name} is ${low} to ${high} ${unit}, not ${value}`;
}
