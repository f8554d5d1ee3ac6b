import type { Micros } from '../kernel/index.ts';
import type { ApplicationAsk, Credentials, PrivateConnections, Service, ServiceSpec } from '../platform/index.ts';
import { AccessControl } from './access.ts';
import { gatewayRefusal, type Refusal } from './call.ts';
import { fitsSizeLimit } from './limits.ts';
import { RateLimiter, retryAfterSeconds } from './rate-limit.ts';

/** How the gateway refuses every call to a service, while it does. */
export interface RefusalSpell {
  readonly status: 429 | 503;
  readonly retryAfterSeconds?: number;
}

/** Who calls, and with what, as far as it decides whether he may. */
export interface Caller {
  readonly key: string | null;
  readonly token?: string | undefined;
  readonly clientIp?: string | undefined;
  readonly privateConnection?: string | undefined;
  readonly bodyBytes?: number | undefined;
  readonly application?: Pick<ApplicationAsk, 'preflight'> | undefined;
}

/**
 * One service's gate: may a call come in? Asked in the platform's order: is anything taken at all, does the network let
 * the caller through, who is he, is his request too large, does the service answer, and is there room for one more.
 * A refused call counts against no rate limit.
 */
export class Gate {
  readonly #service: Service;
  readonly #credentials: Credentials;
  readonly #connections: PrivateConnections;
  /** The specification that access lists and limits were read from. */
  #read: ServiceSpec | undefined;
  #access: AccessControl | undefined;
  #limiter: RateLimiter | undefined;
  #spell: RefusalSpell | undefined;

  constructor(service: Service, credentials: Credentials, connections: PrivateConnections) {
    this.#service = service;
    this.#credentials = credentials;
    this.#connections = connections;
    this.#refresh();
  }

  /** From now on every call is refused so; undefined: no more. */
  refuseAll(spell: RefusalSpell | undefined): void {
    this.#spell = spell;
  }

  /** What a call from outside is refused with; undefined: it is let in, and counted. */
  refusal(now: Micros, caller: Caller): Refusal | undefined {
    this.#refresh();
    return this.#spelled() ?? this.#refused(now, caller) ?? this.#full(now);
  }

  /**
   * As {@link refusal}, for the scenario's own traffic: it holds what it needs, and unless it says where it comes from,
   * it comes from where it may.
   */
  refusalOfTraffic(now: Micros, clientIp: string | undefined): Refusal | undefined {
    this.#refresh();
    const barred = clientIp === undefined ? undefined : this.#barred({ clientIp });
    return this.#spelled() ?? barred ?? this.#full(now);
  }

  /**
   * As {@link refusal}, for what is asked of tasks that there are: some of it a service takes though it does not answer,
   * and no rate limit counts it.
   */
  refusalOfOrder(now: Micros, caller: Caller, needsAnswering: boolean): Refusal | undefined {
    const closed = needsAnswering && !this.#service.answers ? gatewayRefusal('noBackend') : undefined;
    return this.#spelled() ?? this.#refused(now, caller) ?? closed;
  }

  /** Whether the caller has proved who he is. A preflight proves nothing: what it is told is the application's business. */
  #unproved(now: Micros, { key, token, application }: Caller): Refusal | undefined {
    const { kind } = this.#service.spec.auth;
    if (kind === 'none' || application?.preflight === true) return undefined;
    if (kind === 'api-key') {
      return this.#credentials.keyOpens(this.#service, key, now) ? undefined : gatewayRefusal('unauthorized');
    }
    const detail = this.#credentials.tokenProblem(token, now);
    return detail === undefined ? undefined : { ...gatewayRefusal('tokenRefused'), detail };
  }

  /** Whether a request is larger than the service allows; over WebSocket each message is one (guide 2774). */
  tooLarge({ bodyBytes = 0 }: Pick<Caller, 'bodyBytes'>): Refusal | undefined {
    const { requestSizeMB } = this.#service.spec;
    const fits = requestSizeMB === undefined || fitsSizeLimit(bodyBytes, requestSizeMB);
    return fits ? undefined : gatewayRefusal('bodyTooLarge');
  }

  #refused(now: Micros, caller: Caller): Refusal | undefined {
    return this.#barred(caller) ?? this.#unproved(now, caller) ?? this.tooLarge(caller);
  }

  /** The service's settings may have changed. New limits count what old ones of the same period have let in. */
  #refresh(): void {
    const { spec } = this.#service;
    if (spec === this.#read) return;
    const { access, rateLimits = [] } = spec;
    if (access !== this.#read?.access) this.#access = access && new AccessControl(access);
    if (rateLimits !== this.#read?.rateLimits) {
      this.#limiter = rateLimits.length > 0 ? new RateLimiter(rateLimits, this.#limiter) : undefined;
    }
    this.#read = spec;
  }

  #spelled(): Refusal | undefined {
    if (this.#spell === undefined) return undefined;
    const { status, retryAfterSeconds: seconds } = this.#spell;
    const refusal = { ...gatewayRefusal(status === 429 ? 'throttled' : 'noBackend'), status };
    return seconds === undefined ? refusal : { ...refusal, retryAfterSeconds: seconds };
  }

  /**
   * Whether the network lets the caller through. Over a private connection he comes in while it is connected, public
   * access or not (guide 248). Access lists hold for everybody: they are of "user IP addresses", wherever those are.
   */
  #barred({ clientIp, privateConnection }: Pick<Caller, 'clientIp' | 'privateConnection'>): Refusal | undefined {
    const open =
      privateConnection === undefined
        ? this.#service.spec.access?.publicAccess !== false
        : this.#connections.opens(privateConnection, this.#service);
    if (!open) return gatewayRefusal('addressRefused');
    return this.#access?.admits(clientIp) === false ? gatewayRefusal('addressRefused') : undefined;
  }

  #full(now: Micros): Refusal | undefined {
    if (!this.#service.answers) return gatewayRefusal('noBackend');
    if (this.#limiter === undefined) return undefined;
    const wait = this.#limiter.admit(now, runningInstances(this.#service));
    if (wait === 0) return undefined;
    return { ...gatewayRefusal('throttled'), retryAfterSeconds: retryAfterSeconds(wait) };
  }
}

/** Deployment replicas that run and get live requests (guide 269). */
function runningInstances({ deployments }: Service): number {
  let running = 0;
  for (const { mirror, instances } of deployments) {
    if (!mirror) for (const { ready } of instances) if (ready) running++;
  }
  return running;
}
