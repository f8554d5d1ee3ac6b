import { timingSafeEqual } from 'node:crypto';
import { after, type Micros } from '../kernel/index.ts';
import type { Session } from '../lab/index.ts';
import {
  DEFAULT_IAM,
  type IamProject,
  type IamSpec,
  iamId,
  keyDigest,
  passwordFor,
  TOKEN_LIFE,
  type Token,
  tokenFor,
} from '../platform/index.ts';
import { IamError, iamError, projectList, readTokenRequest, type TokenRequest, tokenBody } from '../protocol/index.ts';
import { type Exchange, ReadyExchange } from './exchange.ts';
import type { Refusals } from './refusals.ts';
import { textOf, type WireRequest } from './wire.ts';

const WRONG = 'The username or password is wrong.';
const NO_TOKEN = 'The token is unknown or has expired.';

/** A token that has been issued, in plain text: only its holder ever sees it. */
export interface IssuedToken {
  readonly text: string;
  readonly user: string;
  /** Undefined: it is for the domain. */
  readonly project: IamProject | undefined;
  readonly issuedAt: Micros;
  readonly expiresAt: Micros;
}

/**
 * Issues a token as IAM would, now: its digest enters the world, its text goes to whoever asked.
 * @param scope the project that it is for; undefined: the domain
 * @param until a token got by a token is good no longer than that (the vendor's IAM)
 */
export function issueToken(session: Session, user: string, scope: IamProject | undefined, until?: Micros): IssuedToken {
  const { world, now: issuedAt } = session;
  const { seed } = world.description;
  const text = tokenFor(seed, world.platform.credentials.issued);
  const expiresAt = until ?? after(issuedAt, TOKEN_LIFE);
  const project = scope?.id ?? null;
  session.command({ kind: 'issue-token', digest: keyDigest(seed, text), project, expiresAt, user });
  return { text, user, project: scope, issuedAt, expiresAt };
}

/** The account of a session's scenario. */
export function iamOf({ world }: Session): IamSpec {
  return world.description.iam ?? DEFAULT_IAM;
}

/**
 * The platform's IAM, at the gateway's ports: tokens, and the list of projects that SDKs ask before anything else.
 * Whoever can prove who he is gets a token, however the request is signed: SDKs sign it, and clients of bare HTTP do not.
 */
export class Tokens {
  readonly #session: Session;
  readonly #refusals: Refusals;

  constructor(session: Session, refusals: Refusals) {
    this.#session = session;
    this.#refusals = refusals;
  }

  /** @returns undefined when the path is none of IAM's */
  handle(wire: WireRequest, path: string, query: string): Exchange | undefined {
    if (!path.startsWith('/v3/')) return undefined;
    const headers = { 'x-request-id': this.#refusals.asideId() };
    try {
      if (path === '/v3/auth/tokens' && wire.method === 'POST') return this.#token(wire, headers);
      if (path === '/v3/projects' && wire.method === 'GET') return this.#projects(query, headers);
      throw new IamError(404, 'The resource could not be found.');
    } catch (error) {
      if (!(error instanceof IamError)) throw error;
      return ReadyExchange.json(this.#session.now, error.code, iamError(error), headers);
    }
  }

  #token({ body }: WireRequest, headers: Readonly<Record<string, string>>): Exchange {
    const request = readTokenRequest(textOf(body));
    const iam = iamOf(this.#session);
    const held = request.method === 'token' ? this.#held(request.token) : undefined;
    const user = request.method === 'password' ? this.#proved(request, iam) : (held?.user ?? iam.users[0]!);
    const issued = issueToken(this.#session, user, projectOf(request, iam), held?.expiresAt);
    const epoch = this.#session.world.description.epoch * 1_000;
    const said = tokenBody({
      method: request.method,
      issuedAt: epoch + issued.issuedAt,
      expiresAt: epoch + issued.expiresAt,
      user: { id: iamId('user', user), name: user },
      domain: { id: iamId('domain', iam.domain), name: iam.domain },
      project: issued.project,
    });
    return ReadyExchange.json(this.#session.now, 201, said, { ...headers, 'x-subject-token': issued.text });
  }

  /** SDKs expect exactly one for a name: others that begin so are no answer (`<region>_<x>`). */
  #projects(query: string, headers: Readonly<Record<string, string>>): Exchange {
    const { domain, project, otherProjects } = iamOf(this.#session);
    const name = new URLSearchParams(query).get('name');
    const listed = [project, ...otherProjects].filter((each) => name === null || each.name === name);
    const body = projectList(listed, { id: iamId('domain', domain), name: domain });
    return ReadyExchange.json(this.#session.now, 200, body, headers);
  }

  /** @throws IamError when the token is not one that is good now */
  #held(text: string): Token {
    const { world, now } = this.#session;
    const token = world.platform.credentials.token(keyDigest(world.description.seed, text), now);
    if (token === undefined) throw new IamError(401, NO_TOKEN);
    return token;
  }

  /**
   * The user who gives his password. Digests are compared, of one length and in constant time, whether there is such a
   * user or not: how long it takes tells nothing.
   * @throws IamError with the same words whatever is wrong
   */
  #proved({ user, password, domain }: TokenRequest & { method: 'password' }, iam: IamSpec): string {
    const { seed } = this.#session.world.description;
    const found = iam.users.find((name) => fits(user, { name, id: iamId('user', name) }));
    const digest = (text: string): Buffer => Buffer.from(keyDigest(seed, text), 'hex');
    const same = timingSafeEqual(digest(password), digest(passwordFor(seed, iam.domain, found ?? '')));
    const ours = fits(domain ?? { name: iam.domain }, { name: iam.domain, id: iamId('domain', iam.domain) });
    if (found === undefined || !same || !ours) throw new IamError(401, WRONG);
    return found;
  }
}

/** @throws IamError when there is no such project or domain, or it is another account's */
function projectOf({ scope }: TokenRequest, { domain, project, otherProjects }: IamSpec): IamProject | undefined {
  if (scope === undefined) return undefined;
  if (scope.kind === 'domain') {
    if (fits(scope, { name: domain, id: iamId('domain', domain) })) return undefined;
    throw new IamError(401, 'The domain of the scope is not the one of the user.');
  }
  const found = [project, ...otherProjects].find((each) => fits(scope, each));
  if (found === undefined) throw new IamError(401, 'The project of the scope does not exist.');
  return found;
}

/** Whether something is named so: by id, by name, or by both; by nothing at all nothing is. */
function fits(
  asked: { readonly id?: string | undefined; readonly name?: string | undefined },
  thing: { readonly id: string; readonly name: string },
): boolean {
  if (asked.id === undefined && asked.name === undefined) return false;
  return (asked.id ?? thing.id) === thing.id && (asked.name ?? thing.name) === thing.name;
}
