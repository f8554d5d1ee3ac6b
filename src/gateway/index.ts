/**
 * The gateway: one request's way in. Who may call, which deployment, which instance; it alone chooses and it alone
 * refuses. Time passes in engines, never here.
 */
export type { Call, CallPrompt, Question, Refusal } from './call.ts';
export { Connection, type ConnectionEnd, type Handshake, type RefusedHandshake } from './connections.ts';
export { EngineTap } from './engine-tap.ts';
export type { Caller } from './gate.ts';
export { Gateway, type TokenSink } from './gateway.ts';
export { Reply, type ReplyChoice, type ReplyState } from './reply.ts';
export type { Task, TaskHolder } from './task.ts';
export { TASK_STATE_NAMES, TASK_STATES, TASK_TAKES, type TaskCall, type TaskState } from './task-states.ts';
export { type TaskAnswer, type TaskOrder, Tasks } from './tasks.ts';
export { type DeploymentShare, deploymentShares } from './traffic-book.ts';
