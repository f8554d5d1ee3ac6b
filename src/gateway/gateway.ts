import { type EventKind, type Kernel, type Micros, NEVER, NO_EVENT, Priority } from '../kernel/index.ts';
import { addressText, type Platform, parseAddress, type Service, type UnitReplica } from '../platform/index.ts';
import type { GatewayErrorKey } from '../protocol/index.ts';
import { NO_ROW, Outcome, type RequestLog } from '../telemetry/index.ts';
import { type LengthSampler, lengthSampler, type TrafficRequest, type TrafficSpec } from '../workload/index.ts';
import type { Attempt } from './attempt.ts';
import { Attempts, type OpenWork } from './attempts.ts';
import { type Call, gatewayRefusal, isRefusal, type Refusal } from './call.ts';
import type { RequestEnd } from './choice.ts';
import { type PlannedChoice, planChoices } from './choice-plan.ts';
import { CLIENT_CLOSED_REQUEST, type EngineTap, OUTCOMES, statusOf } from './engine-tap.ts';
import { type Caller, Gate, type RefusalSpell } from './gate.ts';
import { nextDeadline } from './limits.ts';
import { OpenRequest } from './open-request.ts';
import { Reply, type ReplyState } from './reply.ts';
import { nextTry } from './retry.ts';
import { Router } from './router.ts';
import { enginePriority, type RoutedRequest } from './routing/index.ts';

/** Told when a watched request has ended, with the moments of its tokens. */
export type TokenSink = (request: number, tokenTimes: readonly Micros[]) => void;

/** How a request ends for its client. */
interface Ending {
  readonly state: ReplyState;
  readonly outcome: Outcome;
  readonly status: number;
  /** Tokens that the client got, and when, where that is known. */
  readonly tokens: number;
  readonly tokenTimes?: readonly Micros[] | undefined;
  /** What it got in place of an answer. */
  readonly refusal?: Refusal | undefined;
}

/**
 * A request's way in: may it, and where to; and its way on, until its client has all that it gets: its time, its further
 * tries and its copies. What a pod's own endpoint is asked comes past all of that.
 */
export class Gateway {
  readonly #kernel: Kernel;
  readonly #platform: Platform;
  readonly #log: RequestLog;
  readonly #tokenSink: TokenSink | undefined;
  readonly #router: Router;
  readonly #attempts: Attempts;
  readonly #gates = new Map<Service, Gate>();
  readonly #replyLengths = new Map<Service, LengthSampler>();
  /** Requests that have been let in and have not ended. */
  readonly #open = new Map<number, OpenRequest>();
  readonly #timer: EventKind;
  readonly #retry: EventKind;
  #draining = false;
  #stopped = false;

  constructor(kernel: Kernel, platform: Platform, log: RequestLog, tokenSink?: TokenSink) {
    this.#kernel = kernel;
    this.#platform = platform;
    this.#log = log;
    this.#tokenSink = tokenSink;
    this.#router = new Router(kernel);
    this.#attempts = new Attempts(kernel, log, this.#router, (attempt, end) => this.#onEnd(attempt, end));
    this.#timer = kernel.kind('gateway/timeout', Priority.control, (number) => this.#onTimer(this.#open.get(number)!));
    this.#retry = kernel.kind('gateway/retry', Priority.arrival, (number) => this.#onRetry(this.#open.get(number)));
    for (const service of platform.services) {
      this.#gates.set(service, new Gate(service, platform.credentials));
      const stream = kernel.chance.stream(`replies/${service.spec.name}`);
      this.#replyLengths.set(service, lengthSampler(service.spec.replies, stream));
    }
  }

  /**
   * The listener of a new engine.
   * @param onEnded called whenever a sequence of it has ended
   */
  tap(onEnded: () => void): EngineTap {
    return this.#attempts.tap(onEnded);
  }

