import type { ServingProcess } from '../engine/index.ts';
import type { Micros } from '../kernel/index.ts';
import type { UnitReplica } from '../platform/index.ts';
import type { Choice } from './choice.ts';
import type { Passage } from './circuit-breaker.ts';
import type { OpenRequest } from './open-request.ts';
import type { RoutedRequest } from './routing/index.ts';

/**
 * One try to have a request answered, at one replica: all its choices, each on its way through one or two engines. It
 * ends once, with the last of them, be it that its client waits for it or not.
 */
export class Attempt {
  readonly replica: UnitReplica;
  readonly routed: RoutedRequest;
  readonly startedAt: Micros;
  /** Who waits for it; undefined: it is a copy, or its client has had an answer otherwise. */
  request: OpenRequest | undefined;
  /** What each choice began with. */
  readonly legs: Choice[] = [];
  over = false;
  /** What its client gets with a whole answer. */
  readonly status: number;
  /** Where each choice's tokens come from that its client gets, where somebody wants to know. */
  readonly #shown: { readonly engine: ServingProcess; readonly choice: Choice }[] | undefined;
  /** Replicas in whose figures it counts as open; undefined where it counts nowhere. */
  bookedAt: UnitReplica[] | undefined;
  /** The circuit breaker of its replica has let it through. */
  passage: Passage | undefined;

  constructor(request: OpenRequest, replica: UnitReplica, startedAt: Micros, isCopy: boolean) {
    this.request = isCopy ? undefined : request;
    this.routed = request.routed;
    this.replica = replica;
    this.startedAt = startedAt;
    this.status = request.choices[0]?.answer?.status ?? 200;
    this.#shown = request.watched ? [] : undefined;
  }

  show(engine: ServingProcess, choice: Choice): void {
    if (this.#shown === undefined) return;
    this.#shown[choice.index] = { engine, choice };
    this.request?.reply?.follow(engine, choice);
  }

  /** The moments of the tokens that have come by now, by choice. They must have been watched. */
  tokenTimes(now: Micros): Micros[][] {
    return (this.#shown ?? []).map(({ engine, choice }) => {
      const times = [...(choice.tokenTimes ?? [])];
      // What the segment in progress has brought is not in there yet.
      for (let at = engine.tokenTime(choice, times.length); at <= now; at = engine.tokenTime(choice, times.length)) {
        times.push(at);
      }
      return times;
    });
  }
}
