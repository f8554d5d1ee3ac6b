import { fromMillis, type Micros } from '../kernel/index.ts';
import { parseBlock } from './address.ts';

/** How a service is called, and what is wrong with settings of that. What they do is the gateway's. */

/** The protocol of a service's calls, and how they are answered (guide 231, 244). */
export type CallProtocol = 'HTTP' | 'HTTPS' | 'WS' | 'WSS';
export type CallMode = 'synchronous' | 'asynchronous';

/** Service level of a service, or of a request: 0, the highest, to 3 (guide 458, 3942). */
export type SloClass = 0 | 1 | 2 | 3;

/** The lowest service level, and that of whoever states none. */
export const LOWEST_SLO_CLASS = 3;

/** Of a service (guide 231-269). What is absent limits nobody. */
export interface CallSettings {
  /** What it is called over, and nothing else; see {@link calledOver}. */
  readonly protocol?: CallProtocol;
  /** Fixed for the service's life (guide 231). Default synchronous. */
  readonly mode?: CallMode;
  /** Tasks that it may have at a time, 0 to 10,000; of an asynchronous service, which needs it (guide 232). */
  readonly maxTasks?: number;
  /** To the first piece of an answer; each piece begins it anew (guide 259). Without it answers may take for ever. */
  readonly requestTimeout?: Micros;
  /** Largest request in MB (guide 264). */
  readonly requestSizeMB?: number;
  readonly rateLimits?: readonly RateLimit[];
  readonly access?: AccessSpec;
  readonly retry?: RetrySpec;
  readonly circuitBreaker?: CircuitBreakerSpec;
  /** Of requests that state none themselves. */
  readonly sloClass?: SloClass;
  /** Private connections of other accounts need no approval (guide 248). Default false. */
  readonly autoApproveConnections?: boolean;
}

/** How clients prove who they are. */
export type AuthKind = 'none' | 'token' | 'api-key';

/**
 * What may change while a service is there: all of its call settings but the protocol, which its containers follow, and
 * how clients prove who they are (guide 3303; the contract's update). Null takes a setting away.
 */
export type ServiceChanges = {
  readonly [Setting in Exclude<ChangeableSetting, 'auth'>]?: CallSettings[Setting] | null;
} & { readonly auth?: AuthKind };

/** The settings that a change may name: neither protocol nor call mode (guide 231). */
export const CHANGEABLE_SETTINGS = [
  'maxTasks',
  'requestTimeout',
  'requestSizeMB',
  'rateLimits',
  'access',
  'retry',
  'circuitBreaker',
  'sloClass',
  'autoApproveConnections',
  'auth',
] as const satisfies readonly (keyof CallSettings | 'auth')[];
type ChangeableSetting = (typeof CHANGEABLE_SETTINGS)[number];

/**
 * Who may call a service, by IP address (guide 248, 3384). The guide calls the entries CIDR blocks and regular
 * expressions in two sentences running; they are CIDR blocks, or addresses.
 */
export interface AccessSpec {
  /** External networks may; private connections always do. Default true. */
  readonly publicAccess?: boolean;
  /** When there are any, only these may. */
  readonly whitelist?: readonly string[];
  /** These may not, white or not. */
  readonly blacklist?: readonly string[];
}

/** One rate limit of a service (guide 258, 265-269). */
export interface RateLimit {
  /** Requests in that time, 1 to 10,000. */
  readonly requests: number;
  /** The guide has seconds alone (265); minutes are the contract's. */
  readonly per: 'second' | 'minute';
  /** Of the service as a whole, or of each of its running instances, which together make the service's (guide 268, 269). */
  readonly scope: 'service' | 'instance';
}

/** How often a request is tried again elsewhere, and how long after (the contract's request_retry_cnt_max, _interval_ms). */
export interface RetrySpec {
  readonly count: number;
  readonly interval: Micros;
}

/** The contract's FuseConfig, when it is on. */
export interface CircuitBreakerSpec {
  /** The share of failed calls from which on it opens: above 0, at most 1, to two decimals. */
  readonly errorRate: number;
}

/** The policies by name; what each does is in the gateway's table. */
export const ROUTING_POLICY_NAMES = [
  'round-robin',
  'source-ip-hash',
  'least-connections',
  'min-ttft',
  'composite-load',
  'slo-priority',
  'prefix-cache-aware',
] as const;
export type RoutingPolicyName = (typeof ROUTING_POLICY_NAMES)[number];

/** How a deployment's requests are spread over its instances (guide 458, 3889-3942). One policy each (3911). */
export interface RoutingSpec {
  readonly policy: RoutingPolicyName;
  /** The Metric Collection API that composite-load asks (guide 3939). */
  readonly metrics?: { readonly protocol: 'HTTP' | 'HTTPS'; readonly port: number } | undefined;
}

/** What mirroring asks of a deployment. */
export interface MirroredDeployment {
  readonly name: string;
  /** It gets copies of live requests and no live request, whatever its weight (guide 3643). */
  readonly mirror?: boolean | undefined;
}

