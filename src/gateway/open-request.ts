import { type EventToken, type Micros, NO_EVENT } from '../kernel/index.ts';
import type { Service, UnitReplica } from '../platform/index.ts';
import type { Attempt } from './attempt.ts';
import type { Call } from './call.ts';
import type { PlannedChoice } from './choice-plan.ts';
import type { Reply } from './reply.ts';
import type { RoutedRequest } from './routing/index.ts';

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
}

/** A request that has been let in, until its client has all that it gets. */
export class OpenRequest implements RequestFacts {
  readonly number: number;
  readonly service: Service;
  readonly arrivedAt: Micros;
  readonly choices: readonly PlannedChoice[];
  readonly routed: RoutedRequest;
  readonly priority: number;
  readonly watched: boolean;
  readonly call: Call | undefined;
  readonly reply: Reply | undefined;
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
    this.arrivedAt = facts.arrivedAt;
    this.choices = facts.choices;
    this.routed = facts.routed;
    this.priority = facts.priority;
    this.watched = facts.watched;
    this.call = facts.call;
    this.reply = facts.reply;
  }

  /** It came to a pod's own endpoint, past the gateway: one try, as long as it takes. */
  get direct(): boolean {
    return this.call !== undefined && 'slot' in this.call.to;
  }

  /** Its client gets every token as a piece of its own; else all of the answer is one piece. */
  get streamed(): boolean {
    return this.call?.streamed !== false && this.call?.pooling !== true;
  }
}
