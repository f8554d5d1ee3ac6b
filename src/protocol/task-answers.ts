import type { GatewayError } from './errors.ts';

/** What the calls of asynchronous tasks answer. The guide names the calls and not their bodies: those are ours. */

const CONTRACT = "the vendor's public error codes";

/** What a task call is refused with, once the gateway has let it in. */
export const TASK_ERRORS = {
  unknown: {
    status: 404,
    code: 'ModelArts.81108',
    message: 'Task %s does not exist',
    source: `${CONTRACT}, published for hosted models`,
  },
  quota: {
    status: 400,
    code: 'ModelArts.0118',
    message: 'QuotaInsufficient: the service has %s tasks, as many as it may',
    source: `${CONTRACT}; what follows the colon is ours`,
  },
  state: {
    status: 400,
    code: 'ModelArts.0101',
    message: 'Invalid Argument. Task %s is %s; expected %s',
    source: `${CONTRACT}; that a wrong state is answered so, and what follows the semicolon, is ours`,
  },
  parameter: {
    status: 400,
    code: 'ModelArts.0101',
    message: 'Invalid Argument. %s is %s; expected %s',
    source: `${CONTRACT}; the message may go on with the field`,
  },
} as const satisfies Record<string, GatewayError>;

/** Why a task has no result. */
export const TASK_FAILURES = {
  refused: {
    status: 502,
    code: 'ModelArts.4502',
    message: 'Backend service response error.',
    source: `${CONTRACT}; the container's own words are in "error"`,
  },
  lost: { status: 503, code: 'ModelArts.4403', message: 'Backend service unavailable error.', source: CONTRACT },
  timeout: { status: 504, code: 'ModelArts.4402', message: 'Backend service timeout error.', source: CONTRACT },
} as const satisfies Record<string, GatewayError>;

/** A refusal of a task call, in the platform's dialect. @param values fill each `%s`, in order */
export function taskError(key: keyof typeof TASK_ERRORS, ...values: (string | number)[]) {
  const { status, code, message } = TASK_ERRORS[key];
  let next = 0;
  const text = message.replace(/%s/g, () => String(values[next++]));
  return { status, body: { error_code: code, error_msg: text } };
}

/** A task as its calls show it. Moments are milliseconds since 1970. */
export interface ShownTask {
  readonly id: string;
  readonly service: string;
  readonly status: string;
  readonly createdAt: number;
  readonly changedAt: number;
  /** Null until it has first run, and until it has ended. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly path: string | null;
  readonly failure?: keyof typeof TASK_FAILURES | undefined;
}

export function taskBody({ failure, ...task }: ShownTask) {
  const { code, message } = failure === undefined ? ({} as Partial<GatewayError>) : TASK_FAILURES[failure];
  return {
    task_id: task.id,
    service_id: task.service,
    status: task.status,
    path: task.path,
    create_at: task.createdAt,
    update_at: task.changedAt,
    start_at: task.startedAt,
    end_at: task.endedAt,
    ...(code === undefined ? {} : { error_code: code, error_msg: message }),
  };
}

/** A page of tasks. @param total how many there are on all pages */
export function taskList(tasks: readonly ShownTask[], total: number, offset: number, limit: number) {
  return { total_count: total, count: tasks.length, offset, limit, tasks: tasks.map(taskBody) };
}
