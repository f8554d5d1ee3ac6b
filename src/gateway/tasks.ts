import { after, assert, type EventKind, fromSeconds, type Kernel, type Micros, Priority } from '../kernel/index.ts';
import type { Instance, Platform, Service, UnitReplica } from '../platform/index.ts';
import { type EventLog, NO_ROW, Outcome, type RequestLog } from '../telemetry/index.ts';
import type { TrafficRequest, TrafficSpec } from '../workload/index.ts';
import { type Call, gatewayRefusal, type Refusal, routedCall } from './call.ts';
import type { Caller } from './gate.ts';
import type { ReplyState } from './reply.ts';
import { Task, type TaskWork } from './task.ts';
import { perform, refusalOfTask, type TaskPorts } from './task-request.ts';
import { TaskSlots } from './task-slots.ts';
import { follows, STOPS_TASKS_IN, TASK_STATES, TASK_TAKES, type TaskCall, type TaskState } from './task-states.ts';

/** What comes of asking for a task, or something of one. */
export type TaskAnswer =
  | { readonly task: Task; readonly refusal?: never; readonly problem?: never }
  /** The gateway does not let the call in. */
  | { readonly refusal: Refusal; readonly task?: never; readonly problem?: never }
  /** There is no such task; its service has as many as it may; or the task is not in a state for that. */
  | { readonly problem: 'unknown' | 'quota' | 'state'; readonly task?: Task; readonly refusal?: never };

/** Something asked of a task that there is. */
export interface TaskOrder {
  readonly service: string;
  readonly task: number;
  readonly by: Caller;
}

/** The status of a creation beyond the quota (the contract's QuotaInsufficient). */
const QUOTA_STATUS = 400;
/** Waiting tasks of traffic keep a scenario going so long after anything has happened to a task of their service. */
const PATIENCE = fromSeconds(3_600);

/** Statuses from here on are an application's errors. */
const ERRORS_FROM = 400;

/** The tasks of one service. */
interface Queue {
  /** Those that wait for room, in order of creation. */
  readonly waiting: Task[];
  /** Tasks that take quota. */
  quota: number;
  /** The scenario's own that are not deleted, and those of them that do not wait. */
  ours: number;
  oursActive: number;
  /** When anything last happened to one. */
  changedAt: Micros;
  passDue: boolean;
}

/**
 * The tasks of asynchronous services (guide 3345-3420). A task runs as one request on one instance with room for it;
 * those that wait start in order of creation, spread as calls are: by weights, breakers and routing policies.
 *
 * A task that is lost with its container begins anew as often as its service has calls retried; then it has failed, for
 * what a container was given is gone with it. One whose instance is taken out, by an upgrade or by scaling in, waits for
 * another and begins anew, however often: that is the platform's doing.
 */
export class Tasks {
  readonly #kernel: Kernel;
  readonly #platform: Platform;
  readonly #gateway: TaskPorts;
  readonly #log: RequestLog;
  readonly #events: EventLog;
  readonly #slots = new TaskSlots();
  readonly #queues = new Map<Service, Queue>();
  readonly #tasks: Task[] = [];
  readonly #pass: EventKind;
  readonly #collect: EventKind;

