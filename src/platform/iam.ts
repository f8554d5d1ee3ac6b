import { hexDigest } from './hex-digest.ts';

/** Identity and access management, as far as calls need it: the account, its projects and its users. */
export interface IamSpec {
  /** The account, "domain" on the wire. The resources of a scenario are its own. */
  readonly domain: string;
  /** The project that the services are in: tokens of another open none of them. */
  readonly project: IamProject;
  readonly otherProjects: readonly IamProject[];
  /** Names of users. Their passwords follow from seed and name: see {@link passwordFor}. */
  readonly users: readonly string[];
}

export interface IamProject {
  readonly name: string;
  /** 32 hexadecimal digits. */
  readonly id: string;
}

/** An id of 32 hexadecimal digits: fixed for its kind and its name. */
export function iamId(kind: 'domain' | 'project' | 'user', name: string): string {
  return hexDigest(`iam/${kind}/${name}`).slice(0, 32);
}

const DEFAULT_PROJECT = 'sim-region-1';

/** Of a scenario that says nothing of it. */
export const DEFAULT_IAM: IamSpec = {
  domain: 'simulated',
  project: { name: DEFAULT_PROJECT, id: iamId('project', DEFAULT_PROJECT) },
  otherProjects: [],
  users: ['tester'],
};

/**
 * The password of a user: fixed by the seed, the domain and the name, so that no file holds one. Only shells call this;
 * the core knows no passwords.
 */
export function passwordFor(seed: number, domain: string, user: string): string {
  return `pw-${hexDigest(`${seed}/password/${domain}/${user}`).slice(0, 40)}`;
}

/** Blocks of 64 hexadecimal digits in a token. Real ones are opaque texts of some hundred to some thousand characters. */
const TOKEN_BLOCKS = 12;

/**
 * The plain text of the token of that number: fixed by the seed, and good for nothing until it has been issued. Only
 * shells call this; the core knows tokens by `keyDigest`.
 */
export function tokenFor(seed: number, number: number): string {
  const blocks = Array.from({ length: TOKEN_BLOCKS }, (_, index) => hexDigest(`${seed}/token/${number}/${index}`));
  return `MII${blocks.join('')}`;
}
