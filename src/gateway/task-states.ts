import type { ServiceStatus } from '../platform/index.ts';

/** What is true of a task in a state, and where it goes from there. */
interface TaskStateFacts {
  /** It takes one of the tasks that its service may have. */
  readonly takesQuota: boolean;
  readonly next: readonly string[];
}

/**
 * Every state of a task. The guide names those that take no quota (232; its shorter list, 3382, leaves three of them out);
 * the others are what its operations need: a task is created, waits to start, runs, and is stopped or deleted.
 * - `created`: not asked to start.
 * - `starting`: waits for an instance with room.
 * - `stopping` and `deleting`: until its container has let go of it.
 * - `stopped`: may be started again.
 * - `upgrading`: its instance was replaced by one of another version; waits for an instance with room, to begin anew.
 * - `created_failed`: its body is no request of its path, which any container would say.
 * - `start_failed`, `upgrade_failed`: the container that it came to, first or of the other version, does not take it.
 * - `failed`: lost with its container, or what the container answered is an error.
 * - `timeout`: took longer than the service's request timeout.
 */
export const TASK_STATES = {
  created: { takesQuota: true, next: ['starting', 'deleted'] },
  created_failed: { takesQuota: false, next: ['deleted'] },
  starting: { takesQuota: true, next: ['running', 'start_failed', 'stopped', 'deleted'] },
  start_failed: { takesQuota: false, next: ['deleted'] },
  running: {
    takesQuota: true,
    next: ['succeeded', 'failed', 'timeout', 'starting', 'upgrading', 'stopping', 'stopped', 'deleting'],
  },
  succeeded: { takesQuota: false, next: ['deleted'] },
  failed: { takesQuota: false, next: ['deleted'] },
  timeout: { takesQuota: false, next: ['deleted'] },
  stopping: { takesQuota: true, next: ['stopped', 'succeeded', 'failed', 'deleting'] },
  stopped: { takesQuota: true, next: ['starting', 'deleted'] },
  upgrading: { takesQuota: true, next: ['running', 'upgrade_failed', 'stopped', 'deleted'] },
  upgrade_failed: { takesQuota: false, next: ['deleted'] },
  deleting: { takesQuota: true, next: ['deleted'] },
  deleted: { takesQuota: false, next: [] },
} as const satisfies Record<string, TaskStateFacts>;

export type TaskState = keyof typeof TASK_STATES;

export const TASK_STATE_NAMES = Object.keys(TASK_STATES) as readonly TaskState[];

/** What can be asked of a task. */
export type TaskCall = 'create' | 'list' | 'show' | 'update' | 'start' | 'stop' | 'delete';

type Changing = Exclude<TaskCall, 'create' | 'list' | 'show'>;

/** In which states a task takes what changes it; any other refuses it. Its body can be changed while it does not run. */
export const TASK_TAKES: Readonly<Record<Changing, readonly TaskState[]>> = {
  update: ['created', 'starting', 'stopped', 'upgrading'],
  start: ['created', 'stopped'],
  stop: ['starting', 'running', 'upgrading'],
  delete: TASK_STATE_NAMES.filter((state) => state !== 'deleting' && state !== 'deleted'),
};

/**
 * The calls that a service takes only while it answers predictions; the others it always takes. The guide says that a
 * service's status affects task calls, and not how (3437).
 */
export const NEEDS_ANSWERING: Readonly<Record<TaskCall, boolean>> = {
  create: true,
  start: true,
  list: false,
  show: false,
  update: false,
  stop: false,
  delete: false,
};

/** In which states of a service nothing is going to run: what waits there is stopped. */
export const STOPS_TASKS_IN: readonly ServiceStatus[] = [
  'INIT',
  'STOPPING',
  'STOPPED',
  'FAILED',
  'DELETING',
  'DELETED',
];

/** Whether a task may go from one state to another. */
export function follows(from: TaskState, to: TaskState): boolean {
  return (TASK_STATES[from].next as readonly TaskState[]).includes(to);
}
