import { z } from 'zod';
import { MOST_INSTANCES } from '../platform/index.ts';
import { duration, durationFrom, integer, label, name, number, positiveDuration, text } from './fields.ts';
import { expecting } from './messages.ts';
import { ACCESS_OPERATIONS } from './schema-access.ts';
import type { Ids } from './schema-catalogue.ts';
import { deploymentOf, scaling } from './schema-deployment.ts';
import { PLUGIN_STATES, PLUGINS, TAINT_EFFECTS } from './schema-pool.ts';
import { COUNTED_FROM } from './schema-traffic.ts';

/** What happens in the course of a scenario: faults, and what an operator asks of the platform. */

const STORAGE = ['obs', 'obsfs', 'sfs-turbo', 'pre-warmed'] as const;

const when = () => ({ at: duration().describe('When, counted from `from`.'), from: COUNTED_FROM });
const lasting = { for: positiveDuration().optional().describe('How long it lasts. Default: to the end.') };
const factor = (what: string) => ({ factor: number(0.001, 1_000_000).describe(`${what} this many times as long.`) });
const service = { service: label().describe('The service.') };
const deployment = { ...service, deployment: label().describe('The deployment.') };
const instance = () => integer(0).describe('Which instance, from 0.');
const withinInstance = {
  unit: name(16).optional().describe('Which unit. Default: the first.'),
  replica: integer(0).optional().describe('Which replica of the unit, from 0. Default: the first.'),
  pod: integer(0).optional().describe('Which pod of the replica, from 0. Default: the first.'),
};
const pod = { ...deployment, instance: instance(), ...withinInstance };
/** A node by its name, or the one of a pod; the checks see to it that it is one of them. */
const node = {
  node: text('the name of a node').optional().describe('Such as npu-node-0 of pool npu; or the node of a pod:'),
  service: label().optional().describe('The service of the pod.'),
  deployment: label().optional().describe('Its deployment.'),
  instance: instance().optional(),
  ...withinInstance,
};
const pool = { pool: name().describe('The pool.') };

function entry<const Kind extends string, Fields extends z.ZodRawShape>(kind: Kind, what: string, fields: Fields) {
  return z.strictObject({ ...when(), do: z.literal(kind).describe(what), ...fields });
}

const FAULTS = [
  entry('kill-pod', 'Kills a pod.', pod),
  entry('crash-container', 'The process of a container exits with an error.', pod),
  entry('out-of-memory', 'The process of a container is killed for want of memory.', pod),
  entry('hang-container', 'The process of a container answers and computes nothing.', { ...pod, ...lasting }),
  entry('slow-engine', 'Makes the steps of an engine slower.', { ...pod, ...factor('Steps take'), ...lasting }),
  entry('slow-link', 'Makes keys and values leave a prefill pod more slowly.', {
    ...pod,
    ...factor('Bytes take'),
    ...lasting,
  }),
  entry('break-link', 'Lets no keys and values leave a prefill pod.', { ...pod, ...lasting }),
  entry('chip-fault', 'Breaks an accelerator of a node or a pod.', {
    ...node,
    chip: integer(0).default(0).describe('Which accelerator of the node or the pod, from 0.'),
    ...lasting,
  }),
  entry('node-crash', 'A node is gone, and back after `for`, or else after a reboot.', { ...node, ...lasting }),
  entry('node-reboot', 'A node reboots.', node),
  entry('cordon', 'A node takes no new pods.', { ...node, ...lasting }),
  entry('drain', 'A node takes no new pods, and those on it leave.', { ...node, ...lasting }),
  entry('taint', 'A node is tainted; no pod tolerates it.', {
    ...node,
    key: text('a key').describe('Key of the taint.'),
    effect: z.enum(TAINT_EFFECTS).default('NoSchedule').describe('No new pods, or no pods at all.'),
    ...lasting,
  }),
  entry('disk-full', "A node's data disk is full.", { ...node, ...lasting }),
  entry('switch-fault', 'Nothing reaches the nodes of a rack.', {
    ...pool,
    rack: integer(0).default(0).describe("Which of the pool's racks, from 0."),
    ...lasting,
  }),
  entry('network-fault', 'The gateway reaches no pod of a service.', { ...service, ...lasting }),
  entry('storage-down', 'Storage of a kind cannot be reached.', {
    storage: z.enum(STORAGE).describe('Which kind.'),
    ...lasting,
  }),
  entry('storage-slow', 'Storage of a kind is slower.', {
    storage: z.enum(STORAGE).describe('Which kind.'),
    ...factor('Bytes take'),
    ...lasting,
  }),
  entry('image-missing', 'An image is gone from the registry.', {
    image: text('the name of an image').describe('An image of a unit.'),
    ...lasting,
  }),
  entry('registry-slow', 'The registry is slower.', { ...factor('Pulls take'), ...lasting }),
  entry('plugin', 'A plugin of a pool is in another state.', {
    ...pool,
    plugin: z.enum(PLUGINS).describe('Which plugin.'),
    state: z.enum(PLUGIN_STATES).default('abnormal').describe('The state that it is in.'),
    ...lasting,
  }),
  entry('delete-secret', 'A DEW secret is deleted.', {
    secret: text('the name of a secret').describe('A DEW secret of a deployment.'),
    ...lasting,
  }),
  entry('control-plane-fault', 'Operations on a service are refused.', { ...service, ...lasting }),
  entry('refuse', 'Makes the gateway refuse every call to a service.', {
    ...service,
    status: z.literal([429, 503]).default(503).describe('HTTP status of the refusal.'),
    retryAfterSeconds: integer(0).optional().describe('Seconds in the Retry-After header. Default: no header.'),
    ...lasting,
  }),
] as const;

