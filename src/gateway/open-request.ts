import { type EventToken, type Micros, NO_EVENT } from '../kernel/index.ts';
import type { Service, ServiceSpec, UnitReplica } from '../platform/index.ts';
import type { Attempt } from './attempt.ts';
import type { Call, Refusal } from './call.ts';
import type { PlannedChoice } from './choice-plan.ts';
import type { Connection } from './connections.ts';
import type { Reply, ReplyState } from './reply.ts';
import type { RoutedRequest } from './routing/index.ts';

/** Told how a request has ended, and what its client gets in place of an answer. */
export type RequestOver = (state: ReplyState, refusal: Refusal | undefined) => void;

/** What is known of a request when it has come in. */
export interface RequestFacts {
  /** In the log. */
  readonly number: number;
  readonly service: Service;
  readonly arrivedAt: Micros;
  readonly choices: readonly PlannedChoice[];
  readonly routed: RoutedRequest;
  readonly priority: number;
  /** Moments of its tokens are to be kept. */
  readonly watched: boolean;
  /** Of a call from outside. */
  readonly call?: Call | undefined;
  readonly reply?: Reply | undefined;
  /** The connection that it came over, if that is for more than one. */
  readonly connection?: Connection | undefined;
  /** Of a task: it is tried once, and whoever minds tasks goes on. */
  readonly over?: RequestOver | undefined;
}

/** A request that has been let in, until its client has all that it gets. */
export class OpenRequest implements RequestFacts {
  readonly number: number;
  readonly service: Service;
  /** Of the service when it came in: its timeout and its tries are those of then. */
  readonly settings: ServiceSpec;
  readonly arrivedAt: Micros;
  readonly choices: readonly PlannedChoice[];
  readonly routed: RoutedRequest;
  readonly priority: number;
  readonly watched: boolean;
  readonly call: Call | undefined;
  readonly reply: Reply | undefined;
  readonly connection: Connection | undefined;
  readonly over: RequestOver | undefined;
  /** The try that is on; undefined while it waits for the next. */
  attempt: Attempt | undefined;
  /** Where it was tried last. */
  last: UnitReplica | undefined;
  retries = 0;
  /** Mirrors have been asked whether they want a copy. */
  mirrored = false;
  /** Its client has gone. */
  leaving = false;
  timer: EventToken = NO_EVENT;

  constructor(facts: RequestFacts) {
    this.number = facts.number;
    this.service = facts.service;
    this.settings = facts.service.spec;
    this.arrivedAt = facts.arrivedAt;
    this.choices = facts.choices;
    this.routed = facts.routed;
    this.priority = facts.priority;
    this.watched = facts.watched;
    this.call = facts.call;
    this.reply = facts.reply;
    this.connection = facts.connection;
    this.over = facts.over;
  }

  /** It came to a pod's own endpoint, past the gateway: one try, as long as it takes. */
  get direct(): boolean {
    return this.call !== undefined && 'slot' in this.call.to;
  }

  /** Its client gets every token as a piece of its own; else all of the answer is one piece. */
  get streamed(): boolean {
    return this.over === undefined && this.call?.streamed !== false && this.call?.pooling !== true;
  }
}
