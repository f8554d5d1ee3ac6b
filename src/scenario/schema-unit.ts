import { z } from 'zod';
import { LARGEST_PROBE_FIGURE, MOUNT_LIMITS, MOUNT_PATH_LENGTH } from '../platform/index.ts';
import { duration, integer, list, name, positive, positiveDuration, text } from './fields.ts';
import { expecting } from './messages.ts';
import { type Ids, oneOf } from './schema-catalogue.ts';
import { engine } from './schema-engine.ts';

/** What the units of a deployment are. */

const pathSays = expecting('a path such as "/health": letters, digits, "-", "_" and "/"');

const checkFields = {
  path: z
    .string(pathSays)
    .regex(/^\/[a-zA-Z0-9\-_/]{0,1024}$/, pathSays)
    .optional()
    .describe('HTTP path that is asked; 200 to 399 passes. Default: /health, unless there is a command.'),
  command: text('a command').optional().describe('A command in the container instead; 0 passes.'),
  protocol: z.enum(['HTTP', 'HTTPS']).default('HTTP').describe('Of the path.'),
};

/** Defaults are the contract's; a startup probe is patient enough for a large model. */
function probe(failures: number) {
  return z.strictObject({
    ...checkFields,
    interval: positiveDuration().prefault('10s').describe('Between two checks.'),
    delay: duration().prefault('30s').describe('Before the first check; skipped when the interval is longer.'),
    timeout: positiveDuration().prefault('30s').describe('How long one check waits for its answer.'),
    failureThreshold: integer(1, LARGEST_PROBE_FIGURE).default(failures).describe('Failures in a row that count.'),
  });
}

const ofProbe = expecting('"none" or the settings of a probe');
const none = z.literal('none');

const probes = z
  .strictObject({
    startup: z
      .union([none, probe(180)], ofProbe)
      .prefault({})
      .describe('Holds the others back until it passes; failing, it restarts the container. "none" turns it off.'),
    readiness: z
      .union([none, probe(3)], ofProbe)
      .default('none')
      .describe('Keeps a pod out of traffic while it fails.'),
    liveness: z
      .union([none, probe(3)], ofProbe)
      .default('none')
      .describe('Failing, it restarts the container.'),
  })
  .prefault({})
  .describe('Health probes.');

/** A directory of the container, as each kind of mount wants it (guide 3761, 3786, 3827, 3850). */
export function mountPath(kind: keyof typeof MOUNT_PATH_LENGTH) {
  const most = MOUNT_PATH_LENGTH[kind];
  const says = expecting(
    `a path such as "/model/" of letters, digits, "_", "-" and ".", a slash first and last, at most ${most} characters`,
  );
  return z
    .string(says)
    .regex(/^\/([A-Za-z0-9_.-]+\/)*$/, says)
    .max(most, says)
    .describe('Where the container finds it.');
}
const obsSays = expecting('an address such as "obs://bucket/model/", with a slash at the end');
/** Guide 3731, 3752. */
function obsAddress() {
  return z
    .string(obsSays)
    .regex(/^obs:\/\/[a-z0-9.-]{3,63}\/(.*\/)?$/, obsSays)
    .describe('Where it is kept.');
}

const readOnly = () => z.boolean().default(false).describe('Whether the container may not write there.');

const storage = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('image').describe('The weights are part of the image.') }),
    z.strictObject({
      kind: z.enum(['obs', 'obsfs']).describe('An object storage bucket, or one as a parallel file system.'),
      address: obsAddress(),
      mountPath: mountPath('obs'),
      hostCache: z.boolean().default(false).describe("Local storage acceleration: kept on the node's disk."),
    }),
    z.strictObject({
      kind: z.literal('sfs-turbo').describe('An SFS Turbo file system that is associated with the pool.'),
      address: text('a file system').describe('Its name.'),
      mountPath: mountPath('sfs-turbo'),
      hostCache: z.boolean().default(false).describe("Local storage acceleration: kept on the node's disk."),
    }),
    z.strictObject({
      kind: z.literal('pre-warmed').describe('A model that was warmed up on nodes of the pool.'),
      address: text('a model').describe('Its name among `warmModels`.'),
      mountPath: mountPath('pre-warmed'),
    }),
  ])
  .prefault({ kind: 'image' })
  .describe('Where the weights come from.');

const file = z.strictObject({
  kind: z.enum(['obs', 'obsfs', 'sfs-turbo', 'pre-warmed']).describe('Kind of storage.'),
  address: text('an address').describe('obs:// address, file system, or model.'),
  mountPath: mountPath('obs'),
  readOnly: readOnly(),
});

const dump = z.strictObject({
  kind: z.enum(['obs', 'obsfs']).describe('Kind of storage.'),
  address: obsAddress(),
  mountPath: mountPath('obs'),
});

