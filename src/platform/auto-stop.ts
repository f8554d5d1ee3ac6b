import {
  after,
  type EventKind,
  type EventToken,
  fromSeconds,
  type Kernel,
  type Micros,
  Priority,
} from '../kernel/index.ts';
import type { EventLog } from '../telemetry/index.ts';
import type { Service } from './service.ts';
import type { ServiceStatus } from './states.ts';

export const SHORTEST_AUTO_STOP = fromSeconds(60);
export const LONGEST_AUTO_STOP = fromSeconds(24 * 3_600);

/** What cannot be stopped just then, an upgrade for one, is asked to stop again so much later. Assumed. */
const RETRY = fromSeconds(60);
/** In which a service begins to run, and in which it runs no more; what is between goes on counting. */
const BEGINS_IN: readonly ServiceStatus[] = ['RUNNING', 'CONCERNING'];
const ENDS_IN: readonly ServiceStatus[] = ['STOPPING', 'STOPPED', 'FAILED', 'DELETING', 'INIT'];

/** The auto stop of a service (the contract's ScheduleConfigResponse). */
export interface AutoStopState {
  /** How long it may run. */
  readonly limit: Micros;
  /** When it is stopped; undefined while it does not run. */
  readonly dueAt: Micros | undefined;
  /** It was stopped for this, and has not run since. */
  readonly processed: boolean;
}

interface Timer {
  limit: Micros | undefined;
  /** Since when it has run; undefined while it does not. */
  since: Micros | undefined;
  due: { readonly at: Micros; readonly token: EventToken } | undefined;
  processed: boolean;
}

/**
 * Stops services that have run for as long as they may (guide 233). A run begins when a service comes to run and ends
 * when it is stopped; alarms, failures and upgrades between do not interrupt it.
 */
export class AutoStop {
  readonly #kernel: Kernel;
  readonly #events: EventLog;
  readonly #stop: (service: Service) => void;
  readonly #due: EventKind;
  readonly #timers = new Map<Service, Timer>();

  constructor(kernel: Kernel, events: EventLog, services: readonly Service[], stop: (service: Service) => void) {
    this.#kernel = kernel;
    this.#events = events;
    this.#stop = stop;
    this.#due = kernel.kind('platform/auto-stop', Priority.control, (index) => this.#onDue(services[index]!));
  }

  /** Where the auto stop of a service stands; undefined when it has none. */
  of(service: Service): AutoStopState | undefined {
    const { limit, due, processed } = this.#timer(service);
    return limit === undefined ? undefined : { limit, dueAt: due?.at, processed };
  }

  statusChanged(service: Service): void {
    const timer = this.#timer(service);
    if (ENDS_IN.includes(service.status)) {
      timer.since = undefined;
      this.#plan(service, undefined);
    } else if (BEGINS_IN.includes(service.status) && timer.since === undefined) {
      timer.since = this.#kernel.now;
      timer.processed = false;
      this.#count(service, timer);
    }
  }

  /**
   * Sets how long a service may run; undefined: for ever. A run in progress counts from its beginning.
   * @returns why it was refused
   */
  set(service: Service, limit: Micros | undefined): string | undefined {
    if (limit !== undefined && !(limit >= SHORTEST_AUTO_STOP && limit <= LONGEST_AUTO_STOP)) {
      return `auto stop is after 1 minute to 24 hours, not ${limit / 60e6} minutes`;
    }
    const timer = this.#timer(service);
    timer.limit = limit;
    timer.processed = false;
    this.#count(service, timer);
    return undefined;
  }

  #timer(service: Service): Timer {
    let timer = this.#timers.get(service);
    if (timer === undefined) {
      timer = { limit: service.spec.autoStop, since: undefined, due: undefined, processed: false };
      this.#timers.set(service, timer);
    }
    return timer;
  }

  #count(service: Service, { limit, since }: Timer): void {
    if (limit === undefined || since === undefined) {
      this.#plan(service, undefined);
      return;
    }
    const { now } = this.#kernel;
    const at = Math.max(now, after(since, limit)) as Micros;
    this.#plan(service, at);
    if (at > now) this.#events.service(service.name, 'autoStopScheduled', Number(((at - now) / 3600e6).toFixed(2)));
  }

  #plan(service: Service, at: Micros | undefined): void {
    const timer = this.#timer(service);
    if (timer.due !== undefined) this.#kernel.cancel(timer.due.token);
    timer.due = at === undefined ? undefined : { at, token: this.#kernel.schedule(this.#due, at, service.index) };
  }

  /** Once all that runs is being stopped, the status has ended the run. */
  #onDue(service: Service): void {
    const timer = this.#timer(service);
    this.#stop(service);
    timer.processed = true;
    if (timer.since !== undefined) this.#plan(service, after(this.#kernel.now, RETRY));
  }
}