  /** What is open: requests, those of them that wait to be tried again, and what engines do for them and for nobody. */
  get work(): OpenWork & { readonly requests: number; readonly waiting: number } {
    let waiting = 0;
    for (const { attempt } of this.#open.values()) if (attempt === undefined) waiting++;
    return { ...this.#attempts.work, requests: this.#open.size, waiting };
  }

  /** A request of the scenario's own traffic: it holds what it needs and says how long its answer is. */
  offer(
    service: Service,
    { promptTokens, outputTokens, row, prefix }: TrafficRequest,
    { clientIp, sloClass = service.spec.sloClass }: Pick<TrafficSpec, 'clientIp' | 'sloClass'> = {},
  ): void {
    const arrivedAt = this.#kernel.now;
    const routed = { clientIp, sloClass, prefix: prefix?.hashes, promptTokens };
    const choices = [{ promptTokens, outputTokens, finishReason: 'stop', prefix }] as const;
    const refusal = this.#draining
      ? gatewayRefusal('noBackend')
      : this.#gates.get(service)!.refusalOfTraffic(arrivedAt, clientIp);
    const target = this.#fit(refusal ?? this.#route(service, routed), choices);
    if (isRefusal(target)) {
      this.#refuse(service.index, promptTokens, outputTokens, row, target);
      return;
    }
    const number = this.#log.arrived(service.index, promptTokens, outputTokens, row);
    const watched = this.#tokenSink !== undefined || service.spec.requestTimeout !== undefined;
    const priority = enginePriority(sloClass);
    this.#begin(new OpenRequest({ number, service, arrivedAt, choices, routed, priority, watched }), target);
  }

  /** A call from outside. Its target exists: whoever takes calls in has looked it up. */
  call(call: Call): Reply {
    const { to } = call;
    const replica = 'slot' in to ? this.#platform.replicaAt(to.slot) : undefined;
    const service = 'service' in to ? this.#platform.service(to.service) : replica?.deployment.service;
    if (service === undefined) throw new Error('A call names a service or a slot that does not exist');
    const routed = routedCall(call, service);
    if (replica !== undefined) return this.#answer(service, call, routed, this.#listening(replica));
    const refusal = this.#draining
      ? gatewayRefusal('noBackend')
      : this.#gates.get(service)!.refusal(this.#kernel.now, call);
    return this.#answer(service, call, routed, refusal ?? this.#route(service, routed));
  }

  /** Why somebody may not even ask a service what it is; undefined when he may. */
  unproved(service: Service, caller: Caller): Refusal | undefined {
    return this.#gates.get(service)!.unproved(this.#kernel.now, caller);
  }

  /** The client of a request has gone. Gone already or refused: nothing happens. */
  disconnect(number: number): void {
    const request = this.#open.get(number);
    if (request === undefined) return;
    request.leaving = true;
    this.#disarm(request);
    const left = { state: 'aborted', outcome: Outcome.aborted, status: CLIENT_CLOSED_REQUEST, tokens: 0 } as const;
    if (request.attempt === undefined) this.#end(request, left);
    else this.#attempts.abort(request.attempt);
  }

  /** From now on every call to the service is refused so; undefined: no more. */
  refuseAll(service: Service, spell: RefusalSpell | undefined): void {
    this.#gates.get(service)!.refuseAll(spell);
  }

  /** Takes no more calls; those in flight go on. */
  drain(): void {
    this.#draining = true;
  }

  /** Takes no more calls and tries nothing again. */
  stop(): void {
    this.#draining = true;
    this.#stopped = true;
    for (const request of this.#open.values()) {
      if (request.attempt === undefined) this.#failed(request, 'backendUnavailable');
    }
  }

  #route(service: Service, routed: RoutedRequest): UnitReplica | Refusal {
    const replica = this.#router.route(service, routed);
    if (replica === undefined) return gatewayRefusal('noBackend');
    // Without a startup probe a pod takes traffic before its engine listens (guide 4078); and until its loss is noticed.
    if (replica.loaded || service.spec.retry !== undefined) return replica;
    this.#router.failed(replica);
    return gatewayRefusal('backendUnavailable');
  }

  #listening(replica: UnitReplica): UnitReplica | Refusal {
    return replica.loaded && !this.#draining ? replica : { by: 'network', error: 'connection-refused', status: 0 };
  }

