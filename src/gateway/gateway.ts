import { type EndReason, Sequence, type SequenceAsk } from '../engine/index.ts';
import type { Kernel, Micros } from '../kernel/index.ts';
import type { Deployment, Instance, Platform, Service, UnitReplica } from '../platform/index.ts';
import { GATEWAY_ERRORS, type GatewayErrorKey } from '../protocol/index.ts';
import { NO_ROW, Outcome, type RequestLog } from '../telemetry/index.ts';
import { type LengthSampler, lengthSampler, type PromptPrefix, type TrafficRequest } from '../workload/index.ts';
import type { Call, Refusal } from './call.ts';
import { Disaggregation } from './disaggregation.ts';
import { EngineTap, OUTCOMES, statusOf } from './engine-tap.ts';
import { Reply } from './reply.ts';
import { ROUTING_POLICIES, type RoutingPolicy } from './routing/index.ts';
import { WeightedChoice } from './weights.ts';

/** Told when a watched request has ended, with the moments of its tokens. */
export type TokenSink = (request: number, tokenTimes: readonly Micros[]) => void;

/** How the gateway refuses every call to a service, while it does. */
export interface RefusalSpell {
  readonly status: 429 | 503;
  readonly retryAfterSeconds?: number;
}

/**
 * A request's way in: may it, and where to. The checks come in the platform's order: who calls, may the service be
 * called, is anybody there. What a pod's own endpoint is asked comes past the checks.
 */
export class Gateway {
  readonly #kernel: Kernel;
  readonly #platform: Platform;
  readonly #log: RequestLog;
  readonly #tokenSink: TokenSink | undefined;
  readonly #weights = new Map<Service, WeightedChoice>();
  readonly #routing = new Map<Deployment, RoutingPolicy>();
  readonly #replyLengths = new Map<Service, LengthSampler>();
  readonly #spells = new Map<Service, RefusalSpell>();
  readonly #disaggregation: Disaggregation;
  readonly #decodeRouting = new Map<Instance, RoutingPolicy>();
  /** Calls from outside that are being answered, and where. */
  readonly #open = new Map<number, { readonly reply: Reply; readonly abort: () => void }>();
  #draining = false;

