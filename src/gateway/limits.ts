import { after, fromSeconds, type Micros } from '../kernel/index.ts';

/** The guide does not say which MB; the larger one refuses nobody who kept to the other. */
const MB = 1024 * 1024;

/** From end to end no answer takes longer, whatever its timeout (guide 259). */
export const LONGEST_ANSWER = fromSeconds(3_600);

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
