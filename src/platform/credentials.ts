import { after, fromSeconds, type Micros } from '../kernel/index.ts';
import type { ApiKeyOperation } from './operations-spec.ts';
import type { Service } from './service.ts';
import type { ServiceStatus } from './states.ts';

/** How long an IAM token is good for (guide 181, 1462). */
export const TOKEN_LIFE = fromSeconds(86_400);

/** In which states of a service keys are bound to it (guide 1906). */
const BINDS_IN: readonly ServiceStatus[] = ['RUNNING', 'CONCERNING', 'STOPPING', 'STOPPED', 'ERROR'];

/** An API key, known by the digest of its plain text, which whoever made it has seen once (guide 1890, 1949). */
export interface ApiKey {
  /** Unique until it is deleted. */
  readonly name: string;
  readonly digest: string;
  readonly description: string;
  /** Of every service, or of those that it is bound to. */
  readonly scope: 'USER' | 'SERVICE';
  readonly createdAt: Micros;
  /** Good until then; absent: until it is deleted. */
  readonly expiresAt?: Micros;
  readonly boundTo: ReadonlySet<Service>;
}

/** What a key is called among all keys that a service was made with. */
export function ownKeyName(service: string, key: string): string {
  return `${service}-${key}`;
}

/** An IAM token that has been issued. */
export interface Token {
  /** The id of the project that it is for; null: a domain, which no service takes (guide 1499). */
  readonly project: string | null;
  readonly expiresAt: Micros;
  /** The name of the user who asked for it. */
  readonly user?: string | undefined;
}

/**
 * The API keys and IAM tokens that there are. It never sees one, only digests (see `keyDigest`), and finds them by
 * digest: there is no comparison of secrets whose time could tell anything.
 */
export class Credentials {
  /** By digest. */
  readonly #keys = new Map<string, ApiKey & { readonly boundTo: Set<Service> }>();
  /** In order of issue. */
  readonly #tokens = new Map<string, Token>();
  readonly #project: string;
  #issued = 0;

  /** @param project the id of the project that all services are in */
  constructor(project: string) {
    this.#project = project;
  }

  /** A service has been made with keys of its own: they are bound to it. */
  introduce(service: Service): void {
    const { auth } = service.spec;
    if (auth.kind !== 'api-key') return;
    for (const { name, digest } of auth.keys) {
      this.#keys.set(digest, {
        name: ownKeyName(service.name, name),
        digest,
        description: '',
        scope: 'SERVICE',
        createdAt: 0 as Micros,
        boundTo: new Set([service]),
      });
    }
  }

  /** In order of creation. */
  get keys(): readonly ApiKey[] {
    return [...this.#keys.values()];
  }

  /** Whether the key with that digest opens a service. */
  keyOpens(service: Service, digest: string | null, now: Micros): boolean {
    const key = digest === null ? undefined : this.#keys.get(digest);
    if (key === undefined || now >= (key.expiresAt ?? Number.POSITIVE_INFINITY)) return false;
    return key.scope === 'USER' || key.boundTo.has(service);
  }

  /** How many tokens have been issued. */
  get issued(): number {
    return this.#issued;
  }

  issueToken(digest: string, token: Token, now: Micros): void {
    // Those that have been over for a whole life more are forgotten: there are only so many.
    for (const [old, { expiresAt }] of this.#tokens) {
      if (now < expiresAt + TOKEN_LIFE) break;
      this.#tokens.delete(old);
    }
    this.#issued++;
    this.#tokens.set(digest, token);
  }

  /** The token of that digest, while it is good for anything. */
  token(digest: string, now: Micros): Token | undefined {
    const token = this.#tokens.get(digest);
    return token !== undefined && now < token.expiresAt ? token : undefined;
  }

  /** What is wrong with the token of that digest, in the gateway's words; undefined when it is good. */
  tokenProblem(digest: string | undefined, now: Micros): string | undefined {
    if (digest === undefined) return 'x-auth-token not found';
    const token = this.#tokens.get(digest);
    if (token === undefined) return 'decrypt token fail';
    if (now >= token.expiresAt) return 'token expires';
    if (token.project === null) return 'the token is not scoped to a project';
    return token.project === this.#project ? undefined : 'the token is scoped to another project';
  }

  /** @param service the one that is bound to, or unbound from. @returns why it was refused; undefined when it was done */
  take(operation: ApiKeyOperation, service: Service | undefined, now: Micros): string | undefined {
    if (operation.kind === 'create-key') return this.#create(operation, now);
    const key = [...this.#keys.values()].find(({ name }) => name === operation.key);
    if (key === undefined) return `there is no API key "${operation.key}"`;
    if (operation.kind === 'delete-key') {
      // Guide 1936: not while it opens services by being bound to them.
      const bound = [...key.boundTo].filter(({ deleted }) => !deleted);
      if (bound.length > 0) return `it is bound to "${bound[0]!.name}"`;
      this.#keys.delete(key.digest);
      return undefined;
    }
    if (service === undefined) return `there is no service "${operation.service}"`;
    if (operation.kind === 'unbind-key') return key.boundTo.delete(service) ? undefined : 'it is not bound to it';
    if (key.scope === 'USER') return 'it is good for all services, and bound to none';
    if (service.spec.auth.kind !== 'api-key') return 'the service asks for no API key';
    if (!BINDS_IN.includes(service.status)) return `the service is ${service.status}`;
    if (key.boundTo.has(service)) return 'it is bound to it already';
    key.boundTo.add(service);
    return undefined;
  }

  #create(operation: ApiKeyOperation & { kind: 'create-key' }, now: Micros): string | undefined {
    const { kind: _, validFor, ...key } = operation;
    const taken = [...this.#keys.values()].some(({ name, digest }) => name === key.name || digest === key.digest);
    if (taken) return `there is already an API key "${key.name}"`;
    if (validFor !== undefined && !(validFor > 0)) return 'a temporary key is good for more than no time';
    const temporary = validFor === undefined ? {} : { expiresAt: after(now, validFor) };
    this.#keys.set(key.digest, { description: '', ...key, ...temporary, createdAt: now, boundTo: new Set() });
    return undefined;
  }
}
