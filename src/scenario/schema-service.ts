import { z } from 'zod';
import {
  METRIC_PORT_RANGE,
  MOST_ACCESS_ENTRIES,
  parseBlock,
  RATE_LIMIT_RANGE,
  REQUEST_SIZE_RANGE,
  RETRY_RANGES,
  ROUTING_POLICY_NAMES,
  TASK_RANGES,
} from '../platform/index.ts';
import { durationFrom, integer, list, name, number } from './fields.ts';
import { expecting } from './messages.ts';

/** How services are called, and how deployments share and spread what comes. */

export const auth = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none').describe('No credential is asked for.') }),
    z.strictObject({
      kind: z.literal('api-key').describe('Clients send an API key as a bearer token.'),
      keys: z
        .array(name())
        .min(1, expecting('at least one name of a key'))
        .default(['default'])
        .describe('Names of the keys; each key follows from the seed, the service and its name.'),
    }),
    z.strictObject({ kind: z.literal('token').describe('Clients send an IAM token, scoped to a project.') }),
  ])
  .prefault({ kind: 'api-key' })
  .describe('How clients prove who they are. Default: one API key named "default".');

const block = () => {
  const says = expecting('a CIDR block such as "10.0.0.0/8" or "2001:db8::/32"');
  return z.string(says).refine((written) => parseBlock(written) !== undefined, says);
};
const blocks = (what: string) => list(block(), [`entry of the ${what}`, `entries of the ${what}`], MOST_ACCESS_ENTRIES);

/** Scopes by periods. */
const MOST_RATE_LIMITS = 4;

/** The settings of a service's calls; without them nothing is limited. */
export const callSettings = {
  protocol: z
    .enum(['HTTP', 'HTTPS', 'WS', 'WSS'])
    .optional()
    .describe('What it is called over, and nothing else. Default: HTTP and HTTPS alike.'),
  mode: z
    .enum(['synchronous', 'asynchronous'])
    .optional()
    .describe('Calls wait for their answers, or make tasks whose results are fetched. Default: synchronous.'),
  maxTasks: integer(TASK_RANGES.service.low, TASK_RANGES.service.high)
    .optional()
    .describe('The most tasks that an asynchronous service may have: 0 to 10000.'),
  requestTimeout: durationFrom('1s', '1200s')
    .optional()
    .describe('To the first piece of an answer, anew with each piece: 1s to 1200s. Default: none.'),
  requestSizeMB: integer(REQUEST_SIZE_RANGE.low, REQUEST_SIZE_RANGE.high)
    .optional()
    .describe('Largest request in MB: 1 to 50. Default: as large as it likes.'),
  rateLimits: list(
    z.strictObject({
      requests: integer(RATE_LIMIT_RANGE.low, RATE_LIMIT_RANGE.high).describe('Requests in that time.'),
      per: z.enum(['second', 'minute']).default('second').describe('In any second, or any minute.'),
      scope: z
        .enum(['service', 'instance'])
        .default('service')
        .describe('Of all of it, or for each instance that runs.'),
    }),
    ['rate limit', 'rate limits'],
    MOST_RATE_LIMITS,
  )
    .optional()
    .describe('How many requests are let in; all limits hold together.'),
  access: z
    .strictObject({
      publicAccess: z.boolean().default(true).describe('External networks may call it.'),
      whitelist: blocks('whitelist').default([]).describe('If there are any, only these addresses may call it.'),
      blacklist: blocks('blacklist').default([]).describe('These addresses may not.'),
    })
    .optional()
    .describe('Who may call it, by IP address.'),
  retry: z
    .strictObject({
      count: integer(RETRY_RANGES.count.low, RETRY_RANGES.count.high).default(1).describe('At most so often.'),
      interval: durationFrom('1ms', '10s').prefault('100ms').describe('So long after: 1ms to 10s.'),
    })
    .optional()
    .describe('A request whose backend is lost before its first piece is tried again elsewhere.'),
  circuitBreaker: z
    .strictObject({ errorRate: number(0.01, 1).describe('Share of failed calls at which it opens: 0.01 to 1.') })
    .optional()
    .describe('Keeps requests from instances that fail.'),
  autoApproveConnections: z
    .boolean()
    .optional()
    .describe('Private connections of other accounts need no approval. Default: false.'),
  sloClass: sloClass().optional().describe('Service level of its requests: 0, the highest, to 3. Default: 3.'),
};

/** How a deployment gets its requests and spreads them. */
export const trafficSettings = {
  maxConcurrentTasks: integer(TASK_RANGES.instance.low, TASK_RANGES.instance.high)
    .optional()
    .describe('Tasks that an instance of an asynchronous service holds at a time: 1 to 100.'),
  mirror: z.boolean().optional().describe('It gets copies of a tenth of the live requests, and no live one.'),
  routing: z
    .strictObject({
      policy: z.enum(ROUTING_POLICY_NAMES).describe('How requests are spread over its instances.'),
      metrics: z
        .strictObject({
          protocol: z.enum(['HTTP', 'HTTPS']).default('HTTP').describe('What the API is called over.'),
          port: integer(METRIC_PORT_RANGE.low, METRIC_PORT_RANGE.high).describe('Port of the API: 1024 to 65535.'),
        })
        .optional()
        .describe('The Metric Collection API that composite-load asks.'),
    })
    .optional()
    .describe('Intelligent routing; dedicated pools only. Default: round robin.'),
};

export function sloClass() {
  return z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)], expecting('an integer from 0 to 3'));
}
