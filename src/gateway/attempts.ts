import type { EndReason } from '../engine/index.ts';
import { assert, type Kernel } from '../kernel/index.ts';
import type { UnitReplica } from '../platform/index.ts';
import type { RequestLog } from '../telemetry/index.ts';
import { Attempt } from './attempt.ts';
import { Choice, type ChoiceAsk, ChoiceGroup, type RequestEnd, type Siblings } from './choice.ts';
import type { CallEnd } from './circuit-breaker.ts';
import { abortAt, Disaggregation } from './disaggregation.ts';
import { EngineTap } from './engine-tap.ts';
import type { OpenRequest } from './open-request.ts';
import type { Router } from './router.ts';

const CALL_ENDS: Readonly<Record<EndReason, CallEnd>> = { finished: 'answered', cut: 'failed', aborted: 'left' };

/** Work that engines have been given and have not ended. */
export interface OpenWork {
  readonly attempts: number;
  /** Of those, copies, and what nobody waits for any more. */
  readonly detached: number;
  /** Answers in the making, of all of them. */
  readonly choices: number;
}

/** Gives engines what is to be done, and hears what comes of it. */
export class Attempts {
  readonly #kernel: Kernel;
  readonly #log: RequestLog;
  readonly #router: Router;
  readonly #onEnd: (attempt: Attempt, end: RequestEnd) => void;
  readonly #handOff: Disaggregation;
  #attempts = 0;
  #detached = 0;
  #choices = 0;

  /** @param onEnd told of an attempt's end, whoever waits for it */
  constructor(kernel: Kernel, log: RequestLog, router: Router, onEnd: (attempt: Attempt, end: RequestEnd) => void) {
    this.#kernel = kernel;
    this.#log = log;
    this.#router = router;
    this.#onEnd = onEnd;
    this.#handOff = new Disaggregation(kernel, {
      decoderOf: ({ attempt }, instance, decoders) => router.decoder(instance, decoders, attempt.routed),
      movedTo: (replica, choice) => this.#movedTo(replica, choice),
      ended: (prefill, reason, outputTokens) => this.#choiceEnded(prefill, reason, outputTokens),
    });
  }

  get work(): OpenWork {
    return { attempts: this.#attempts, detached: this.#detached, choices: this.#choices };
  }

  /**
   * The listener of a new engine.
   * @param onEnded called whenever a sequence of it has ended
   * @param onDied called when its process is gone
   */
  tap(onEnded: () => void, onDied: () => void): EngineTap {
    const handOff = this.#handOff;
    return new EngineTap(this.#kernel, this.#log, {
      onAdmitted: (choice) => handOff.onAdmitted(choice),
      onPrefilled: (choice) => handOff.onPrefilled(choice),
      onReceiving: (choice) => handOff.onReceiving(choice),
      showsFirstToken: (choice) => handOff.showsFirstToken(choice),
      onFirstToken: ({ attempt }) => this.#router.answers(attempt),
      endsChoice: (choice, reason) => handOff.onEnded(choice, reason),
      onEnded,
      onDied,
      onChoiceEnd: (choice, reason) => this.#choiceEnded(choice, reason, choice.generated),
    });
  }

  /**
   * Has a request answered at a replica, which has loaded its model.
   * @param isCopy its answers are nobody's
   */
  start(request: OpenRequest, replica: UnitReplica, isCopy = false): Attempt {
    const { choices, number, call, direct } = request;
    const attempt = new Attempt(request, replica, this.#kernel.now, isCopy);
    if (isCopy) this.#detached++;
    else {
      request.attempt = attempt;
      this.#log.routed(number, replica.engine!.id);
    }
    this.#attempts++;
    this.#choices += choices.length;
    if (!direct) this.#router.opened(attempt);
    const n = call?.n ?? 1;
    const group = choices.length === 1 ? undefined : new ChoiceGroup(choices.length);
    let siblings: Siblings | undefined;
    for (let index = 0; index < choices.length; index++) {
      if (n > 1 && index % n === 0) siblings = { n, left: n, longest: 0 };
      const leg = this.#submit(request, attempt, index, group, siblings);
      attempt.legs.push(leg);
      if (request.watched && this.#handOff.showsFirstToken(leg)) attempt.show(replica.engine!, leg);
    }
    return attempt;
  }

  /** Its client has had another answer, or none: whatever comes of it is nobody's. */
  detach(attempt: Attempt): void {
    attempt.request = undefined;
    this.#detached++;
    this.#router.closed(attempt, 'failed');
    this.abort(attempt);
  }

  /** Nobody waits for it any more. */
  abort({ legs, replica }: Attempt): void {
    for (const leg of legs) if (!this.#handOff.abort(leg)) abortAt(replica, leg);
  }

  /** Asked at its own endpoint, or for no answer at all, a prefill pod hands nothing on. */
  #submit(
    { choices, number, priority, call, direct, watched }: OpenRequest,
    attempt: Attempt,
    index: number,
    group: ChoiceGroup | undefined,
    siblings: Siblings | undefined,
  ): Choice {
    const { promptTokens, outputTokens, finishReason, prefix, answer } = choices[index]!;
    const { replica, startedAt: arrivedAt } = attempt;
    const pooling = call?.pooling === true;
    const plain: ChoiceAsk = {
      attempt,
      request: number,
      promptTokens,
      outputTokens,
      finishReason,
      priority,
      task: answer?.task,
      watched: watched && attempt.request !== undefined,
      index,
      pooling,
      maxTokens: call?.maxTokens,
      siblings,
      group,
      arrivedAt,
    };
    // A prefix counts only in the unit that the engine's cache has.
    const shares = prefix !== undefined && prefix.unitTokens === replica.modelEngine?.spec.prefixUnitTokens;
    const ask = shares ? { ...plain, prefix: prefix.hashes } : plain;
    if (replica.role === 'prefill' && !direct && !pooling) return this.#handOff.start(replica, ask);
    const choice = new Choice(ask);
    replica.engine!.submit(choice);
    return choice;
  }

  #movedTo(replica: UnitReplica, choice: Choice): void {
    const { attempt } = choice;
    if (attempt.request !== undefined) this.#log.routed(choice.request, replica.engine!.id);
    this.#router.movedTo(attempt, replica);
    attempt.show(replica.engine!, choice);
  }

  /** An attempt ends with the last of its choices; where one is cut, the others are of no use to anybody. */
  #choiceEnded(choice: Choice, reason: EndReason, generated: number): void {
    const { attempt } = choice;
    this.#choices--;
    const end = choice.end(reason, generated);
    if (end === undefined) {
      if (reason === 'cut') this.abort(attempt);
      return;
    }
    assert(!attempt.over, () => `an attempt of request ${choice.request} ends twice`);
    attempt.over = true;
    this.#attempts--;
    if (attempt.request === undefined) this.#detached--;
    this.#router.closed(attempt, end.reason === 'finished' && attempt.status >= 500 ? 'failed' : CALL_ENDS[end.reason]);
    this.#onEnd(attempt, end);
  }
}
