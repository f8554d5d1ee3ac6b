import type { Call, TaskAnswer, TaskOrder, Tasks } from '../gateway/index.ts';
import type { Platform } from '../platform/index.ts';
import { isCount } from './fault-checks.ts';

/** What clients ask of the tasks of asynchronous services. A call's service is the task's, and who calls is who asks. */
export type TaskCommand =
  /** @see Tasks.create */
  | { readonly kind: 'create-task'; readonly call: Call; readonly start: boolean }
  | { readonly kind: 'update-task'; readonly task: number; readonly call: Call }
  | ({ readonly kind: 'start-task' | 'stop-task' | 'delete-task' } & TaskOrder);

export const TASK_COMMANDS: Readonly<Record<TaskCommand['kind'], true>> = {
  'create-task': true,
  'update-task': true,
  'start-task': true,
  'stop-task': true,
  'delete-task': true,
};

export function isTaskCommand(command: { readonly kind: string }): command is TaskCommand {
  return Object.hasOwn(TASK_COMMANDS, command.kind);
}

/** Does what a command asks. It has been found to make sense. */
export function takeTaskCommand(tasks: Tasks, command: TaskCommand): TaskAnswer {
  switch (command.kind) {
    case 'create-task':
      return tasks.create(command.call, command.start);
    case 'update-task':
      return tasks.update(command.task, command.call);
    case 'start-task':
      return tasks.start(command);
    case 'stop-task':
      return tasks.stop(command);
    case 'delete-task':
      return tasks.delete(command);
  }
}

/** How the parts that a command shares with others are checked. */
interface Checks {
  readonly call: (call: Call) => string | undefined;
  readonly caller: (caller: Partial<Call>) => string | undefined;
}

/** What keeps such a command from being taken. That there is no such task is no mistake: it is answered so. */
export function mistakeInTask(command: TaskCommand, platform: Platform, checks: Checks): string | undefined {
  const { kind } = command;
  if (kind !== 'create-task' && !isCount(command.task)) return `${kind}: no task ${JSON.stringify(command.task)}`;
  if (kind === 'create-task' || kind === 'update-task') {
    const wrong = checks.call(command.call);
    if (wrong !== undefined) return `${kind}: ${wrong}`;
    const { to } = command.call;
    if (!('service' in to) || !isAsynchronous(to.service, platform)) return `${kind}: ${noTasks(JSON.stringify(to))}`;
    return kind === 'create-task' && typeof command.start !== 'boolean' ? `${kind}: its start is missing` : undefined;
  }
  if (!isAsynchronous(command.service, platform)) return `${kind}: ${noTasks(JSON.stringify(command.service))}`;
  const wrong = checks.caller((command.by ?? {}) as Partial<Call>);
  return wrong === undefined ? undefined : `${kind}: a call ${wrong}`;
}

function isAsynchronous(service: string, platform: Platform): boolean {
  return platform.service(service)?.spec.mode === 'asynchronous';
}

function noTasks(service: string | undefined): string {
  return `${service} is no asynchronous service of the scenario`;
}
