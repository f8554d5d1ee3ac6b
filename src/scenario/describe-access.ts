import {
  type ApiKeyOperation,
  apiKeyFor,
  type ConnectionSpec,
  DEFAULT_IAM,
  type IamProject,
  type IamSpec,
  iamId,
  keyDigest,
} from '../platform/index.ts';
import { given } from './given.ts';
import type { Scenario, ServiceEntry } from './schema.ts';
import type { OperationItem } from './schema-timeline.ts';

/** The account that a scenario describes; what it leaves out is the default account's. */
export function iamOf({ domain, project, otherProjects, users }: Scenario['iam']): IamSpec {
  return {
    domain: domain ?? DEFAULT_IAM.domain,
    project: project === undefined ? DEFAULT_IAM.project : projectOf(project),
    otherProjects: otherProjects.map(projectOf),
    users: users?.map(({ name }) => name) ?? DEFAULT_IAM.users,
  };
}

function projectOf({ name, id }: NonNullable<Scenario['iam']['project']>): IamProject {
  return { name, id: id ?? iamId('project', name) };
}

export function connectionsOf({ privateConnections }: ServiceEntry): readonly ConnectionSpec[] | undefined {
  if (privateConnections.length === 0) return undefined;
  return privateConnections.map(({ name, ...rest }) => given({ connection: name, ...rest }));
}

/** The key that an entry of the timeline creates: of no service, and known by its digest alone. */
export function keyCreationOf(item: OperationItem & { readonly do: 'create-key' }, seed: number): ApiKeyOperation {
  const { key: name, scope, description, for: validFor } = item;
  const digest = keyDigest(seed, apiKeyFor(seed, null, name));
  return given({ kind: item.do, name, digest, scope: SCOPES[scope], description, validFor }) as ApiKeyOperation;
}

/** The contract's words for what a key opens. */
const SCOPES = { service: 'SERVICE', user: 'USER' } as const;
