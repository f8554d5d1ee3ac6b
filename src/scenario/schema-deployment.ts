import { z } from 'zod';
import { MOST_INSTANCES, MOUNT_LIMITS, parseCron } from '../platform/index.ts';
import { duration, durationFrom, integer, label, list, name, percent, positive, text } from './fields.ts';
import { expecting } from './messages.ts';
import { privateConnections } from './schema-access.ts';
import type { Ids } from './schema-catalogue.ts';
import { auth, callSettings, trafficSettings } from './schema-service.ts';
import { fixedLength, lognormalLength } from './schema-traffic.ts';
import { mountPath, unitOf } from './schema-unit.ts';

/** Services and their deployments. */

/** Of a service's deployments, a deployment's units and its scaling rules. */
const MOST = 100;
/** The contract's shape of a scaling rule's name. */
const ruleNameSays = expecting('a name of 4 to 64 lower-case letters, digits and "-", a letter first and no "-" last');
const scheduleSays = expecting(
  'a schedule of minute, hour, day of month, month and day of week, such as "30 8 * * 1-5"',
);
const offsetSays = expecting('an offset from UTC such as "+08:00"');

const ruleOf = () => ({
  name: z
    .string(ruleNameSays)
    .regex(/^[a-z][a-z0-9-]{2,62}[a-z0-9]$/, ruleNameSays)
    .describe('The name of the rule.'),
  enabled: z.boolean().default(true).describe('A rule acts only when it is enabled.'),
});
export const scaling = z.strictObject({
  min: integer(1, MOST_INSTANCES).default(1).describe('The fewest instances that rules may ask for.'),
  max: integer(1, MOST_INSTANCES).default(MOST_INSTANCES).describe('The most instances that rules may ask for.'),
  rules: list(
    z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('periodic').describe('At times of the calendar.'),
        ...ruleOf(),
        schedule: z
          .string(scheduleSays)
          .refine((written) => parseCron(written) !== undefined, scheduleSays)
          .describe("Five cron fields, minutes first, in the pool's local time."),
        target: integer(1, MOST_INSTANCES).describe('Instances to have from then on.'),
      }),
      z.strictObject({
        kind: z.literal('metric').describe('By a figure of the instances.'),
        ...ruleOf(),
        metric: z
          .enum(['concurrency', 'waiting', 'kv-utilization'])
          .describe('Requests that an instance holds, those of them that wait, or the share of its KV blocks in use.'),
        target: positive().describe('Of the metric for each instance; a share from 0 to 1 for kv-utilization.'),
      }),
    ]),
    ['scaling rule', 'scaling rules'],
    MOST,
  )
    .default([])
    .describe('What to scale by: at most 10 periodic rules of a service, and one rule of each metric.'),
  downscaleWindow: durationFrom('0s', '1h').prefault('5m').describe('Metrics scale in to the highest wish of so long.'),
  upscaleWindow: durationFrom('0s', '1h').prefault('0s').describe('Metrics scale out to the lowest wish of so long.'),
  utcOffset: z
    .string(offsetSays)
    .regex(/^[+-](0\d|1[0-4]):[0-5]\d$/, offsetSays)
    .default('+00:00')
    .describe("How far the pool's local time is ahead of UTC."),
});

const secretNameSays = expecting('a name of at most 63 letters, digits, ".", "_" and "-" that starts with no ".."');
const secret = z.strictObject({
  kind: z.enum(['custom', 'dew']).describe('Kept by the platform, or by the Data Encryption Workshop.'),
  name: z
    .string(secretNameSays)
    .regex(/^(?!\.\.)[A-Za-z0-9._-]{1,63}$/, secretNameSays)
    .describe('The name of the secret.'),
  mountPath: mountPath('secret'),
});

export const deploymentOf = (ids: Ids) =>
  z.strictObject({
    name: label().describe('The name of the deployment, unique in its service.'),
    description: z.string().optional().describe('What the deployment is for.'),
    mode: z
      .enum(['basic', 'co-located', 'disaggregated'])
      .optional()
      .describe('Default: by its units: basic for a common one, co-located with workers, else disaggregated.'),
    pool: name().describe('The pool or subpool that its pods run in.'),
    nodePool: text('the name of a node pool')
      .optional()
      .describe(
        "Which of the pool's nodes, by `name` or flavor; needed where they have accelerators of several kinds.",
      ),
    weight: integer(0, 100).default(100).describe("Share of the service's traffic, 0 to 100."),
    ...trafficSettings,
    instances: integer(1, MOST_INSTANCES).describe('Instances (deployment replicas), 1 to 128.'),
    schedulingPolicy: z
      .enum(['high-availability', 'compact', 'high-performance'])
      .default('high-availability')
      .describe('Instances spread over nodes, or gathered on few.'),
    priority: integer(1, 3).default(1).describe('Who is placed first: 1 (lowest) to 3.'),
    deployTimeout: durationFrom('3m', '120m').prefault('20m').describe('Not ready by then is failed: 3m to 120m.'),
    maxSurge: percent().prefault('1%').describe('A rolling upgrade may add so many of the instances, rounded up.'),
    maxUnavailable: percent().prefault('1%').describe('So many of the instances may be missing, rounded down.'),
    secrets: list(secret, ['secret', 'secrets'], MOUNT_LIMITS.secrets.most)
      .default([])
      .describe('Secrets that its pods mount.'),
    storageSecret: text('the name of a secret')
      .optional()
      .describe('The DEW secret with access keys for object storage, where the pool is too old for temporary ones.'),
    scaling: scaling.optional().describe('Automatic scaling; dedicated pools only.'),
    units: list(unitOf(ids), ['unit', 'units'], MOST, 1).describe(
      'The units of an instance: one common unit; prefill and decode units; or a common unit and workers.',
    ),
    kvTransfer: z
      .strictObject({
        setup: duration().prefault('400us').describe("The connector's set-up of one transfer."),
        gigabytesPerSecond: positive().default(142).describe('What the transfers that leave one prefill pod share.'),
        uploads: z.enum(['parallel', 'serial']).default('parallel').describe('Side by side, or one after the other.'),
        mode: z.enum(['pull', 'push']).default('pull').describe('Fetched at the end, or pushed layer by layer.'),
        firstToken: z
          .enum(['prefill', 'decode'])
          .default('decode')
          .describe(
            'Who streams the first token: decode as in vLLM and SGLang, prefill as in papers and sizing tools.',
          ),
        retries: integer(0, 10).default(1).describe('Then the decode engine computes the prompt itself.'),
      })
      .prefault({})
      .describe('How keys and values get from prefill to decode engines.'),
  });

export const serviceOf = (ids: Ids) =>
  z.strictObject({
    name: label().describe('The name of the service.'),
    auth,
    ...callSettings,
    privateConnections,
    replies: z
      .strictObject({ output: z.discriminatedUnion('kind', [fixedLength, lognormalLength]) })
      .prefault({ output: { kind: 'lognormal', median: 180, sigma: 0.6, max: 1024 } })
      .describe("How long answers to clients' requests are. Traffic states its own lengths."),
    autoStop: durationFrom('1m', '24h')
      .optional()
      .describe('It is stopped once it has run so long: 1m to 24h. Default: never.'),
    logs: z
      .strictObject({
        ingest: z.boolean().default(false).describe('Logs are ingested.'),
        kubernetesEvents: z.boolean().default(false).describe('So are pod events, which are then kept for seven days.'),
      })
      .prefault({})
      .describe('What becomes of its logs.'),
    deployments: list(deploymentOf(ids), ['deployment', 'deployments'], MOST, 1).describe(
      'The deployments of the service.',
    ),
  });