/** Entries of an access list (guide 248). */
export const MOST_ACCESS_ENTRIES = 10;
/** Largest request of a service, in MB (guide 264). */
export const REQUEST_SIZE_RANGE = { low: 1, high: 50 } as const;
/** Seconds of a request's timeout. The guide's range is the default (259, 3385), the contract has a longer one. */
export const TIMEOUT_RANGES = {
  guide: { low: 1, high: 1_200 },
  contract: { low: 1, high: 7_200 },
} as const;
/** Guide 265, and the contract. */
export const RATE_LIMIT_RANGE = { low: 1, high: 10_000 } as const;
/** The contract's ranges. */
export const RETRY_RANGES = {
  count: { low: 1, high: 10 },
  interval: { low: fromMillis(1), high: fromMillis(10_000) },
} as const;
/** Tasks of an asynchronous service (guide 232), and those that an instance of it works on at a time (guide 3392). */
export const TASK_RANGES = {
  service: { low: 0, high: 10_000 },
  instance: { low: 1, high: 100 },
} as const;
/** Guide 3592. */
export const HIGHEST_WEIGHT = 100;
/** Guide 3939. */
export const METRIC_PORT_RANGE = { low: 1_024, high: 65_535 } as const;

/**
 * The protocols over which a service answers. One that states none answers over HTTP and HTTPS alike: the guide's
 * default is HTTPS (244), but a client in a test should not need a certificate for a service that asks for nothing.
 */
export function calledOver(protocol: CallProtocol | undefined): readonly CallProtocol[] {
  return protocol === undefined ? ['HTTP', 'HTTPS'] : [protocol];
}

/** It goes through TLS. */
export function isSecure(protocol: CallProtocol): boolean {
  return protocol === 'HTTPS' || protocol === 'WSS';
}

export function isWebSocket(protocol: CallProtocol | undefined): boolean {
  return protocol === 'WS' || protocol === 'WSS';
}

/** Every setting with something wrong, and what. */
export function callProblems(settings: CallSettings): [setting: keyof CallSettings, problem: string][] {
  const { protocol = 'HTTPS', mode, maxTasks, requestTimeout, requestSizeMB, rateLimits } = settings;
  const { access, retry, circuitBreaker } = settings;
  const found: Partial<Record<keyof CallSettings, string | undefined>> = {
    // Guide 3383.
    protocol:
      mode === 'asynchronous' && isWebSocket(protocol)
        ? `asynchronous services are called over HTTP or HTTPS, not ${protocol}`
        : undefined,
    ...(mode === 'asynchronous' && maxTasks === undefined
      ? { mode: 'an asynchronous service needs "maxTasks": how many tasks it may have' }
      : { maxTasks: maxTasks === undefined ? undefined : maxTasksProblem(maxTasks, mode) }),
    requestTimeout: requestTimeout && timeoutProblem(requestTimeout / 1e6),
    requestSizeMB: requestSizeMB === undefined ? undefined : requestSizeProblem(requestSizeMB),
    rateLimits: rateLimits && rateLimitProblem(rateLimits, protocol),
    access: access && accessProblem(access),
    retry: retry && retryProblem(retry),
    circuitBreaker: circuitBreaker && circuitBreakerProblem(circuitBreaker),
  };
  return Object.entries(found).filter(([, problem]) => problem !== undefined) as [keyof CallSettings, string][];
}

/** What is wrong with access lists; undefined when nothing is. */
export function accessProblem({ whitelist = [], blacklist = [] }: AccessSpec): string | undefined {
  for (const [name, entries] of Object.entries({ whitelist, blacklist })) {
    if (entries.length > MOST_ACCESS_ENTRIES) {
      return `a ${name} has at most ${MOST_ACCESS_ENTRIES} entries, not ${entries.length}`;
    }
    const bad = entries.find((entry) => parseBlock(entry) === undefined);
    if (bad !== undefined) return `"${bad}" in the ${name} is no CIDR block, as in "10.0.0.0/8" or "2001:db8::/32"`;
  }
  return undefined;
}

/** What is wrong with a size limit in MB; undefined when nothing is. */
export function requestSizeProblem(limit: number): string | undefined {
  return rangeProblem(limit, REQUEST_SIZE_RANGE, 'request size limit', 'MB');
}

/** What is wrong with a request timeout in seconds; undefined when nothing is. */
export function timeoutProblem(seconds: number, range: keyof typeof TIMEOUT_RANGES = 'guide'): string | undefined {
  return rangeProblem(seconds, TIMEOUT_RANGES[range], 'request timeout', 's');
}

/** What is wrong with the rate limits of a service; undefined when nothing is. */
export function rateLimitProblem(limits: readonly RateLimit[], protocol: CallProtocol): string | undefined {
  // The contract's rule; the guide is silent.
  if (limits.length > 0 && isWebSocket(protocol)) return `a service over ${protocol} takes no rate limit`;
  const { low, high } = RATE_LIMIT_RANGE;
  const taken = new Set<string>();
  for (const { requests, per, scope } of limits) {
    if (!Number.isInteger(requests) || requests < low || requests > high) {
      return `a rate limit is ${low} to ${high} requests per ${per}, not ${requests}`;
    }
    const kind = `per ${per} and ${scope}`;
    if (taken.has(kind)) return `there are two rate limits ${kind}`;
    taken.add(kind);
  }
  return undefined;
}

