/**
 * Identity and access management on the wire: what a request for a token says, and what the answers look like. The
 * shapes are those of the platform's IAM, which both of its SDKs read.
 */

/** What a token is wanted for. Absent: the user's domain. */
export type TokenScope =
  | { readonly kind: 'project'; readonly id?: string; readonly name?: string }
  | { readonly kind: 'domain'; readonly id?: string; readonly name?: string };

/** A request for a token, by what proves who asks. */
export type TokenRequest = (
  | {
      readonly method: 'password';
      readonly user: { readonly id?: string; readonly name?: string };
      readonly password: string;
      /** Of the user; it need not be said where the user's id is. */
      readonly domain?: { readonly id?: string; readonly name?: string };
    }
  | { readonly method: 'token'; readonly token: string }
) & { readonly scope?: TokenScope };

/** A request that IAM refuses. Not a fault of InferLab's: the answer is {@link iamError}. */
export class IamError extends Error {
  override readonly name = 'IamError';
  readonly code: number;

  constructor(code: 400 | 401 | 404, message: string) {
    super(message);
    this.code = code;
  }
}

const TITLES: Readonly<Record<number, string>> = { 400: 'Bad Request', 401: 'Unauthorized', 404: 'Not Found' };

/** The error body of IAM. */
export function iamError({ code, message }: IamError) {
  return { error: { code, message, title: TITLES[code] } };
}

/** @throws IamError when the body is malformed */
export function readTokenRequest(text: string): TokenRequest {
  const auth = objectAt(parse(text), 'auth');
  const identity = objectAt(auth, 'identity', 'auth.');
  const { methods } = identity;
  const [method] = Array.isArray(methods) && methods.length === 1 ? (methods as unknown[]) : [];
  const scope = auth.scope === undefined ? {} : { scope: scopeOf(objectAt(auth, 'scope', 'auth.')) };
  if (method === 'token') {
    const id = textAt(objectAt(identity, 'token', 'auth.identity.'), 'id', 'auth.identity.token.');
    return { method, token: id, ...scope };
  }
  if (method !== 'password') throw malformed('auth.identity.methods', '["password"] or ["token"]');
  const user = objectAt(objectAt(identity, 'password', 'auth.identity.'), 'user', 'auth.identity.password.');
  const place = 'auth.identity.password.user.';
  return {
    method,
    user: named(user, place),
    password: textAt(user, 'password', place),
    ...(user.domain === undefined ? {} : { domain: named(objectAt(user, 'domain', place), `${place}domain.`) }),
    ...scope,
  };
}

/** Something that has an id and a name. */
interface Named {
  readonly id: string;
  readonly name: string;
}

/** The body of a token that has been issued, valid between two instants in microseconds since 1970. */
export function tokenBody(facts: {
  readonly method: TokenRequest['method'];
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly user: Named;
  readonly domain: Named;
  /** Absent: the token is for the domain. */
  readonly project?: Named | undefined;
}) {
  const { method, issuedAt, expiresAt, user, domain, project } = facts;
  return {
    token: {
      issued_at: instant(issuedAt),
      expires_at: instant(expiresAt),
      methods: [method],
      user: { id: user.id, name: user.name, domain, password_expires_at: '' },
      ...(project === undefined ? { domain } : { project: { ...project, domain } }),
      roles: [],
      catalog: [],
    },
  };
}

/** The list of projects that both SDKs look their project up in, by its name. */
export function projectList(projects: readonly Named[], domain: Named) {
  const listed = projects.map(({ id, name }) => ({
    id,
    name,
    domain_id: domain.id,
    parent_id: domain.id,
    is_domain: false,
    enabled: true,
    description: '',
  }));
  return { projects: listed };
}

/** With six fractional digits and Z: to the SDKs it is a text. */
function instant(micros: number): string {
  const seconds = new Date(Math.floor(micros / 1e6) * 1_000).toISOString().slice(0, 19);
  return `${seconds}.${String(Math.floor(micros % 1e6)).padStart(6, '0')}Z`;
}

function scopeOf(scope: Readonly<Record<string, unknown>>): TokenScope {
  const kinds = (['project', 'domain'] as const).filter((kind) => scope[kind] !== undefined);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) throw malformed('auth.scope', 'a project or a domain');
  return { kind, ...named(objectAt(scope, kind, 'auth.scope.'), `auth.scope.${kind}.`) };
}

function named(
  given: Readonly<Record<string, unknown>>,
  place: string,
): { readonly id?: string; readonly name?: string } {
  const has = (['id', 'name'] as const).filter((field) => given[field] !== undefined);
  if (has.length === 0) throw malformed(`${place}name`, 'a name or an id');
  return Object.fromEntries(has.map((field) => [field, textAt(given, field, place)]));
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return asObject(JSON.parse(text), 'the body');
  } catch (error) {
    if (error instanceof SyntaxError) throw malformed('the body', 'JSON');
    throw error;
  }
}

function objectAt(of: Readonly<Record<string, unknown>>, field: string, place = ''): Readonly<Record<string, unknown>> {
  return asObject(of[field], `${place}${field}`);
}

function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw malformed(what, 'an object');
}

function textAt(of: Readonly<Record<string, unknown>>, field: string, place: string): string {
  const value = of[field];
  if (typeof value === 'string' && value !== '') return value;
  throw malformed(`${place}${field}`, 'a text');
}

/** What was wrong is told, and never what was sent: it may be a secret. */
function malformed(what: string, expected: string): IamError {
  return new IamError(400, `The request is malformed: ${what} is missing or wrong; expected ${expected}.`);
}
