import { Cluster } from '../cluster/index.ts';
import { EngineRoom, KvLinkRoom } from '../engine/index.ts';
import { type EngineTap, Gateway, type Reply, type TaskAnswer, Tasks, type TokenSink } from '../gateway/index.ts';
import {
  after,
  type EventKind,
  fromSeconds,
  Kernel,
  type Micros,
  NEVER,
  Priority,
  type RunningHash,
  type TraceSink,
} from '../kernel/index.ts';
import { type Operation, Platform, type Service, type UnitReplica } from '../platform/index.ts';
import { EventLog, type EventSink, RequestLog } from '../telemetry/index.ts';
import { checkConservation } from './checks/conservation.ts';
import { checkTasks } from './checks/tasks.ts';
import type { Command } from './commands.ts';
import type { LabDescription, TimelineEntry } from './description.ts';
import { Faults } from './faults.ts';
import { takeTaskCommand } from './task-commands.ts';
import { Traffic } from './traffic.ts';

export interface WorldOptions {
  /** Gets the canonical trace, line by line. */
  readonly traceSink?: TraceSink;
  /** What hashes the trace; the kernel's own otherwise. */
  readonly traceHash?: RunningHash;
  /** Gets the moments of every request's tokens. Whether anyone asks changes nothing else. */
  readonly tokenSink?: TokenSink;
  /** Gets every platform event as it happens. */
  readonly eventSink?: EventSink;
  /** Leave the scenario's own traffic and timeline out. */
  readonly noTraffic?: boolean;
}

/** From end to end no answer takes longer (guide 259): requests that have not moved for so long never will. */
const PATIENCE = fromSeconds(3_600);

/** An operator's wish. */
export interface OperationRecord {
  readonly at: Micros;
  readonly operation: Operation;
  /** Why it was refused; undefined when it was taken. */
  readonly refusal: string | undefined;
}

/**
 * One running world: the rooms composed. Commands go in, queries come out; between them only simulated time moves.
 * Two worlds of one description and the same commands at the same moments are the same world.
 */
export class World {
  readonly description: LabDescription;
  /** The scenario's, or none where it is left out. */
  readonly timeline: readonly TimelineEntry[];
  readonly kernel: Kernel;
  readonly cluster: Cluster;
  readonly engines: EngineRoom;
  readonly platform: Platform;
  readonly gateway: Gateway;
  readonly tasks: Tasks;
  /** What came of the latest command that concerns a task. */
  taskAnswer: TaskAnswer | undefined;
  readonly requests: RequestLog;
  readonly events: EventLog;
  readonly traffic: Traffic;
  readonly faults: Faults;
  /** What operators have asked for. */
  readonly operations: OperationRecord[] = [];
  /** What was heard of each engine, by its number. */
  readonly taps: EngineTap[] = [];
  /** The replica whose engine each was, by its number. */
  readonly owners: UnitReplica[] = [];
  /** The pod, the first of several, that each engine ran in, by its number: a replica gets others in its time. */
  readonly podNames: string[] = [];
  /** When every service's first deployment was over: the zero of `from: ready`. NEVER until then. */
  settledAt: Micros = NEVER;
  readonly #timelineEntry: EventKind;
  readonly #durationEnd: EventKind;
  #timelineLeft: number;
  #durationOver = false;
  /** A run has come to a moment after which nothing happens. */
  #nothingDue = false;

