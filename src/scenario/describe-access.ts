import { type ConnectionSpec, DEFAULT_IAM, type IamProject, type IamSpec, iamId } from '../platform/index.ts';
import { given } from './given.ts';
import type { Scenario, ServiceEntry } from './schema.ts';

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
