import type { ServingProcess } from '../engine/index.ts';
import { type Micros, NEVER } from '../kernel/index.ts';
import type { Service, UnitReplica } from '../platform/index.ts';
import type { TrafficRequest, TrafficSpec } from '../workload/index.ts';
import type { Call, Refusal } from './call.ts';
import type { Reply } from './reply.ts';
import type { RoutedRequest } from './routing/index.ts';
import { TASK_STATES, type TaskState } from './task-states.ts';

/** What a task asks for: a client's call, or a request of the scenario's traffic, which says how long its answer is. */
export type TaskWork = { readonly routed: RoutedRequest; readonly promptTokens: number } & (
  | { readonly call: Call; readonly request?: never; readonly route?: never }
  | { readonly call?: never; readonly request: TrafficRequest; readonly route: TrafficSpec['route'] }
);

/** The container that holds a task, until the task is deleted from it (guide 3392) or the container ends. */
export interface TaskHolder {
  readonly replica: UnitReplica;
  readonly engine: ServingProcess;
}

/** One task of an asynchronous service. Only {@link Tasks} changes it. */
export class Task {
  /** Among all tasks of the world, from 0, in order of creation. */
  readonly number: number;
  readonly service: Service;
  readonly createdAt: Micros;
  /** How often its client asks whether it is done, to fetch and delete it; undefined: a client from outside does so. */
  readonly collected: Micros | undefined;
  work: TaskWork;
  state: TaskState;
  /** When it came to its state. */
  changedAt: Micros;
  /** When it first ran; NEVER until then. */
  startedAt: Micros = NEVER;
  /** When it ended, be it that it was deleted later; NEVER until then. */
  endedAt: Micros = NEVER;
  /** What it ended as. */
  outcome: TaskState | undefined;
  /** Why it has no result. */
  error: Refusal | undefined;
  /** The request, by its number, that it runs as. */
  request: number | undefined;
  /** The answer to a client's call, once it runs. */
  reply: Reply | undefined;
  /** The status of the answer, which an application may have made an error. */
  answerStatus = 200;
  holder: TaskHolder | undefined;
  /** How often it has begun anew, since its container was lost. */
  retries = 0;

  constructor(
    number: number,
    service: Service,
    work: TaskWork,
    state: TaskState,
    now: Micros,
    collected: Micros | undefined,
  ) {
    this.number = number;
    this.service = service;
    this.work = work;
    this.state = state;
    this.createdAt = now;
    this.changedAt = now;
    this.collected = collected;
  }

  /** It takes one of the tasks that its service may have (guide 232). */
  get takesQuota(): boolean {
    return TASK_STATES[this.state].takesQuota;
  }

  /** It waits for an instance with room. */
  get waits(): boolean {
    return this.state === 'starting' || this.state === 'upgrading';
  }

  /** An engine has it. */
  get runs(): boolean {
    return this.state === 'running' || this.state === 'stopping' || this.state === 'deleting';
  }
}