  /** @throws UserError when an engine of the description could not start (see `engineSpec`). */
  constructor(description: LabDescription, options: WorldOptions = {}) {
    this.description = description;
    this.kernel = new Kernel(description.seed, options.traceSink, options.traceHash);
    this.requests = new RequestLog(this.kernel);
    this.events = new EventLog(this.kernel, options.eventSink);
    this.cluster = new Cluster(description.pools);
    this.engines = new EngineRoom(this.kernel);
    const links = new KvLinkRoom(this.kernel);
    this.platform = new Platform(description.services, {
      kernel: this.kernel,
      cluster: this.cluster,
      events: this.events,
      timings: description.timings,
      epoch: description.epoch,
      iam: description.iam,
      vpcs: description.vpcs,
      startEngine: (replica, started) => {
        const tap = this.gateway.tap(replica, () => this.platform.sequenceEnded(replica));
        const engine = this.engines.startAs(started, tap);
        this.taps[engine.id] = tap;
        this.owners[engine.id] = replica;
        this.podNames[engine.id] = replica.name;
        return engine;
      },
      onEngineStarted: (replica) => this.faults.onEngineStarted(replica),
      openLink: (spec) => links.open(spec),
      onSettled: (service) => this.#onSettled(service),
      onBackendsChanged: (service) => this.tasks.backendsChanged(service),
    });
    this.gateway = new Gateway(this.kernel, this.platform, this.requests, options.tokenSink);
    const { forTasks } = this.gateway;
    this.tasks = new Tasks(this.kernel, this.platform, forTasks, this.requests, this.events);
    this.faults = new Faults(this.kernel, this.cluster, this.platform, this.gateway);
    const { services } = this.platform;
    const traffic = options.noTraffic === true ? [] : description.traffic;
    this.traffic = new Traffic(this.kernel, this, services, traffic, description.duration);
    this.timeline = options.noTraffic === true ? [] : description.timeline;
    this.#timelineLeft = this.timeline.length;
    this.#timelineEntry = this.kernel.kind('lab/timeline', Priority.script, (index) => {
      this.#timelineLeft--;
      const entry = this.timeline[index]!;
      if ('fault' in entry) this.faults.strike(entry.fault);
      else this.#operate(entry.operation);
    });
    this.#durationEnd = this.kernel.kind('lab/duration-end', Priority.script, () => {
      this.#durationOver = true;
    });
    this.platform.deploy();
    this.#scheduleTimeline('boot');
    this.traffic.boot();
    if (services.length === 0) this.#settle();
  }

  get now(): Micros {
    return this.kernel.now;
  }

  /** Every service's first deployment is over. */
  get settled(): boolean {
    return this.settledAt !== NEVER;
  }

  /**
   * The scenario has run: its duration has passed, its timeline is done, its traffic has ended and so has every request
   * and task, but for those that never will.
   */
  get over(): boolean {
    if (!this.settled || !this.traffic.ended) return false;
    if ((this.requests.inFlight > 0 || this.tasks.open) && this.neverEnded === 0) return false;
    return this.description.duration === undefined ? this.#timelineLeft === 0 : this.#durationOver;
  }

  /** Entries of the timeline that have not come. */
  get timelineLeft(): number {
    return this.#timelineLeft;
  }

  /**
   * Requests that nothing will end: their pods hang, nobody finds out, and no timeout of the service ends them. None
   * has moved for an hour, or nothing more is due at all.
   */
  get neverEnded(): number {
    const stuck = this.#nothingDue || this.now - this.requests.movedAt >= PATIENCE;
    return stuck ? this.requests.inFlight : 0;
  }

  /**
   * Runs until the scenario is over, or `limit` events have run.
   * @returns true once it is over.
   */
  run(limit = Number.POSITIVE_INFINITY): boolean {
    for (let count = 0; !this.over; count++) {
      if (count >= limit) return false;
      if (this.kernel.step()) continue;
      this.#nothingDue = true;
      break;
    }
    this.kernel.runUntil(this.kernel.now);
    return true;
  }

  /** Runs until every service's first deployment is over. */
  runUntilSettled(): void {
    while (!this.settled && this.kernel.step());
    this.kernel.runUntil(this.kernel.now);
  }

  /** Runs everything due by `until` and moves the clock there. @returns false if `limit` events ran before. */
  runUntil(until: Micros, limit?: number): boolean {
    return this.kernel.runUntil(until, limit);
  }

  /**
   * Takes a command at `at`, after everything due by then has run.
   * @returns the reply of a call
   */
  apply(at: Micros, command: Command): Reply | undefined {
    this.kernel.runUntil(at);
    this.kernel.trace.tell(this.now, `command ${JSON.stringify(command)}`);
    switch (command.kind) {
      case 'call':
        return this.gateway.call(command.call);
      case 'question':
        this.gateway.ask(command.question);
        return undefined;
      case 'connect':
        this.gateway.connect(command.handshake);
        return undefined;
      case 'hang-up':
        this.gateway.hangUp(command.connection);
        return undefined;
      case 'disconnect':
        this.gateway.disconnect(command.request);
        return undefined;
      case 'fault':
        this.faults.strike(command.fault);
        return undefined;
      case 'operate':
        this.#operate(command.operation);
        return undefined;
      case 'issue-token': {
        const { digest, project, expiresAt, user } = command;
        this.platform.credentials.issueToken(digest, { project, expiresAt, user }, this.now);
        return undefined;
      }
      case 'create-task':
      case 'update-task':
      case 'start-task':
      case 'stop-task':
      case 'delete-task':
        this.taskAnswer = takeTaskCommand(this.tasks, command);
        return undefined;
      case 'drain':
        this.traffic.stop();
        this.gateway.drain();
        return undefined;
      case 'stop':
        this.traffic.stop();
        this.gateway.stop();
        for (const engine of this.engines.processes) engine.die();
        return undefined;
    }
  }

  /** Holds what must always hold against the state as it is. @throws when something does not. */
  check(): void {
    checkConservation(this);
    checkTasks(this);
  }

  #operate(operation: Operation): void {
    this.operations.push({ at: this.now, operation, refusal: this.platform.operate(operation) });
  }

  #onSettled(service: Service): void {
    this.traffic.onSettled(service);
    if (this.platform.services.every((each) => each.settled)) this.#settle();
  }

  #settle(): void {
    this.settledAt = this.now;
    this.#scheduleTimeline('ready');
    const { duration } = this.description;
    if (duration !== undefined) this.kernel.schedule(this.#durationEnd, after(this.now, duration));
  }

  #scheduleTimeline(from: TimelineEntry['from']): void {
    for (const [index, entry] of this.timeline.entries()) {
      if (entry.from === from) this.kernel.schedule(this.#timelineEntry, after(this.now, entry.at), index);
    }
  }
}
