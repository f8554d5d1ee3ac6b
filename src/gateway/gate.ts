import type { Micros } from '../kernel/index.ts';
import type { Credentials, Service } from '../platform/index.ts';
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
  readonly bodyBytes?: number | undefined;
}

/**
 * One service's gate: may a call come in? Asked in the platform's order: is anything taken at all, does the network let
 * the caller through, who is he, is his request too large, does the service answer, and is there room for one more.
 * A refused call counts against no rate limit.
 */
export class Gate {
  readonly #service: Service;
  readonly #credentials: Credentials;
  readonly #access: AccessControl | undefined;
  readonly #limiter: RateLimiter | undefined;
  #spell: RefusalSpell | undefined;

  constructor(service: Service, credentials: Credentials) {
    const { access, rateLimits = [] } = service.spec;
    this.#service = service;
    this.#credentials = credentials;
    this.#access = access && new AccessControl(access);
    this.#limiter = rateLimits.length > 0 ? new RateLimiter(rateLimits) : undefined;
  }

  /** From now on every call is refused so; undefined: no more. */
  refuseAll(spell: RefusalSpell | undefined): void {
    this.#spell = spell;
  }

  /** What a call from outside is refused with; undefined: it is let in, and counted. */
  refusal(now: Micros, caller: Caller): Refusal | undefined {
    return this.#spelled() ?? this.#refused(now, caller) ?? this.#full(now);
  }

  /**
   * As {@link refusal}, for the scenario's own traffic: it holds what it needs, and unless it says where it comes from,
   * it comes from where it may.
   */
  refusalOfTraffic(now: Micros, clientIp: string | undefined): Refusal | undefined {
    const barred = clientIp === undefined ? undefined : this.#barred(clientIp);
    return this.#spelled() ?? barred ?? this.#full(now);
  }

  /** Whether the caller has proved who he is. */
  unproved(now: Micros, { key, token }: Caller): Refusal | undefined {
    const { kind } = this.#service.spec.auth;
    if (kind === 'none') return undefined;
    if (kind === 'api-key') {
      return this.#credentials.keyOpens(this.#service, key, now) ? undefined : gatewayRefusal('unauthorized');
    }
    const detail = this.#credentials.tokenProblem(token, now);
    return detail === undefined ? undefined : { ...gatewayRefusal('tokenRefused'), detail };
  }

  #refused(now: Micros, caller: Caller): Refusal | undefined {
    const { requestSizeMB } = this.#service.spec;
    const refusal = this.#barred(caller.clientIp) ?? this.unproved(now, caller);
    if (refusal !== undefined) return refusal;
    const fits = requestSizeMB === undefined || fitsSizeLimit(caller.bodyBytes ?? 0, requestSizeMB);
    return fits ? undefined : gatewayRefusal('bodyTooLarge');
  }

  #spelled(): Refusal | undefined {
    if (this.#spell === undefined) return undefined;
    const { status, retryAfterSeconds: seconds } = this.#spell;
    const refusal = { ...gatewayRefusal(status === 429 ? 'throttled' : 'noBackend'), status };
    return seconds === undefined ? refusal : { ...refusal, retryAfterSeconds: seconds };
  }

  /** What comes in here comes over the public network. */
  #barred(clientIp: string | undefined): Refusal | undefined {
    if (this.#access === undefined) return undefined;
    const open = this.#service.spec.access?.publicAccess !== false;
    return open && this.#access.admits(clientIp) ? undefined : gatewayRefusal('addressRefused');
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