  /** The longest context in tokens that whoever answers allows: handed on, a request is in both kinds of engine. */
  #contextOf({ unit, instance }: UnitReplica): number {
    if (unit.role !== 'prefill') return unit.engine.maxModelLen;
    return Math.min(...instance.version.spec.units.map(({ engine }) => engine.maxModelLen));
  }

  /** The backend itself, if it takes such a request; where nobody listens, nobody says no either. */
  #fit(target: UnitReplica | Refusal, choices: readonly PlannedChoice[], call?: Call): UnitReplica | Refusal {
    if (isRefusal(target) || !target.loaded) return target;
    const maxModelLen = this.#contextOf(target);
    if (call?.invalid !== undefined) return { by: 'engine', error: 'invalid', status: call.invalid, maxModelLen };
    if (call?.model !== undefined && call.model !== target.unit.servedModelName) {
      return { by: 'engine', error: 'unknown-model', status: 404, maxModelLen };
    }
    for (const { promptTokens, outputTokens } of choices) {
      if (promptTokens + outputTokens > maxModelLen) {
        return { by: 'engine', error: 'context-length', status: 400, maxModelLen };
      }
    }
    return target;
  }

  #answer(service: Service, call: Call, routed: RoutedRequest, routedTo: UnitReplica | Refusal): Reply {
    const context = isRefusal(routedTo) ? Number.POSITIVE_INFINITY : this.#contextOf(routedTo);
    const choices = planChoices(call, context, () => this.#replyLengths.get(service)!(0));
    const { promptTokens, priority = 0 } = call;
    const arrivedAt = this.#kernel.now;
    const target = this.#fit(routedTo, choices, call);
    if (isRefusal(target)) {
      const number = this.#refuse(service.index, promptTokens, 0, NO_ROW, target);
      return new Reply({ number, promptTokens, choices: [], arrivedAt, refusal: target });
    }
    const due = call.pooling === true ? 0 : choices.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
    const number = this.#log.arrived(service.index, promptTokens, due, NO_ROW);
    const { name: pod, unit } = target;
    const reply = new Reply({ number, promptTokens, choices, arrivedAt, pod, model: unit.servedModelName });
    const facts = { number, service, arrivedAt, choices, routed, call, reply, watched: true };
    // Service levels are the gateway's; a pod's own endpoint knows what it is told.
    const urgency = 'slot' in call.to ? priority : enginePriority(routed.sloClass, priority);
    this.#begin(new OpenRequest({ ...facts, priority: urgency }), target);
    return reply;
  }

  #begin(request: OpenRequest, replica: UnitReplica): void {
    this.#open.set(request.number, request);
    if (request.service.spec.requestTimeout !== undefined && !request.direct) {
      request.timer = this.#kernel.schedule(this.#timer, this.#deadlineOf(request), request.number);
    }
    this.#try(request, replica);
  }

  #try(request: OpenRequest, replica: UnitReplica): void {
    request.last = replica;
    if (!replica.loaded) {
      this.#router.failed(replica);
      this.#failed(request, 'backendUnavailable');
      return;
    }
    if (request.reply !== undefined) request.reply.pod = replica.name;
    this.#attempts.start(request, replica);
    if (request.direct || request.mirrored) return;
    request.mirrored = true;
    for (const mirror of this.#router.mirrors(request.service, request.routed)) {
      const copied = mirror.loaded && !isRefusal(this.#fit(mirror, request.choices, request.call));
      if (copied) this.#attempts.start(request, mirror, true);
    }
  }

  /** A try has come to nothing. @param error what the client is told if there is no other */
  #failed(request: OpenRequest, error: GatewayErrorKey): void {
    if (!this.#triesAgain(request, 0)) this.#end(request, refusedWith(gatewayRefusal(error)));
  }

  #triesAgain(request: OpenRequest, piecesSent: number): boolean {
    const { retry } = request.service.spec;
    const { retries, direct, leaving, number } = request;
    if (retry === undefined || direct || leaving || this.#stopped) return false;
    const deadline = this.#deadlineOf(request);
    const at = nextTry(retry, { retries, at: this.#kernel.now, piecesSent, deadline });
    if (at === undefined) return false;
    request.retries++;
    // What a lost backend had made of an answer that is not streamed is of no use to the next.
    for (const choice of request.reply?.choices ?? []) choice.stop([]);
    this.#kernel.schedule(this.#retry, at, number);
    return true;
  }

  /** @param request undefined: its client has left */
  #onRetry(request: OpenRequest | undefined): void {
    if (request === undefined) return;
    const { service, routed, last, choices, call } = request;
    const replica = this.#router.route(service, routed, last);
    const target = replica && this.#fit(replica, choices, call);
    if (target === undefined) this.#failed(request, 'noBackend');
    else if (isRefusal(target)) this.#end(request, refusedWith(target));
    else this.#try(request, target);
  }

  /** An attempt of a request has ended, and unless it is tried again so has the request. */
  #onEnd({ request }: Attempt, { reason, tokens: made, tokenTimes }: RequestEnd): void {
    if (request === undefined) return;
    request.attempt = undefined;
    // Until it is whole, an answer that is not streamed is nobody's.
    const tokens = request.streamed || reason === 'finished' ? made : 0;
    if (reason === 'cut' && this.#triesAgain(request, tokens)) return;
    const lost = reason === 'cut' && tokens === 0 && !request.direct;
    const refusal = lost ? gatewayRefusal('backendUnavailable') : undefined;
    const status = statusOf(reason, tokens);
    this.#end(request, { state: reason, outcome: OUTCOMES[reason], status, tokens, tokenTimes, refusal });
  }

  #deadlineOf({ service, arrivedAt, streamed, attempt }: OpenRequest): Micros {
    const { requestTimeout } = service.spec;
    if (requestTimeout === undefined) return NEVER;
    const { now } = this.#kernel;
    const lasts = (streamed && attempt?.tokenTimes(now).flatMap((times) => times.slice(-1))) || [];
    return nextDeadline(requestTimeout, arrivedAt, lasts.length === 0 ? undefined : (Math.max(...lasts) as Micros));
  }

  /** Pieces have come since it was set, and it is set anew; or the request's time is over. */
  #onTimer(request: OpenRequest): void {
    const { now } = this.#kernel;
    const deadline = this.#deadlineOf(request);
    if (deadline > now) request.timer = this.#kernel.schedule(this.#timer, deadline, request.number);
    else this.#timeOut(request);
  }

  #timeOut(request: OpenRequest): void {
    const { attempt, reply, streamed } = request;
    const times = (streamed && attempt?.tokenTimes(this.#kernel.now)) || [];
    for (const [index, choice] of (reply?.choices ?? []).entries()) choice.stop(times[index] ?? []);
    const tokenTimes = times.flat().sort((one, other) => one - other);
    if (attempt !== undefined) {
      request.attempt = undefined;
      this.#attempts.detach(attempt);
    }
    const refusal = tokenTimes.length === 0 ? gatewayRefusal('backendTimeout') : undefined;
    const status = refusal?.status ?? 200;
    const tokens = tokenTimes.length;
    this.#end(request, { state: 'cut', outcome: Outcome.cut, status, tokens, tokenTimes, refusal });
  }

  #end(request: OpenRequest, { state, outcome, status, tokens, tokenTimes, refusal }: Ending): void {
    const { number, reply } = request;
    this.#disarm(request);
    this.#open.delete(number);
    this.#log.ended(number, outcome, status, tokens);
    if (tokenTimes !== undefined) this.#tokenSink?.(number, tokenTimes);
    if (reply === undefined) return;
    reply.state = state;
    reply.refusal = refusal;
    reply.endedAt = this.#kernel.now;
  }

  #disarm(request: OpenRequest): void {
    if (request.timer === NO_EVENT) return;
    this.#kernel.cancel(request.timer);
    request.timer = NO_EVENT;
  }

  #refuse(service: number, promptTokens: number, outputTokensDue: number, row: number, refusal: Refusal): number {
    const number = this.#log.arrived(service, promptTokens, outputTokensDue, row);
    this.#log.ended(number, Outcome.refused, refusal.status, 0);
    return number;
  }
}

/** What policies may know of a call. */
function routedCall({ clientIp, sloClass, prefix, prompts, promptTokens }: Call, { spec }: Service): RoutedRequest {
  const address = clientIp === undefined ? undefined : parseAddress(clientIp);
  return {
    clientIp: address && addressText(address),
    sloClass: sloClass ?? spec.sloClass,
    prefix: (prefix ?? prompts?.[0]?.prefix)?.hashes,
    promptTokens,
  };
}

/** A request that was let in and in the end found nobody, or nobody who takes it. */
function refusedWith(refusal: Refusal): Ending {
  return { state: 'cut', outcome: Outcome.refused, status: refusal.status, tokens: 0, refusal };
}