/** What is wrong with retry settings; undefined when nothing is. */
export function retryProblem({ count, interval }: RetrySpec): string | undefined {
  const { count: counts, interval: intervals } = RETRY_RANGES;
  if (!Number.isInteger(count) || count < counts.low || count > counts.high) {
    return `a request is tried again ${counts.low} to ${counts.high} times, not ${count}`;
  }
  if (!(interval >= intervals.low && interval <= intervals.high)) {
    return `the interval of retries is ${intervals.low / 1e3} to ${intervals.high / 1e3} ms, not ${interval / 1e3}`;
  }
  return undefined;
}

/** The contract rounds the third decimal. Whole percents, so that the comparison is exact. */
export function errorPercent({ errorRate }: CircuitBreakerSpec): number {
  return Math.round(errorRate * 100);
}

/** What is wrong with a breaker's settings; undefined when nothing is. */
export function circuitBreakerProblem(spec: CircuitBreakerSpec): string | undefined {
  return errorPercent(spec) > 0 && spec.errorRate <= 1
    ? undefined
    : `an error rate is 0.01 to 1, not ${spec.errorRate}`;
}

/** What is wrong with the most tasks that a service may have; undefined when nothing is. */
export function maxTasksProblem(tasks: number, mode: CallMode = 'synchronous'): string | undefined {
  if (mode === 'synchronous') return 'only a service of "mode: asynchronous" has tasks';
  const { low, high } = TASK_RANGES.service;
  return Number.isInteger(tasks) && tasks >= low && tasks <= high
    ? undefined
    : `the most tasks of a service are ${low} to ${high}, not ${tasks}`;
}

/** What is wrong with the tasks that an instance may work on at a time; undefined when nothing is (guide 3392). */
export function concurrentTasksProblem(tasks: number | undefined, mode: CallMode = 'synchronous'): string | undefined {
  if (mode === 'synchronous') {
    return tasks === undefined ? undefined : 'only a service of "mode: asynchronous" has tasks';
  }
  if (tasks === undefined) return 'a deployment of an asynchronous service needs "maxConcurrentTasks"';
  const { low, high } = TASK_RANGES.instance;
  return Number.isInteger(tasks) && tasks >= low && tasks <= high
    ? undefined
    : `the concurrent tasks of an instance are ${low} to ${high}, not ${tasks}`;
}

/** What is wrong with a weight; undefined when nothing is. */
export function weightProblem(weight: number): string | undefined {
  return Number.isInteger(weight) && weight >= 0 && weight <= HIGHEST_WEIGHT
    ? undefined
    : `a weight is a whole number from 0 to ${HIGHEST_WEIGHT}, not ${weight}`;
}

/** What is wrong with how a deployment in such a pool routes; undefined when nothing is. */
export function routingProblem({ policy, metrics }: RoutingSpec, pool: 'dedicated' | 'public'): string | undefined {
  const { low, high } = METRIC_PORT_RANGE;
  if (pool === 'public') return 'intelligent routing needs a dedicated pool'; // Guide 3910.
  if (metrics === undefined) {
    // Guide 3939.
    return policy === 'composite-load' ? 'composite-load needs "metrics": its Metric Collection API' : undefined;
  }
  if (policy !== 'composite-load') return `"metrics" are asked by composite-load alone, not by ${policy}`;
  const known = Number.isInteger(metrics.port) && metrics.port >= low && metrics.port <= high;
  return known ? undefined : `the port of a Metric Collection API is ${low} to ${high}, not ${metrics.port}`;
}

/** What is wrong with the mirrors among a service's deployments; undefined when nothing is. */
export function mirrorProblem(
  protocol: CallProtocol,
  mode: CallMode,
  deployments: readonly MirroredDeployment[],
): string | undefined {
  const mirrors = deployments.filter(({ mirror }) => mirror === true);
  if (mirrors.length === 0) return undefined;
  const of = `"${mirrors[0]!.name}" cannot be a mirror`;
  if (isWebSocket(protocol)) return `${of}: mirroring requires HTTP or HTTPS, not ${protocol} (guide 3643)`;
  if (mode === 'asynchronous') return `${of}: asynchronous calls are not mirrored (guide 3614)`;
  if (mirrors.length === deployments.length) return `${of}: no deployment would get live requests (guide 3644)`;
  return undefined;
}

function rangeProblem(
  value: number,
  { low, high }: { readonly low: number; readonly high: number },
  name: string,
  unit: string,
): string | undefined {
  return Number.isInteger(value) && value >= low && value <= high
    ? undefined
    : `a ${name} is ${low} to ${high} ${unit}, not ${value}`;
}
