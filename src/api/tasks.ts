import { TASK_STATE_NAMES, TASK_TAKES, type Task, type TaskAnswer } from '../gateway/index.ts';
import { type Micros, nearest } from '../kernel/index.ts';
import type { Session, TaskCommand } from '../lab/index.ts';
import { keyDigest, type Service } from '../platform/index.ts';
import { type ShownTask, taskBody, taskError, taskList } from '../protocol/index.ts';
import { type Exchange, ReadyExchange } from './exchange.ts';
import type { Asked, Credentials } from './language-model.ts';
import type { Refusals } from './refusals.ts';
import { type TaskBody, type TaskContent, taskBodyOf } from './task-bodies.ts';

/** Tasks on a page: the bounds of the platform's other lists. */
const LIMIT = { low: 1, high: 500, standard: 10 } as const;

/** `/tasks/{id}/start` and what is above it. The guide writes some of its URLs without `/tasks` (3411-3419). */
const TASK_PATH = /^(?:\/tasks)?(?:\/([^/]+)(?:\/(start|stop))?)?\/?$/;

/** What an order asks for. */
const ORDERS = { 'start-task': 'start', 'stop-task': 'stop', 'delete-task': 'delete' } as const;

/** A call to the tasks of a service, let in by nobody yet. */
interface TaskRequest {
  readonly service: Service;
  readonly by: Credentials;
  readonly asked: Asked;
  readonly query: URLSearchParams;
}

/** The task calls of asynchronous services (guide 3409-3420): bodies to commands, tasks to bodies. */
export class TaskPlane {
  readonly #session: Session;
  readonly #refusals: Refusals;
  /** What tasks are asked to do, by number; the simulation has counts alone. */
  readonly #bodies = new Map<number, TaskBody>();
  /** Tasks by id, as far as anybody has asked. */
  readonly #numbers = new Map<string, number>();
  #known = 0;

  constructor(session: Session, refusals: Refusals) {
    this.#session = session;
    this.#refusals = refusals;
  }

  handle(asked: Asked, service: Service, by: Credentials): Exchange {
    const [, id, action] = TASK_PATH.exec(asked.path) ?? ['', '/'];
    const request = { service, by, asked, query: new URLSearchParams(asked.query) };
    if (id === '/') return this.#refusals.refuse('apiNotFound');
    switch (`${asked.wire.method} ${id === undefined ? '' : 'task'}${action === undefined ? '' : `/${action}`}`) {
      case 'POST ':
        return this.#create(request);
      case 'GET ':
        return this.#list(request);
      case 'GET task':
        return this.#show(request, id!);
      case 'PUT task':
        return this.#update(request, id!);
      case 'DELETE task':
        return this.#order('delete-task', request, id!);
      case 'POST task/start':
        return this.#order('start-task', request, id!);
      case 'POST task/stop':
        return this.#order('stop-task', request, id!);
      default:
        return this.#refusals.refuse('apiNotFound');
    }
  }

