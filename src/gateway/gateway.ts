import { type EventKind, type Kernel, type Micros, NEVER, NO_EVENT, Priority, Turnover } from '../kernel/index.ts';
import type { Platform, Service, UnitReplica } from '../platform/index.ts';
import type { GatewayErrorKey } from '../protocol/index.ts';
import { NO_ROW, Outcome, type RequestLog } from '../telemetry/index.ts';
import { type LengthSampler, lengthSampler, type TrafficRequest, type TrafficSpec } from '../workload/index.ts';
import { planTraffic } from './application-plan.ts';
import type { Attempt } from './attempt.ts';
import { Attempts, type OpenWork } from './attempts.ts';
import {
  type Call,
  CONNECTION_REFUSED,
  gatewayRefusal,
  isRefusal,
  type Question,
  type Refusal,
  routedCall,
} from './call.ts';
import type { RequestEnd } from './choice.ts';
import { contextOf, planChoices } from './choice-plan.ts';
import { type ConnectionEnd, Connections, type Handshake } from './connections.ts';
import { type Ending, refusedWith } from './ending.ts';
import { CLIENT_CLOSED_REQUEST, type EngineTap, OUTCOMES, statusOf } from './engine-tap.ts';
import { fit, fitThrough } from './fit.ts';
import { type Caller, Gate, type RefusalSpell } from './gate.ts';
import { nextDeadline } from './limits.ts';
import { OpenRequest } from './open-request.ts';
import { Reply } from './reply.ts';
import { nextTry } from './retry.ts';
import { Router } from './router.ts';
import { enginePriority, type RoutedRequest } from './routing/index.ts';
import type { TaskPorts } from './task-request.ts';
import { TrafficBook } from './traffic-book.ts';

/** Told when a watched request has ended, with the moments of its tokens. */
export type TokenSink = (request: number, tokenTimes: readonly Micros[]) => void;

/**
 * A request's way in: may it, and where to; and its way on, until its client has all that it gets: its time, its further
 * tries and its copies. What a pod's own endpoint is asked comes past all of that.
 */
export class Gateway {
  readonly #kernel: Kernel;
  readonly #platform: Platform;
  readonly #log: RequestLog;
  readonly #tokenSink: TokenSink | undefined;
  /** What each deployment has been given. */
  readonly traffic = new TrafficBook();
  readonly #router: Router;
  readonly #attempts: Attempts;
  /** Of clients, for more than one request each. */
  readonly connections: Connections;
  readonly #gates = new Map<Service, Gate>();
  readonly #replyLengths = new Map<Service, LengthSampler>();
  /** Requests that have been let in and have not ended. */
  readonly #open = new Turnover<OpenRequest>();
  readonly #timer: EventKind;
  readonly #retry: EventKind;
  /** What the latest question was refused with; undefined: it was let in. */
  questionRefusal: Refusal | undefined;
  /** What minding tasks needs. */
  readonly forTasks: TaskPorts = {
    gateOf: (service) => this.#gates.get(service)!,
    draining: () => this.#draining,
    route: (service, request, takes) => this.#router.routeAmong(service, request, takes),
    fit: (replica, choices, call) => fitThrough(this.#router, replica, choices, call),
    drawLength: (service) => this.#replyLengths.get(service)!(0),
    begin: (request, replica) => this.#begin(request, replica),
    disconnect: (request) => this.disconnect(request),
  };
  #draining = false;
  #stopped = false;

  constructor(kernel: Kernel, platform: Platform, log: RequestLog, tokenSink?: TokenSink) {
    this.#kernel = kernel;
    this.#platform = platform;
    this.#log = log;
    this.#tokenSink = tokenSink;
    this.#router = new Router(kernel, this.traffic);
    this.#attempts = new Attempts(kernel, log, this.#router, (attempt, end) => this.#onEnd(attempt, end));
    this.connections = new Connections(kernel, this.#router, {
      begin: (request) => this.#start(request, request.connection!.replica),
      drop: (request, end) => this.#drop(request, end),
    });
    this.#timer = kernel.kind('gateway/timeout', Priority.control, (number) => this.#onTimer(this.#open.get(number)!));
    this.#retry = kernel.kind('gateway/retry', Priority.arrival, (number) => this.#onRetry(this.#open.get(number)));
    for (const service of platform.services) {
      this.#gates.set(service, new Gate(service, platform.credentials, platform.connections));
      const stream = kernel.chance.stream(`replies/${service.spec.name}`);
      this.#replyLengths.set(service, lengthSampler(service.spec.replies, stream));
    }
  }