const affinity = z.strictObject({
  kind: z.enum(['affinity', 'anti-affinity']).describe('To these nodes, or away from them.'),
  strength: z.enum(['strong', 'weak']).describe('A must, or a wish.'),
  nodes: z
    .array(text('a node'))
    .min(1, expecting('at least one node'))
    .max(20, expecting('at most 20 nodes'))
    .describe('Names of nodes, such as pool-a-node-0.'),
});

const image = z
  .strictObject({
    name: text('the name of an image').optional().describe('Default: vllm-ascend, vllm-openai or vllm-cpu.'),
    sizeGiB: positive().default(12).describe('What a node pulls, in GiB.'),
    arch: z.enum(['x86', 'arm64']).optional().describe('What it is built for. Default: whatever the nodes are.'),
    unavailable: z.enum(['missing', 'denied']).optional().describe('Not in the registry, or not for this account.'),
    failsToStart: z.boolean().optional().describe('Its boot command fails.'),
    healthPaths: z.array(text('a path')).optional().describe('Paths that answer checks. Default: any.'),
    tools: z.array(text('a program')).optional().describe('Programs that it has. Default: all that are asked for.'),
    multiRole: z.boolean().optional().describe('Whether it is made for several roles. Default: true.'),
  })
  .prefault({})
  .describe('The container image.');

const environmentKey = expecting('letters, digits, "_", "-" and ".", not a digit first, at most 64');
const environment = z
  .record(
    z.string().regex(/^[A-Za-z_.-][A-Za-z0-9_.-]{0,63}$/, environmentKey),
    z.string(expecting('a text')).regex(/^[^<>]*$/, expecting('a text without HTML')),
  )
  .optional()
  .describe('Environment variables of the containers.');

const ACCELERATORS = expecting('a whole number of accelerators, or hundredths of one such as 0.25');
function accelerators() {
  return z
    .number(ACCELERATORS)
    .min(0, ACCELERATORS)
    .max(1024, ACCELERATORS)
    .refine(
      (each) => Number.isInteger(each) || (each < 1 && Number.isInteger(Math.round(each * 1e6) / 1e4)),
      ACCELERATORS,
    );
}

export const unitOf = (ids: Ids) =>
  z.strictObject({
    name: name(16).optional().describe('Name of the unit. Default: role-0 for a common one, else its role.'),
    role: z
      .enum(['common', 'prefill', 'decode', 'worker'])
      .default('common')
      .describe('All of a request, its prompt, its answer; or a worker that lends its devices to the first unit.'),
    replicas: integer(1, 100).default(1).describe('Unit replicas in each instance, 1 to 100; 1 in basic mode.'),
    pods: integer(1, 64).default(1).describe('Pods of a unit replica, which together run one engine.'),
    model: oneOf(ids.models).describe('A model of the catalogue, or one of `models`.'),
    servedModelName: text('a name').optional().describe('The name that clients use for the model. Default: the model.'),
    resources: z
      .strictObject({
        accelerators: accelerators()
          .optional()
          .describe('Accelerators of a pod, or hundredths of one. Default: 1; 0 on CPU nodes.'),
        cpu: positive()
          .optional()
          .describe("Virtual cores of a pod. Default: the accelerators' share of a node; 32 on CPU nodes."),
        memoryGiB: positive()
          .optional()
          .describe("Memory of a pod. Default: the accelerators' share of a node; 64 on CPU nodes."),
      })
      .prefault({})
      .describe('What each pod asks of a node.'),
    image,
    engine,
    storage,
    files: list(file, 'file storage path', MOUNT_LIMITS.files.most)
      .default([])
      .describe('Other files that it mounts, at most 15.'),
    dumps: list(dump, 'dump path', MOUNT_LIMITS.dumps.most)
      .default([])
      .describe('Where it leaves what it makes, at most 10.'),
    probes,
    autoRebuild: z
      .enum(['pod', 'unit-replica', 'unit', 'deployment-replica'])
      .optional()
      .describe('What is made anew when a pod restarts. Default: the container starts again in its place.'),
    autoRestart: z.boolean().default(false).describe('Moves the pods off faulty NPUs, switches and nodes.'),
    nodeReset: z.boolean().optional().describe('Resets the whole node of a faulty chip instead.'),
    gracefulShutdown: z
      .strictObject({
        timeout: positiveDuration().prefault('30s').describe('From the signal to the kill.'),
        command: text('a command').optional().describe('Run in the container on the signal.'),
        commandTakes: duration().prefault('0s').describe('How long it takes, within the timeout.'),
      })
      .optional()
      .describe('How containers end when they are asked to. Default: at once.'),
    affinity: affinity.optional().describe('Node affinity; it comes before the scheduling policy.'),
    environment,
  });
