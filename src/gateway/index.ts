/**
 * The gateway: one request's way in. Who may call, which deployment, which instance; it alone chooses and it alone
 * refuses. Time passes in engines, never here.
 */
export type { Call, CallPrompt, Refusal } from './call.ts';
export { EngineTap } from './engine-tap.ts';
export { Gateway, type TokenSink } from './gateway.ts';
export { Reply, type ReplyChoice, type ReplyState } from './reply.ts';