  constructor(kernel: Kernel, platform: Platform, gateway: TaskPorts, log: RequestLog, events: EventLog) {
    this.#kernel = kernel;
    this.#platform = platform;
    this.#gateway = gateway;
    this.#log = log;
    this.#events = events;
    this.#pass = kernel.kind('gateway/tasks', Priority.arrival, (index) => this.#onPass(platform.services[index]!));
    this.#collect = kernel.kind('gateway/collect-task', Priority.script, (number) =>
      this.#collected(this.#tasks[number]!),
    );
  }

  /** Every task that ever was, in order of creation. */
  get all(): readonly Task[] {
    return this.#tasks;
  }

  /** Something is going to happen to a task of the scenario's own traffic. */
  get open(): boolean {
    for (const { ours, oursActive, changedAt } of this.#queues.values()) {
      if (oursActive > 0 || (ours > 0 && this.#kernel.now - changedAt < PATIENCE)) return true;
    }
    return false;
  }

  /** Tasks of a service that take its quota. */
  quotaOf(service: Service): number {
    return this.#queue(service).quota;
  }

  /** Tasks that an instance holds. */
  heldBy(instance: Instance): number {
    return this.#slots.held(instance);
  }

  /** What a task call is refused with; asking changes nothing, but that a creation is counted. */
  refusalOf(service: Service, what: TaskCall, caller: Caller): Refusal | undefined {
    return refusalOfTask(this.#gateway, this.#kernel.now, service, what, caller);
  }

  /** Who takes the requests of a service may be different, or where it stands. */
  backendsChanged(service: Service): void {
    if (service.spec.mode === 'asynchronous' && this.#queue(service).waiting.length > 0) this.#touch(service);
  }

  /** @param start it is to run as soon as there is room for it */
  create(call: Call, start: boolean): TaskAnswer {
    const service = this.#serviceOf(call);
    const work = { call, routed: routedCall(call, service), promptTokens: call.promptTokens };
    return this.#enter(service, work, this.refusalOf(service, 'create', call), start ? 'starting' : 'created');
  }

  /** A request of the scenario's own traffic becomes a task, which its client collects. */
  offer(service: Service, request: TrafficRequest, spec: Partial<TrafficSpec> = {}): void {
    const { clientIp, sloClass = service.spec.sloClass, collect = 0 as Micros, route } = spec;
    const { promptTokens, prefix } = request;
    const work = { request, route, promptTokens, routed: { clientIp, sloClass, prefix: prefix?.hashes, promptTokens } };
    const refusal = this.#gateway.draining()
      ? gatewayRefusal('noBackend')
      : this.#gateway.gateOf(service).refusalOfTraffic(this.#kernel.now, clientIp);
    this.#enter(service, work, refusal, 'starting', collect);
  }

  /** Gives a task that does not run another body. */
  update(number: number, call: Call): TaskAnswer {
    const service = this.#serviceOf(call);
    return this.#order('update', { service: service.name, task: number, by: call }, (task) => {
      task.work = { call, routed: routedCall(call, service), promptTokens: call.promptTokens };
      this.#kernel.trace.tell(this.#kernel.now, `task ${number} updated`);
    });
  }

  start(order: TaskOrder): TaskAnswer {
    return this.#order('start', order, (task) => {
      task.retries = 0;
      this.#wait(task, 'starting');
    });
  }

  stop(order: TaskOrder): TaskAnswer {
    return this.#order('stop', order, (task) => this.#letGo(task, 'stopping', 'stopped'));
  }

  delete(order: TaskOrder): TaskAnswer {
    return this.#order('delete', order, (task) => this.#letGo(task, 'deleting', 'deleted'));
  }

  #serviceOf({ to }: Call): Service {
    return this.#platform.service('service' in to ? to.service : '')!;
  }

  #enter(
    service: Service,
    work: TaskWork,
    refusal: Refusal | undefined,
    state: 'created' | 'starting',
    collected?: Micros,
  ): TaskAnswer {
    const queue = this.#queue(service);
    const full = queue.quota >= (service.spec.maxTasks ?? 0);
    if (refusal !== undefined || full) {
      this.#refused(service, work, refusal?.status ?? QUOTA_STATUS);
      return refusal === undefined ? { problem: 'quota' } : { refusal };
    }
    const invalid = work.call?.invalid;
    const first = invalid === undefined ? state : 'created_failed';
    const { now } = this.#kernel;
    const task = new Task(this.#tasks.length, service, work, first, now, collected);
    this.#tasks.push(task);
    this.#kernel.trace.tell(now, `task ${task.number} of ${service.name} ${first}`);
    queue.changedAt = now;
    if (task.takesQuota) queue.quota++;
    if (collected !== undefined) queue.ours++;
    if (invalid !== undefined) {
      this.#refused(service, work, invalid);
      task.error = { by: 'engine', error: 'invalid', status: invalid, maxModelLen: 0 };
      task.endedAt = now;
      task.outcome = first;
    }
    if (task.waits) this.#queueUp(task);
    return { task };
  }

  /** Does what an order asks of a task, unless it may not be given or comes at the wrong time. */
  #order(what: keyof typeof TASK_TAKES, order: TaskOrder, act: (task: Task) => void): TaskAnswer {
    const service = this.#platform.service(order.service)!;
    const refusal = this.refusalOf(service, what, order.by);
    if (refusal !== undefined) return { refusal };
    const task = this.#tasks[order.task];
    if (task?.service !== service) return { problem: 'unknown' };
    if (!TASK_TAKES[what].includes(task.state)) return { problem: 'state', task };
    act(task);
    return { task };
  }

  /** Its container is to let go of it; nobody runs it, it goes at once. */
  #letGo(task: Task, going: 'stopping' | 'deleting', gone: 'stopped' | 'deleted'): void {
    if (!task.runs) {
      if (task.waits) this.#leaveQueue(task);
      this.#move(task, gone);
      return;
    }
    const asked = task.state !== 'running';
    const { replica } = task.holder!;
    if (replica.stalled) {
      const why = `${replica.name} does not answer, and goes on with task ${task.number}`;
      this.#events.service(task.service.name, 'asyncTaskCancellationFailed', why);
    }
    this.#move(task, going);
    if (!asked) this.#gateway.disconnect(task.request!);
  }

  #wait(task: Task, state: 'starting' | 'upgrading'): void {
    this.#move(task, state);
    this.#queueUp(task);
  }

  #queueUp(task: Task): void {
    const { waiting } = this.#queue(task.service);
    let at = waiting.length;
    while (at > 0 && waiting[at - 1]!.number > task.number) at--;
    waiting.splice(at, 0, task);
    this.#touch(task.service);
  }

  #leaveQueue(task: Task): void {
    const { waiting } = this.#queue(task.service);
    waiting.splice(waiting.indexOf(task), 1);
  }

  /** Somebody waits, or there is room: once all that happens now has happened, as many begin as can. */
  #touch(service: Service): void {
    const queue = this.#queue(service);
    if (queue.passDue) return;
    queue.passDue = true;
    this.#kernel.schedule(this.#pass, this.#kernel.now, service.index);
  }

  #onPass(service: Service): void {
    const queue = this.#queue(service);
    queue.passDue = false;
    if (STOPS_TASKS_IN.includes(service.status)) {
      for (const task of queue.waiting.splice(0)) this.#move(task, 'stopped');
      return;
    }
    if (this.#gateway.draining()) return;
    // A stopped task that its container still holds needs no other place.
    const held = queue.waiting.filter((task) => this.#slots.holderOf(task) !== undefined);
    for (const task of held) {
      const { replica } = task.holder!;
      if (!replica.deployment.backends.includes(replica) || !replica.loaded) {
        this.#slots.release(task);
        continue;
      }
      this.#leaveQueue(task);
      this.#begin(task, replica);
    }
    for (let task = queue.waiting[0]; task !== undefined; task = queue.waiting[0]) {
      const takes = (replica: UnitReplica): boolean => this.#slots.takes(replica);
      const replica = this.#gateway.route(service, task.work.routed, takes);
      if (replica === undefined) return;
      queue.waiting.shift();
      this.#begin(task, replica);
    }
  }

  #begin(task: Task, replica: UnitReplica): void {
    const { service, work, state } = task;
    const over = (end: ReplyState, refusal: Refusal | undefined) => this.#over(task, end, refusal);
    const request = perform(this.#gateway, this.#log, this.#kernel.now, task, replica, over);
    if (!('number' in request)) {
      this.#refused(service, work, request.status);
      task.error = request;
      this.#slots.release(task);
      this.#move(task, state === 'upgrading' ? 'upgrade_failed' : 'start_failed');
      return;
    }
    if (task.holder === undefined) this.#slots.take(task, replica);
    task.request = request.number;
    task.reply = request.reply;
    task.answerStatus = request.choices[0]?.answer?.status ?? 200;
    if (!Number.isFinite(task.startedAt)) task.startedAt = this.#kernel.now;
    this.#move(task, 'running');
  }

  /** The request that a task runs as has ended. */
  #over(task: Task, end: ReplyState, refusal: Refusal | undefined): void {
    if (task.state === 'deleting') {
      this.#move(task, 'deleted');
      return;
    }
    if (end === 'finished') {
      const { answerStatus: status } = task;
      if (status >= ERRORS_FROM) task.error = { by: 'engine', error: 'invalid', status, maxModelLen: 0 };
      this.#move(task, status >= ERRORS_FROM ? 'failed' : 'succeeded');
      return;
    }
    task.reply = undefined;
    if (end === 'aborted' || task.state === 'stopping') {
      this.#move(task, 'stopped');
    } else if (refusal?.by === 'gateway' && refusal.error === 'backendTimeout') {
      task.error = refusal;
      this.#move(task, 'timeout');
    } else this.#lost(task, refusal);
  }

  #lost(task: Task, refusal: Refusal | undefined): void {
    const { service } = task;
    const { instance, deployment } = task.holder!.replica;
    const tries = service.spec.retry?.count ?? 0;
    if (STOPS_TASKS_IN.includes(service.status)) this.#move(task, 'stopped');
    else if (instance.leaving) {
      this.#slots.release(task);
      this.#wait(task, instance.version === deployment.version ? 'starting' : 'upgrading');
    } else if (task.retries < tries) {
      task.retries++;
      this.#slots.release(task);
      this.#wait(task, 'starting');
    } else {
      task.error = refusal;
      this.#move(task, 'failed');
    }
  }

  #move(task: Task, to: TaskState): void {
    const { state: from, service, collected, number } = task;
    assert(follows(from, to), () => `task ${number} goes from ${from} to ${to}`);
    const queue = this.#queue(service);
    const { now } = this.#kernel;
    if (collected !== undefined) queue.oursActive -= isActive(task);
    task.state = to;
    task.changedAt = now;
    queue.changedAt = now;
    this.#kernel.trace.tell(now, `task ${number} ${to}`);
    if (TASK_STATES[from].takesQuota && !task.takesQuota) queue.quota--;
    if (collected !== undefined) queue.oursActive += isActive(task);
    if (to === 'deleted') this.#forget(task, queue);
    else if (!task.takesQuota) {
      task.endedAt = now;
      task.outcome = to;
    }
    if (collected === undefined || task.runs || task.waits || to === 'deleted') return;
    // Its client asks at its own times, counted from when it created the task; without a time it waits at the door.
    const asks =
      collected === 0
        ? now
        : after(task.createdAt, (collected * Math.ceil((now - task.createdAt) / collected)) as Micros);
    this.#kernel.schedule(this.#collect, asks, number);
  }

  /** It frees its place, and the work with it. */
  #forget(task: Task, queue: Queue): void {
    if (task.collected !== undefined) queue.ours--;
    this.#slots.release(task);
    task.reply = undefined;
    if (queue.waiting.length > 0) this.#touch(task.service);
  }

  /** What a client of traffic finds done, or given up on, it deletes. */
  #collected(task: Task): void {
    if (!task.runs && !task.waits && task.state !== 'deleted') this.#move(task, 'deleted');
  }

  #refused({ index }: Service, { promptTokens, request }: TaskWork, status: number): void {
    const { outputTokens = 0, row = NO_ROW } = request ?? {};
    this.#log.ended(this.#log.arrived(index, promptTokens, outputTokens, row), Outcome.refused, status, 0);
  }

  #queue(service: Service): Queue {
    let queue = this.#queues.get(service);
    if (queue === undefined) {
      const changedAt = this.#kernel.now;
      queue = { waiting: [], quota: 0, ours: 0, oursActive: 0, changedAt, passDue: false };
      this.#queues.set(service, queue);
    }
    return queue;
  }
}

/** 1 for what waits for nobody but its client or its engine. */
function isActive(task: Task): number {
  return task.waits || task.state === 'deleted' ? 0 : 1;
}