const ofService = {
  ...service,
  deployment: label().optional().describe('One deployment. Default: the service with all of them.'),
};
const version = {
  version: z
    .string(expecting('a version such as "1.0.1"'))
    .regex(/^\d{1,2}\.\d{1,2}\.\d{1,2}$/, expecting('a version such as "1.0.1"'))
    .describe('The first is 1.0.0, each upgrade makes the next: 1.0.1.'),
};
const SET_SAYS = expecting('the fields of the deployment that change');

function accessEntry<const Kind extends keyof typeof ACCESS_OPERATIONS>(kind: Kind) {
  const [what, fields] = ACCESS_OPERATIONS[kind] as (typeof ACCESS_OPERATIONS)[Kind];
  return entry(kind, what, fields as (typeof ACCESS_OPERATIONS)[Kind][1]);
}

const operationsOf = (ids: Ids) =>
  [
    entry('start', 'Starts a service or a deployment.', ofService),
    entry('stop', 'Stops a service or a deployment.', ofService),
    entry('delete', 'Deletes a service or a deployment.', ofService),
    entry('interrupt', 'Interrupts what is being deployed or upgraded.', ofService),
    entry('add-deployment', 'Adds a deployment to a service.', {
      ...service,
      spec: deploymentOf(ids).describe('The deployment.'),
    }),
    entry('upgrade', 'Upgrades a deployment to a new version.', {
      ...deployment,
      set: z
        .record(z.string(), z.unknown(), SET_SAYS)
        .meta({ partOfDeployment: true })
        .describe('What changes, laid over the deployment as it is by then; units by name, null takes a field away.'),
    }),
    entry('switch-version', 'Switches a deployment to another of its versions.', { ...deployment, ...version }),
    entry('delete-version', 'Deletes a version of a deployment.', { ...deployment, ...version }),
    entry('scale', 'Sets the instances of a deployment.', {
      ...deployment,
      instances: integer(1, MOST_INSTANCES).describe('Instances, 1 to 128.'),
    }),
    entry('set-scaling', 'Sets the rules of automatic scaling of a deployment.', {
      ...deployment,
      scaling: scaling.optional().describe('Default: there are none any more.'),
    }),
    entry('set-auto-stop', 'Sets after how long a service is stopped.', {
      ...service,
      limit: durationFrom('1m', '24h').optional().describe('1m to 24h. Default: it runs on.'),
    }),
    entry('set-weight', "Sets a deployment's share of the traffic.", {
      ...deployment,
      weight: integer(0, 100).describe('0 to 100.'),
    }),
    entry('set-mirror', 'Lets a deployment get copies of live requests and no live one, or live ones again.', {
      ...deployment,
      mirror: z.boolean().describe('Copies only.'),
    }),
    entry('delete-instance', 'Deletes an instance.', {
      ...deployment,
      instance: instance(),
      recreate: z.boolean().default(true).describe('A new one takes its place; else there is one less for good.'),
    }),
    entry('delete-pod', 'Deletes a pod; a new one takes its place.', {
      ...pod,
      force: z.boolean().default(false).describe('Without a graceful end.'),
    }),
    accessEntry('modify-service'),
    accessEntry('create-connection'),
    accessEntry('approve-connection'),
    accessEntry('reject-connection'),
    accessEntry('revoke-connection'),
    accessEntry('retry-connection'),
    accessEntry('delete-connection'),
    accessEntry('set-connection-urls'),
    accessEntry('create-key'),
    accessEntry('bind-key'),
    accessEntry('unbind-key'),
    accessEntry('delete-key'),
  ] as const;

export const timelineOf = (ids: Ids) => z.discriminatedUnion('do', [...FAULTS, ...operationsOf(ids)]);

export type OperationItem = z.output<ReturnType<typeof operationsOf>[number]>;
export type FaultItem = z.output<(typeof FAULTS)[number]>;
/** Faults that strike a node, or that of a pod. */
export const NODE_FAULTS: ReadonlySet<string> = new Set(
  FAULTS.filter(({ shape }) => 'node' in shape).map(({ shape }) => shape.do.value),
);
const FAULT_KINDS: ReadonlySet<string> = new Set(FAULTS.map(({ shape }) => shape.do.value));

export function isFault(item: FaultItem | OperationItem): item is FaultItem {
  return FAULT_KINDS.has(item.do);
}