  constructor(kernel: Kernel, platform: Platform, log: RequestLog, tokenSink?: TokenSink) {
    this.#kernel = kernel;
    this.#platform = platform;
    this.#log = log;
    this.#tokenSink = tokenSink;
    this.#disaggregation = new Disaggregation(kernel, (instance) => this.#decodeRoutingOf(instance), {
      movedTo: (request, replica, sequence) => {
        log.routed(request, replica.engine!.id);
        this.#open.get(request)?.reply.follow(replica.engine!, sequence);
      },
      ended: ({ request, tokenTimes }, reason, outputTokens) => {
        log.ended(request, OUTCOMES[reason], statusOf(reason, outputTokens), outputTokens);
        if (tokenTimes !== undefined) this.#tokenSink?.(request, tokenTimes);
        this.#close(request, reason);
      },
    });
    for (const service of platform.services) {
      this.#weights.set(service, new WeightedChoice());
      const stream = kernel.chance.stream(`replies/${service.spec.name}`);
      this.#replyLengths.set(service, lengthSampler(service.spec.replies, stream));
    }
  }

  /**
   * The listener of a new engine.
   * @param onEnded called whenever a sequence of it has ended
   */
  tap(onEnded: () => void): EngineTap {
    const handOff = this.#disaggregation;
    return new EngineTap(this.#log, {
      onAdmitted: (sequence) => handOff.onAdmitted(sequence),
      onPrefilled: (sequence) => handOff.onPrefilled(sequence),
      onReceiving: (sequence) => handOff.onReceiving(sequence),
      showsFirstToken: (sequence) => handOff.showsFirstToken(sequence),
      endsRequest: (sequence, reason) => handOff.onEnded(sequence, reason),
      onEnded,
      onRequestEnd: (sequence, reason) => {
        if (sequence.tokenTimes !== undefined) this.#tokenSink?.(sequence.request, sequence.tokenTimes);
        this.#close(sequence.request, reason);
      },
    });
  }

  /** A request of the scenario's own traffic: it holds a valid key and says how long its answer is. */
  offer(service: Service, { promptTokens, outputTokens, row, prefix }: TrafficRequest): void {
    const routed = this.#blocked(service) ?? this.#route(service);
    const refusal = isRefusal(routed) ? routed : this.#unfit(routed, promptTokens, outputTokens);
    if (isRefusal(routed) || refusal !== undefined) {
      this.#refuse(service.index, promptTokens, outputTokens, row, refusal!);
      return;
    }
    const request = this.#log.arrived(service.index, promptTokens, outputTokens, row);
    const shared = sharedPrefix(routed, prefix);
    this.#submit(
      routed,
      { request, promptTokens, outputTokens, watched: this.#tokenSink !== undefined, ...shared },
      true,
    );
  }

  /** A call from outside. Its target exists: whoever takes calls in has looked it up. */
  call(call: Call): Reply {
    const { to } = call;
    const replica = 'slot' in to ? this.#platform.replicaAt(to.slot) : undefined;
    const service = 'service' in to ? this.#platform.service(to.service) : replica?.deployment.service;
    if (service === undefined) throw new Error('A call names a service or a slot that does not exist');
    const target = replica === undefined ? this.#admit(service, call) : this.#listening(replica);
    return this.#answer(service, call, target);
  }

  /** The client of a request has gone. Gone already or refused: nothing happens. */
  disconnect(number: number): void {
    this.#open.get(number)?.abort();
  }

  /** From now on every call to the service is refused so; undefined: no more. */
  refuseAll(service: Service, spell: RefusalSpell | undefined): void {
    if (spell === undefined) this.#spells.delete(service);
    else this.#spells.set(service, spell);
  }

  /** Takes no more calls; those in flight go on. */
  drain(): void {
    this.#draining = true;
  }

  #admit(service: Service, call: Call): UnitReplica | Refusal {
    const { auth } = service.spec;
    if (auth.kind === 'api-key' && !auth.keys.some((key) => key.digest === call.key)) {
      return gatewayRefusal('unauthorized');
    }
    return this.#blocked(service) ?? this.#route(service);
  }

  #blocked(service: Service): Refusal | undefined {
    if (this.#draining) return gatewayRefusal('noBackend');
    if (!service.answers) return gatewayRefusal('noBackend');
    const spell = this.#spells.get(service);
    if (spell === undefined) return undefined;
    const { status, retryAfterSeconds } = spell;
    const error = status === 429 ? 'throttled' : 'noBackend';
    return { by: 'gateway', error, status, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  }

  #route(service: Service): UnitReplica | Refusal {
    const deployment = this.#weights.get(service)!.choose(service.deployments);
    if (deployment === undefined) return gatewayRefusal('noBackend');
    const replica = this.#routingOf(deployment).choose(deployment.backends);
    // Without a startup probe a pod takes traffic before its engine listens (guide 4078); and until its loss is noticed.
    return replica.loaded ? replica : gatewayRefusal('backendUnavailable');
  }

  #listening(replica: UnitReplica): UnitReplica | Refusal {
    return replica.loaded && !this.#draining ? replica : { by: 'network', error: 'connection-refused', status: 0 };
  }

  /** The longest context in tokens that whoever answers allows: handed on, a request is in both kinds of engine. */
  #contextOf({ unit, engine, instance }: UnitReplica): number {
    if (unit.role !== 'prefill') return engine!.spec.maxModelLen;
    return Math.min(...instance.version.spec.units.map(({ engine }) => engine.maxModelLen));
  }

  #unfit(replica: UnitReplica, promptTokens: number, outputTokens: number): Refusal | undefined {
    const maxModelLen = this.#contextOf(replica);
    if (promptTokens + outputTokens <= maxModelLen) return undefined;
    return { by: 'engine', error: 'context-length', status: 400, maxModelLen };
  }

  #answer(service: Service, call: Call, target: UnitReplica | Refusal): Reply {
    const drawn = this.#replyLengths.get(service)!(0);
    const { promptTokens } = call;
    const wanted = call.ignoreEos === true ? Number.POSITIVE_INFINITY : Math.max(drawn, call.minTokens ?? 0);
    const room = isRefusal(target) ? Number.POSITIVE_INFINITY : this.#contextOf(target) - promptTokens;
    const limit = Math.min(call.maxTokens ?? Number.POSITIVE_INFINITY, room);
    const outputTokens = Math.max(1, Math.min(wanted, limit, Number.MAX_SAFE_INTEGER));
    const finishReason = wanted <= limit ? 'stop' : 'length';
    const arrivedAt = this.#kernel.now;
    let refusal = isRefusal(target) ? target : undefined;
    if (!isRefusal(target)) {
      const maxModelLen = this.#contextOf(target);
      if (call.invalid !== undefined) refusal = { by: 'engine', error: 'invalid', status: call.invalid, maxModelLen };
      else if (call.model !== undefined && call.model !== target.unit.servedModelName) {
        refusal = { by: 'engine', error: 'unknown-model', status: 404, maxModelLen };
      } else refusal = this.#unfit(target, promptTokens, outputTokens);
    }
    if (refusal !== undefined || isRefusal(target)) {
      const number = this.#refuse(service.index, promptTokens, 0, NO_ROW, refusal!);
      return new Reply({ number, promptTokens, outputTokens: 0, finishReason, arrivedAt, refusal });
    }
    const number = this.#log.arrived(service.index, promptTokens, outputTokens, NO_ROW);
    const reply = new Reply({
      number,
      promptTokens,
      outputTokens,
      finishReason,
      arrivedAt,
      pod: target.name,
      model: target.unit.servedModelName,
    });
    const throughGateway = 'service' in call.to;
    const ask = {
      request: number,
      promptTokens,
      outputTokens,
      finishReason,
      watched: true,
      priority: call.priority ?? 0,
      ...sharedPrefix(target, call.prefix),
    } as const;
    const leg = this.#submit(target, ask, throughGateway);
    if (this.#disaggregation.showsFirstToken(leg)) reply.follow(target.engine!, leg);
    const abort = (): void => {
      if (!this.#disaggregation.abort(number)) target.engine!.abort(leg);
    };
    this.#open.set(number, { reply, abort });
    return reply;
  }

  /** @param handOff whether a prefill pod hands the answer on; asked at its own endpoint it does all of it */
  #submit(replica: UnitReplica, ask: SequenceAsk, handOff: boolean): Sequence {
    this.#log.routed(ask.request, replica.engine!.id);
    if (handOff && replica.role === 'prefill') return this.#disaggregation.start(replica, ask);
    const sequence = new Sequence(ask);
    replica.engine!.submit(sequence);
    return sequence;
  }

  #routingOf(deployment: Deployment): RoutingPolicy {
    return policyIn(this.#routing, deployment);
  }

  #decodeRoutingOf(instance: Instance): RoutingPolicy {
    return policyIn(this.#decodeRouting, instance);
  }

  #refuse(service: number, promptTokens: number, outputTokensDue: number, row: number, refusal: Refusal): number {
    const number = this.#log.arrived(service, promptTokens, outputTokensDue, row);
    this.#log.ended(number, Outcome.refused, refusal.status, 0);
    return number;
  }

  #close(request: number, reason: EndReason): void {
    const open = this.#open.get(request);
    if (open === undefined) return;
    this.#open.delete(request);
    open.reply.state = reason;
    open.reply.endedAt = this.#kernel.now;
  }
}

/** The policy of a deployment or an instance; a new one when it has none. */
function policyIn<Key>(policies: Map<Key, RoutingPolicy>, key: Key): RoutingPolicy {
  const known = policies.get(key);
  if (known !== undefined) return known;
  const policy = ROUTING_POLICIES['round-robin']();
  policies.set(key, policy);
  return policy;
}

function isRefusal(target: UnitReplica | Refusal): target is Refusal {
  return 'by' in target;
}

function gatewayRefusal(error: GatewayErrorKey): Refusal {
  return { by: 'gateway', error, status: GATEWAY_ERRORS[error].status };
}

/** A prefix counts only in the unit that the engine's cache has. */
function sharedPrefix(replica: UnitReplica, prefix: PromptPrefix | undefined): { prefix?: readonly number[] } {
  return prefix !== undefined && prefix.unitTokens === replica.engine!.spec.prefixUnitTokens
    ? { prefix: prefix.hashes }
    : {};
}