  /**
   * The listener of a new engine.
   * @param onEnded called whenever a sequence of it has ended
   */
  tap(replica: UnitReplica, onEnded: () => void): EngineTap {
    return this.#attempts.tap(onEnded, () => this.connections.cut(replica));
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
    sent: TrafficRequest,
    { clientIp, sloClass = service.spec.sloClass, route }: Pick<TrafficSpec, 'clientIp' | 'sloClass' | 'route'> = {},
  ): void {
    const arrivedAt = this.#kernel.now;
    const routed = { clientIp, sloClass, prefix: sent.prefix?.hashes, promptTokens: sent.promptTokens };
    const refusal = this.#draining
      ? gatewayRefusal('noBackend')
      : this.#gates.get(service)!.refusalOfTraffic(arrivedAt, clientIp);
    const routedTo = refusal ?? this.#route(service, routed);
    const choices = planTraffic(routedTo, sent, route);
    const { promptTokens, outputTokens } = choices[0]!;
    const target = fitThrough(this.#router, routedTo, choices);
    if (isRefusal(target)) {
      this.#refuse(service.index, promptTokens, outputTokens, sent.row, target);
      return;
    }
    const number = this.#log.arrived(service.index, promptTokens, outputTokens, sent.row);
    const watched = this.#tokenSink !== undefined || service.spec.requestTimeout !== undefined;
    const priority = enginePriority(sloClass);
    this.#begin(new OpenRequest({ number, service, arrivedAt, choices, routed, priority, watched }), target);
  }

  /** A call from outside. Its target exists: whoever takes calls in has looked it up. */
  call(call: Call): Reply {
    const { service, replica } = this.#targetOf(call);
    const routed = routedCall(call, service);
    const target = call.connection === undefined ? this.#admit(service, call, routed, replica) : this.#toldOver(call);
    return this.#answer(service, call, routed, target);
  }

  /** A client asks for a connection; what comes of it is the latest of {@link connections}. Its target exists. */
  connect(handshake: Handshake): void {
    const { service, replica } = this.#targetOf(handshake);
    const routed = routedCall({ ...handshake, promptTokens: 0 }, service);
    let target = this.#admit(service, handshake, routed, replica);
    // A handshake is not tried again elsewhere: its client does that.
    if (!isRefusal(target) && !target.loaded) {
      this.#router.failed(target);
      target = gatewayRefusal('backendUnavailable');
    }
    if (isRefusal(target)) {
      this.connections.latest = { request: this.#refuse(service.index, 0, 0, NO_ROW, target), refusal: target };
    } else this.connections.open({ service, replica: target, routed, direct: replica !== undefined });
  }

  /** The client of a connection has gone. Ended already: nothing happens. */
  hangUp(number: number): void {
    const connection = this.connections.at(number);
    if (connection !== undefined) this.connections.end(connection, 'hung-up');
  }

  /** A question is a call like any other until it is let in: what comes of it is {@link questionRefusal}. */
  ask(question: Question): void {
    const gate = this.#gates.get(this.#platform.service(question.service)!)!;
    this.questionRefusal = this.#draining ? gatewayRefusal('noBackend') : gate.refusal(this.#kernel.now, question);
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
    this.connections.drain();
  }

  /** Takes no more calls and tries nothing again. */
  stop(): void {
    this.#draining = true;
    this.#stopped = true;
    for (const request of this.#open.values()) {
      if (request.attempt === undefined) this.#failed(request, 'backendUnavailable');
    }
  }

  /** Whom a call or a handshake names: a service, or a pod of one. */
  #targetOf({ to }: Handshake): { readonly service: Service; readonly replica: UnitReplica | undefined } {
    const replica = 'slot' in to ? this.#platform.replicaAt(to.slot) : undefined;
    const service = 'service' in to ? this.#platform.service(to.service) : replica?.deployment.service;
    if (service === undefined) throw new Error('A call names a service or a slot that does not exist');
    return { service, replica };
  }

  /** @param replica the one asked at its own endpoint */
  #admit(service: Service, by: Caller, routed: RoutedRequest, replica: UnitReplica | undefined): UnitReplica | Refusal {
    if (replica !== undefined) return replica.loaded && !this.#draining ? replica : CONNECTION_REFUSED;
    const refusal = this.#draining
      ? gatewayRefusal('noBackend')
      : this.#gates.get(service)!.refusal(this.#kernel.now, by);
    return refusal ?? this.#route(service, routed);
  }