  #create({ service, by, asked, query }: TaskRequest): Exchange {
    const start = query.get('auto_start') ?? 'true';
    if (start !== 'true' && start !== 'false') return this.#error('parameter', 'auto_start', start, 'true or false');
    const body = taskBodyOf(service, asked.wire, query.get('path') ?? undefined);
    const answer = this.#session.task((number) => ({
      kind: 'create-task',
      call: body.call(service, by, this.#contentOf(number)),
      start: start === 'true',
    }));
    if (answer.task !== undefined) this.#bodies.set(answer.task.number, body);
    return this.#answered(answer, service, 'create', 201);
  }

  #list({ service, by, query }: TaskRequest): Exchange {
    const refused = this.#mayNotRead(service, 'list', by);
    if (refused !== undefined) return refused;
    const limit = wholeNumber(query.get('limit'), LIMIT.standard);
    const offset = wholeNumber(query.get('offset'), 0);
    const status = query.get('status') ?? undefined;
    if (!(limit >= LIMIT.low && limit <= LIMIT.high)) {
      return this.#error('parameter', 'limit', query.get('limit')!, `${LIMIT.low} to ${LIMIT.high}`);
    }
    if (!(offset >= 0)) return this.#error('parameter', 'offset', query.get('offset')!, '0 or more');
    if (status !== undefined && !(TASK_STATE_NAMES as readonly string[]).includes(status)) {
      const near = nearest(status, TASK_STATE_NAMES);
      const states = `one of ${TASK_STATE_NAMES.join(', ')}`;
      const expected = near === undefined ? states : `a state of a task; did you mean "${near}"?`;
      return this.#error('parameter', 'status', status, expected);
    }
    // What was deleted is shown to whoever asks for it.
    const found = this.#session.world.tasks.all.filter(
      (task) => task.service === service && (status === undefined ? task.state !== 'deleted' : task.state === status),
    );
    const page = found.slice(offset, offset + limit).map((task) => this.#shown(task));
    return this.#json(200, taskList(page, found.length, offset, limit));
  }

  #show({ service, by }: TaskRequest, id: string): Exchange {
    const refused = this.#mayNotRead(service, 'show', by);
    if (refused !== undefined) return refused;
    const task = this.#find(service, id);
    return task === undefined ? this.#error('unknown', id) : this.#json(200, this.#whole(task));
  }

  #update(request: TaskRequest, id: string): Exchange {
    const { service, by, asked, query } = request;
    const task = this.#find(service, id);
    if (task === undefined) return this.#mayNotRead(service, 'update', by) ?? this.#error('unknown', id);
    const { number } = task;
    const body = taskBodyOf(service, asked.wire, query.get('path') ?? this.#bodies.get(number)?.path);
    const call = body.call(service, by, this.#contentOf(number));
    const answer = this.#session.task(() => ({ kind: 'update-task', task: number, call }));
    if (answer.task !== undefined && answer.problem === undefined) this.#bodies.set(number, body);
    return this.#answered(answer, service, 'update', 200);
  }

  #order(kind: 'start-task' | 'stop-task' | 'delete-task', { service, by }: TaskRequest, id: string): Exchange {
    const task = this.#find(service, id);
    if (task === undefined) return this.#mayNotRead(service, 'show', by) ?? this.#error('unknown', id);
    const command: TaskCommand = { kind, service: service.name, task: task.number, by };
    const answer = this.#session.task(() => command);
    if (answer.problem === undefined && kind === 'delete-task') this.#bodies.delete(task.number);
    return this.#answered(answer, service, ORDERS[kind], 202);
  }

  #answered(
    { task, refusal, problem }: TaskAnswer,
    { spec }: Service,
    what: 'create' | keyof typeof TASK_TAKES,
    status: number,
  ): Exchange {
    if (refusal !== undefined) {
      if (refusal.by !== 'gateway') throw new Error('A task call was refused by a container');
      return this.#refusals.refused(refusal, this.#refusals.asideId());
    }
    if (problem === 'quota') return this.#error('quota', spec.maxTasks!);
    if (problem === 'state' && what !== 'create') {
      return this.#error('state', this.#idOf(task!.number), task!.state, TASK_TAKES[what].join(' or '));
    }
    if (problem !== undefined) throw new Error('A task that is there was not found');
    return this.#json(status, this.#whole(task));
  }

  #mayNotRead(service: Service, what: 'list' | 'show' | 'update', by: Credentials): Exchange | undefined {
    this.#session.world.runUntil(this.#session.now);
    const refusal = this.#session.world.tasks.refusalOf(service, what, by);
    return refusal?.by === 'gateway' ? this.#refusals.refused(refusal, this.#refusals.asideId()) : undefined;
  }

  /** A task with what came of it. */
  #whole(task: Task): object {
    const shown = taskBody(this.#shown(task));
    const body = this.#bodies.get(task.number);
    const { error, reply, state } = task;
    if (body === undefined) return shown;
    const id = this.#idOf(task.number).replaceAll('-', '');
    if (error?.by === 'engine') return { ...shown, error: body.refused(error, id) };
    if (state !== 'succeeded' || reply === undefined) return shown;
    const created = Math.floor(this.#calendar(reply.arrivedAt)! / 1_000);
    return { ...shown, result: body.result(reply, { id, created }, this.#contentOf(task.number)) };
  }

  #shown({ number, service, state, createdAt, changedAt, startedAt, endedAt, error }: Task): ShownTask {
    const timedOut = error?.by === 'gateway' && error.error === 'backendTimeout';
    return {
      id: this.#idOf(number),
      service: service.spec.id,
      status: state,
      createdAt: this.#calendar(createdAt)!,
      changedAt: this.#calendar(changedAt)!,
      startedAt: this.#calendar(startedAt),
      endedAt: this.#calendar(endedAt),
      path: this.#bodies.get(number)?.path ?? null,
      failure: error && (error.by === 'engine' ? 'refused' : timedOut ? 'timeout' : 'lost'),
    };
  }

  #calendar(at: Micros): number | null {
    return Number.isFinite(at) ? Math.floor(this.#session.world.description.epoch + at / 1_000) : null;
  }

  #contentOf(number: number): TaskContent {
    return { seed: this.#session.world.description.seed, number: -1 - number };
  }

  #find(service: Service, id: string): Task | undefined {
    const { all } = this.#session.world.tasks;
    for (; this.#known < all.length; this.#known++) this.#numbers.set(this.#idOf(this.#known), this.#known);
    const task = all[this.#numbers.get(id.toLowerCase()) ?? -1];
    return task?.service === service ? task : undefined;
  }

  /** Fixed by the seed, in the shape of a UUID of version 8 (RFC 9562). */
  #idOf(number: number): string {
    const digits = keyDigest(this.#session.world.description.seed, `task/${number}`);
    return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-a$4-$5');
  }

  #error(key: Parameters<typeof taskError>[0], ...values: (string | number)[]): Exchange {
    const { status, body } = taskError(key, ...values);
    return this.#json(status, body);
  }

  #json(status: number, body: object): Exchange {
    return ReadyExchange.json(this.#session.now, status, body, { 'x-request-id': this.#refusals.asideId() });
  }
}

/** NaN where it is no whole number. */
function wholeNumber(text: string | null, standard: number): number {
  if (text === null) return standard;
  return /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
}
