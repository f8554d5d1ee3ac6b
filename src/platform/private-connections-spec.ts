import { type CallProtocol, calledOver } from './call-settings.ts';

/** What private connections are asked for, and what is wrong with what is asked (guide 2649-2746). */

/** A virtual private cloud, and whose it is. */
export interface VpcSpec {
  readonly name: string;
  /** The account that owns it. Absent: the scenario's own. */
  readonly account?: string;
  readonly subnets: readonly string[];
}

/** A private connection as it is applied for (guide Table 1-31). */
export interface ConnectionSpec {
  /** Unique among the connections of its service. A DNS label: it is part of the access address. */
  readonly connection: string;
  /** User network: from this VPC, with an address in this subnet. */
  readonly vpc?: string;
  readonly subnet?: string;
  /** Resource pool network: from the pods of this pool. */
  readonly pool?: string;
  /** The account that applies. Absent: the scenario's own. */
  readonly account?: string;
  /** Custom access addresses, such as `http://llm.example.com/chat`. */
  readonly customUrls?: readonly string[];
}

/** The contract's words; the console says Connection succeeded for CONNECTED and Abnormal for FAILED. */
export type ConnectionStatus =
  | 'APPROVING'
  | 'REJECTED'
  | 'CONNECTING'
  | 'CONNECTED'
  | 'CANCELED'
  | 'FAILED'
  | 'DELETING'
  | 'DELETED';

/** What is done with private connections. */
export type ConnectionOperation =
  | ({ readonly kind: 'create-connection'; readonly service: string } & ConnectionSpec)
  | {
      readonly kind: 'approve-connection' | 'revoke-connection' | 'retry-connection' | 'delete-connection';
      readonly service: string;
      readonly connection: string;
    }
  | {
      readonly kind: 'reject-connection';
      readonly service: string;
      readonly connection: string;
      readonly reason?: string;
    }
  /** Custom URLs in place of those that it has. */
  | {
      readonly kind: 'set-connection-urls';
      readonly service: string;
      readonly connection: string;
      readonly customUrls: readonly string[];
    };

/** In which states of a connection each is taken (the contract's rules); `create-connection` finds none there. */
export const CONNECTION_ALLOWED: Readonly<
  Record<Exclude<ConnectionOperation['kind'], 'create-connection'>, readonly ConnectionStatus[]>
> = {
  'approve-connection': ['APPROVING'],
  'reject-connection': ['APPROVING'],
  'revoke-connection': ['CONNECTED'],
  'retry-connection': ['FAILED'],
  'delete-connection': ['APPROVING', 'REJECTED', 'CONNECTING', 'CONNECTED', 'CANCELED', 'FAILED'],
  'set-connection-urls': ['APPROVING', 'REJECTED', 'CONNECTING', 'CONNECTED', 'CANCELED', 'FAILED'],
};

/** Guide Table 1-31, "Custom Access Address". */
export const MOST_CUSTOM_URLS = 10;
/** Characters of a custom URL, and of a domain name in it (the contract). */
const LONGEST_URL = 1_024;
const LONGEST_DOMAIN = 63;

/** A custom URL, taken apart. */
export interface CustomUrl {
  /** In lower case; of an IP address with its port. */
  readonly host: string;
  /** Without a slash at its end. */
  readonly path: string;
}

const CUSTOM_URL = /^(?:https?|wss?):\/\/([^/:]+)(?::(\d{1,5}))?(\/[A-Za-z0-9._/-]*)?$/;
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const HIGHEST_PORT = 65_535;

/** @returns undefined when it is none: protocol, domain name or IP address with its port, and a path (the contract) */
export function parseCustomUrl(url: string): CustomUrl | undefined {
  const match = url.length > LONGEST_URL ? null : CUSTOM_URL.exec(url);
  if (match === null) return undefined;
  const [, host = '', port, path = ''] = match;
  const bare = path.replace(/\/+$/, '');
  if (IPV4.test(host)) {
    const known = host.split('.').every((byte) => Number(byte) <= 255);
    const open = port !== undefined && Number(port) >= 1 && Number(port) <= HIGHEST_PORT;
    return known && open ? { host: `${host}:${Number(port)}`, path: bare } : undefined;
  }
  const labels = host.split('.');
  const named = labels.every((label) => LABEL.test(label)) && !/\d/.test(labels.at(-1)!);
  if (port !== undefined || host.length > LONGEST_DOMAIN || !named) return undefined;
  return { host: host.toLowerCase(), path: bare };
}

/**
 * What is wrong with the custom URLs of a connection; undefined when nothing is.
 * @param protocol of the service, which answers over no other
 */
export function customUrlsProblem(urls: readonly string[], protocol?: CallProtocol): string | undefined {
  if (urls.length > MOST_CUSTOM_URLS) {
    return `a private connection has at most ${MOST_CUSTOM_URLS} custom URLs, not ${urls.length}`;
  }
  const bad = urls.find((url) => parseCustomUrl(url) === undefined);
  if (bad !== undefined) {
    return `"${bad}" is no custom URL, as in "http://llm.example.com/chat" or "https://10.0.0.7:8443"`;
  }
  const places = urls.map((url) => placeOf(parseCustomUrl(url)!));
  const twice = places.find((place, index) => places.indexOf(place) < index);
  if (twice !== undefined) return `there are two custom URLs for ${twice}`;
  const known = calledOver(protocol);
  const deaf = urls.find((url) => !known.some((each) => url.startsWith(`${each.toLowerCase()}://`)));
  return deaf === undefined ? undefined : `"${deaf}" leads nowhere: the service is called over ${known.join(' and ')}`;
}

/** Host and path of a custom URL: what tells one from another. */
export function placeOf({ host, path }: CustomUrl): string {
  return host + path;
}

/** What is wrong with where a connection comes from; undefined when nothing is. */
export function networkProblem(
  { vpc, subnet, pool, account }: ConnectionSpec,
  known: { readonly vpcs: readonly VpcSpec[]; readonly pools: readonly string[]; readonly account: string },
): string | undefined {
  if ((vpc === undefined) === (pool === undefined)) return 'a private connection is from a VPC or from a resource pool';
  if (pool !== undefined) {
    if (subnet !== undefined) return 'a resource pool network has no subnet to choose';
    if (account !== undefined && account !== known.account) return `pool "${pool}" is not of account "${account}"`;
    return known.pools.includes(pool) ? undefined : `there is no pool "${pool}"`;
  }
  const found = known.vpcs.find(({ name }) => name === vpc);
  if (found === undefined) return `there is no VPC "${vpc}"`;
  // Guide 2649: you can only select your own.
  const [owner, applicant] = [found.account ?? known.account, account ?? known.account];
  if (owner !== applicant) return `VPC "${vpc}" is not of account "${applicant}"`;
  if (subnet === undefined) return 'a private connection from a VPC names its subnet';
  return found.subnets.includes(subnet) ? undefined : `there is no subnet "${subnet}" in VPC "${vpc}"`;
}
