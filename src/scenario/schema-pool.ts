import { z } from 'zod';
import { TEMPORARY_CREDENTIALS } from '../platform/index.ts';
import { duration, integer, name, positive, text } from './fields.ts';
import { expecting } from './messages.ts';
import { type Ids, oneOf } from './schema-catalogue.ts';

/** What pools are made of. */

export const PLUGINS = ['volcano', 'hra', 'logs'] as const;
export const PLUGIN_STATES = ['running', 'abnormal', 'absent'] as const;
export const TAINT_EFFECTS = ['NoSchedule', 'NoExecute'] as const;
export const ARCHITECTURES = ['x86', 'arm64'] as const;

const plugin = (what: string) => z.enum(PLUGIN_STATES).optional().describe(what);
const versionText = () =>
  z.string(expecting('a version such as "2.4.204"')).regex(/^v?\d+(\.\d+)*$/, expecting('a version such as "2.4.204"'));

const taint = z.strictObject({
  key: text('a key').describe('What the taint is called.'),
  value: text('a value').optional().describe('For people.'),
  effect: z.enum(TAINT_EFFECTS).default('NoSchedule').describe('Keep new pods out; or all.'),
});

export const poolOf = (ids: Ids) =>
  z.strictObject({
    name: name().describe('The name by which deployments refer to the pool.'),
    type: z
      .enum(['dedicated', 'public'])
      .default('dedicated')
      .describe("Whose nodes they are: the user's own, or shared by all (preset specifications, a queue)."),
    nodes: z
      .array(
        z.strictObject({
          name: name().optional().describe('The node pool that they are. Default: the flavor.'),
          flavor: oneOf(ids.flavors).describe('A node flavor of the catalogue, or one of `flavors`.'),
          count: integer(1, 10_000).describe('How many nodes of that flavor.'),
          racks: integer(1, 1_000).default(1).describe('Racks that they are spread over, in turn.'),
          diskGiB: positive().optional().describe('Data disk of each node. Default: 3500.'),
          maxPods: integer(1, 1_000).optional().describe('The most pods of a node. Default: 110.'),
          taints: z.array(taint).default([]).describe('Taints of the nodes; no pod tolerates any.'),
          warmImages: z.array(text('an image')).default([]).describe('Images that the nodes have already.'),
          warmModels: z.array(text('a model')).default([]).describe('Models that are pre-warmed on the nodes.'),
          arch: z.enum(ARCHITECTURES).optional().describe("Of the nodes. Default: the flavor's."),
        }),
      )
      .min(1, expecting('at least one group of nodes'))
      .describe('The nodes of the pool, in groups of one flavor (node pools).'),
    subpools: z
      .array(
        z.strictObject({
          name: name().describe('The name by which deployments refer to the subpool.'),
          nodes: integer(1, 10_000).describe('How many of the nodes, in order.'),
        }),
      )
      .default([])
      .describe('Logical subpools, pools of their own; the physical pool then takes no deployments.'),
    plugins: z
      .strictObject({
        volcano: plugin('Places pods. Default: running.'),
        hra: plugin('Intelligent operation. Default: absent.'),
        logs: plugin('Ingests logs. Default: running.'),
      })
      .prefault({})
      .describe('States of the plugins.'),
    queueDelay: duration().prefault('0s').describe('In a public pool: how long the queue before the scheduler is.'),
    clusterVersion: versionText().prefault(TEMPORARY_CREDENTIALS.cluster).describe('Of Kubernetes.'),
    everestVersion: versionText()
      .prefault(TEMPORARY_CREDENTIALS.everest)
      .describe('Of the storage plugin: below 2.4.204 object storage needs a DEW secret.'),
    sfsTurbo: z.array(text('a file system')).default([]).describe('SFS Turbo file systems associated with the pool.'),
  });