  /** Where a call goes that comes over a connection. */
  #toldOver({ connection: number, ...call }: Call): UnitReplica | Refusal {
    const connection = this.connections.at(number!);
    if (connection === undefined) return CONNECTION_REFUSED;
    connection.lastDataAt = this.#kernel.now;
    const refusal = connection.direct ? undefined : this.#gates.get(connection.service)!.tooLarge(call);
    if (refusal !== undefined) this.connections.end(connection, 'too-large');
    return refusal ?? (this.#draining ? gatewayRefusal('noBackend') : connection.replica);
  }

  #route(service: Service, routed: RoutedRequest): UnitReplica | Refusal {
    const replica = this.#router.route(service, routed);
    if (replica === undefined) return gatewayRefusal('noBackend');
    // Without a startup probe a pod takes traffic before its engine listens (guide 4078); and until its loss is noticed.
    if (replica.loaded || service.spec.retry !== undefined) return replica;
    this.#router.failed(replica);
    return gatewayRefusal('backendUnavailable');
  }

  #answer(service: Service, call: Call, routed: RoutedRequest, routedTo: UnitReplica | Refusal): Reply {
    const context = isRefusal(routedTo) ? Number.POSITIVE_INFINITY : contextOf(routedTo);
    const unit = isRefusal(routedTo) ? undefined : routedTo.unit;
    const choices = planChoices(call, context, () => this.#replyLengths.get(service)!(0), unit);
    const { promptTokens, priority: asked = 0 } = call;
    const arrivedAt = this.#kernel.now;
    const target = fitThrough(this.#router, routedTo, choices, call);
    if (isRefusal(target)) {
      const number = this.#refuse(service.index, promptTokens, 0, NO_ROW, target);
      return new Reply({ number, promptTokens, choices: [], arrivedAt, refusal: target });
    }
    const due = call.pooling === true ? 0 : choices.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
    const number = this.#log.arrived(service.index, promptTokens, due, NO_ROW);
    const { name: pod } = target;
    const reply = new Reply({ number, promptTokens, choices, arrivedAt, pod, model: unit?.servedModelName });
    const connection = call.connection === undefined ? undefined : this.connections.at(call.connection);
    // Service levels are the gateway's; a pod's own endpoint knows what it is told.
    const priority = 'slot' in call.to ? asked : enginePriority(routed.sloClass, asked);
    const facts = { number, service, arrivedAt, choices, routed, priority, watched: true, call, reply, connection };
    this.#begin(new OpenRequest(facts), target);
    return reply;
  }

  #begin(request: OpenRequest, replica: UnitReplica): void {
    this.#open.add(request.number, request);
    const { connection } = request;
    if (connection === undefined || this.connections.take(connection, request)) this.#start(request, replica);
  }

  #start(request: OpenRequest, replica: UnitReplica): void {
    if (request.settings.requestTimeout !== undefined && !request.direct) {
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
      const copied = mirror.loaded && !isRefusal(fit(mirror, request.choices, request.call));
      if (copied) this.#attempts.start(request, mirror, true);
    }
  }

  /** A try has come to nothing. @param error what the client is told if there is no other */
  #failed(request: OpenRequest, error: GatewayErrorKey): void {
    if (!this.#triesAgain(request, 0)) this.#end(request, refusedWith(gatewayRefusal(error)));
  }

  #triesAgain(request: OpenRequest, piecesSent: number): boolean {
    const { retry } = request.settings;
    const { retries, direct, connection, over, leaving, number } = request;
    if (retry === undefined || direct || connection !== undefined || over !== undefined) return false;
    if (leaving || this.#stopped) return false;
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
    const replica = this.#router.routeAgain(service, routed, last);
    const target = replica && fitThrough(this.#router, replica, choices, call);
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
    const lost = reason === 'cut' && tokens === 0;
    const refusal = lost && !request.direct ? gatewayRefusal('backendUnavailable') : undefined;
    // Whose connection to the pod itself breaks gets no answer at all.
    const status = lost && request.direct ? 0 : statusOf(reason, tokens, request.choices);
    this.#end(request, { state: reason, outcome: OUTCOMES[reason], status, tokens, tokenTimes, refusal });
  }

  #deadlineOf({ settings, arrivedAt, streamed, attempt, connection }: OpenRequest): Micros {
    const { requestTimeout } = settings;
    if (requestTimeout === undefined) return NEVER;
    const lasts = (streamed && attempt?.tokenTimes(this.#kernel.now).flatMap((times) => times.slice(-1))) || [];
    // Over a connection data in either direction begins it anew (guide 2775).
    const last = Math.max(arrivedAt, connection?.lastDataAt ?? arrivedAt, ...lasts) as Micros;
    return nextDeadline(requestTimeout, arrivedAt, last);
  }

  /** Pieces have come since it was set, and it is set anew; or the request's time is over. */
  #onTimer(request: OpenRequest): void {
    const deadline = this.#deadlineOf(request);
    if (deadline > this.#kernel.now) request.timer = this.#kernel.schedule(this.#timer, deadline, request.number);
    else this.#cutOff(request, 'timed-out', 'backendTimeout');
  }

  /** Its client gets no more than it has. @param error what it is told if it has nothing */
  #cutOff(request: OpenRequest, closes: ConnectionEnd, error: 'backendTimeout' | 'backendUnavailable'): void {
    const { attempt, reply, streamed } = request;
    const times = (streamed && attempt?.tokenTimes(this.#kernel.now)) || [];
    for (const [index, choice] of (reply?.choices ?? []).entries()) choice.stop(times[index] ?? []);
    const tokenTimes = times.flat().sort((one, other) => one - other);
    if (attempt !== undefined) {
      request.attempt = undefined;
      this.#attempts.detach(attempt);
    }
    const refusal = tokenTimes.length === 0 ? gatewayRefusal(error) : undefined;
    const status = refusal?.status ?? 200;
    const tokens = tokenTimes.length;
    this.#end(request, { state: 'cut', outcome: Outcome.cut, status, tokens, tokenTimes, refusal, closes });
  }

  /** The connection of a request is over before it was answered. */
  #drop(request: OpenRequest, end: ConnectionEnd): void {
    if (end === 'cut' || end === 'timed-out') this.#cutOff(request, end, 'backendUnavailable');
    else this.disconnect(request.number);
  }

  #end(request: OpenRequest, { state, outcome, status, tokens, tokenTimes, refusal, closes = 'cut' }: Ending): void {
    const { number, reply } = request;
    this.#disarm(request);
    this.#open.delete(number);
    this.#log.ended(number, outcome, status, tokens);
    if (tokenTimes !== undefined) this.#tokenSink?.(number, tokenTimes);
    request.over?.(state, refusal);
    if (reply === undefined) return;
    reply.state = state;
    reply.refusal = refusal;
    reply.endedAt = this.#kernel.now;
    this.connections.done(request, state === 'cut' ? closes : undefined);
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
