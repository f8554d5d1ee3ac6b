/**
 * The kernel: time, order, chance and the trace. It knows nothing of inference: no request, no pod, no token.
 * Everything above is deterministic because everything above takes these four from here.
 */
export * from './chance.ts';
export * from './errors.ts';
export * from './journal.ts';
export * from './kernel.ts';
export * from './pace.ts';
export { type EventToken, NO_EVENT, type PendingEvent, Priority } from './queue.ts';
export * from './time.ts';
export * from './trace.ts';
export { Turnover } from './turnover.ts';
