import type { Session } from '../lab/index.ts';
import { iamId, passwordFor, type Service } from '../platform/index.ts';
import { iamOf } from './tokens.ts';

/** What a person needs to get IAM tokens: part of what `serve --json` prints. Its passwords are nowhere else. */
export interface IamAddresses {
  /** Where tokens are asked for, below the gateway's address. */
  readonly path: string;
  readonly domain: { readonly id: string; readonly name: string };
  /** The one that services take tokens of. */
  readonly project: { readonly id: string; readonly name: string };
  readonly users: readonly { readonly name: string; readonly password: string }[];
}

/** A private connection: calls with this host come in over it. */
export interface PrivateAddress {
  readonly name: string;
  readonly host: string;
  readonly customUrls: readonly string[];
}

export function iamAddresses(session: Session): IamAddresses {
  const { domain, project, users } = iamOf(session);
  const { seed } = session.world.description;
  return {
    path: '/v3/auth/tokens',
    domain: { id: iamId('domain', domain), name: domain },
    project: { id: project.id, name: project.name },
    users: users.map((name) => ({ name, password: passwordFor(seed, domain, name) })),
  };
}

export function privateAddresses({ world }: Session, service: Service): PrivateAddress[] {
  return world.platform.connections.all
    .filter((connection) => connection.service === service && connection.status !== 'DELETED')
    .map(({ spec, host }) => ({ name: spec.connection, host, customUrls: spec.customUrls ?? [] }));
}
