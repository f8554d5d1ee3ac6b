import { z } from 'zod';
import { LARGEST_PROBE_FIGURE, MOUNT_LIMITS, MOUNT_PATH_LENGTH } from '../platform/index.ts';
import { duration, durationFrom, hundredths, integer, list, name, positive, positiveDuration, text } from './fields.ts';
import { expecting } from './messages.ts';
import { type ApplicationEntry, application } from './schema-application.ts';
import { type Ids, oneOf } from './schema-catalogue.ts';
import { engine } from './schema-engine.ts';
import { ARCHITECTURES } from './schema-pool.ts';

/** What the units of a deployment are. */

/** Of a pod (guide 410). */
export const LEAST_MEMORY_GIB = 4;
/** The contract's bounds of commands, and of the nodes of an affinity. */
const PROBE_COMMAND = 1_024;
const SHUTDOWN_COMMAND = 255;
const MOST_NODES = 20;

const command = (most: number) => {
  const says = expecting(`a command of 1 to ${most} characters`);
  return z.string(says).min(1, says).max(most, says);
};
const pathSays = expecting('a path such as "/health": letters, digits, "-", "_" and "/"');

const checkFields = {
  path: z
    .string(pathSays)
    .regex(/^\/[a-zA-Z0-9\-_/]{0,1024}$/, pathSays)
    .optional()
    .describe(
      'HTTP path that is asked; 200 to 399 passes. Default without a command: /health, or the first health path of an application.',
    ),
  command: command(PROBE_COMMAND).optional().describe('A command in the container instead; 0 passes.'),
  protocol: z.enum(['HTTP', 'HTTPS']).default('HTTP').describe('Of the path.'),
};

const probeFigure = () => durationFrom('1s', `${LARGEST_PROBE_FIGURE}s`);

/** Defaults are the contract's; a startup probe is patient enough for a large model. */
function probe(failures: number) {
  return z.strictObject({
    ...checkFields,
    interval: probeFigure().prefault('10s').describe('Between two checks.'),
    delay: probeFigure().prefault('30s').describe('Before the first check; skipped when the interval is longer.'),
    timeout: probeFigure().prefault('30s').describe('How long one check waits for its answer.'),
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

/** Where something is mounted in a container (guide 3734, 3761, 3786, 3827). */
export function mountPath(kind: keyof typeof MOUNT_PATH_LENGTH) {
  const most = MOUNT_PATH_LENGTH[kind];
  const says = expecting(
    `a path such as "/model/": "/" at both ends, letters, digits, "-", "_" and "/" between, at most ${most} characters`,
  );
  return z
    .string(says)
    .regex(/^(\/[A-Za-z0-9_-]+)+\/$/, says)
    .max(most, says)
    .describe('Where the container finds it.');
}

const obsSays = expecting('an address such as "obs://bucket/path/", with "/" at the end');
const obsAddress = () =>
  z
    .string(obsSays)
    .regex(/^obs:\/\/[^/\s]+\/([^/\s]+\/)*$/, obsSays)
    .describe('obs://, with a slash at the end.');
const MODEL_PATH = '/model/';
const hostCache = () => z.boolean().default(false).describe("Local storage acceleration: kept on the node's disk.");
const readOnly = () => z.boolean().default(false).describe('Whether the container may not write there.');

const storage = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('image').describe('The weights are part of the image.') }),
    z.strictObject({
      kind: z.enum(['obs', 'obsfs']).describe('An object storage bucket, or one as a parallel file system.'),
      address: obsAddress(),
      mountPath: mountPath('obs').default(MODEL_PATH),
      hostCache: hostCache(),
    }),
    z.strictObject({
      kind: z.literal('sfs-turbo').describe('An SFS Turbo file system that is associated with the pool.'),
      address: text('a file system').describe('Its name.'),
      mountPath: mountPath('sfs-turbo').default(MODEL_PATH),
      hostCache: hostCache(),
    }),
    z.strictObject({
      kind: z.literal('pre-warmed').describe('A model that was warmed up on nodes of the pool.'),
      address: text('a model').describe('Its name among `warmModels`.'),
      mountPath: mountPath('pre-warmed').default(MODEL_PATH),
    }),
  ])
  .prefault({ kind: 'image' })
  .describe('Where the weights come from.');

const file = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.enum(['obs', 'obsfs']).describe('An object storage bucket, or one as a parallel file system.'),
    address: obsAddress(),
    mountPath: mountPath('obs'),
    readOnly: readOnly(),
  }),
  z.strictObject({
    kind: z.literal('sfs-turbo').describe('An SFS Turbo file system that is associated with the pool.'),
    address: text('a file system').describe('Its name.'),
    mountPath: mountPath('sfs-turbo'),
    readOnly: readOnly(),
  }),
  z.strictObject({
    kind: z.literal('pre-warmed').describe('A model that was warmed up on nodes of the pool.'),
    address: text('a model').describe('Its name among `warmModels`.'),
    mountPath: mountPath('pre-warmed'),
    readOnly: readOnly(),
  }),
]);

const dump = z.strictObject({
  kind: z.literal('obsfs').default('obsfs').describe('A parallel file system; nothing else takes dumps.'),
  address: obsAddress(),
  mountPath: mountPath('obsfs'),
});

const affinity = z.strictObject({
  kind: z.enum(['affinity', 'anti-affinity']).describe('To these nodes, or away from them.'),
  strength: z.enum(['strong', 'weak']).describe('A must, or a wish.'),
  nodes: list(text('a node'), ['node', 'nodes'], MOST_NODES)
    .default([])
    .describe('Names of nodes, such as pool-a-node-0. Without any, pods go wherever the policy has them.'),
});

const HIGHEST_PORT = 65_535;
const port = () => integer(1, HIGHEST_PORT);

const image = z
  .strictObject({
    name: text('the name of an image').optional().describe('Default: vllm-ascend, vllm-openai or vllm-cpu.'),
    sizeGiB: positive().default(12).describe('What a node pulls, in GiB.'),
    arch: z.enum(ARCHITECTURES).optional().describe('What it is built for. Default: whatever the nodes are.'),
    unavailable: z.enum(['missing', 'denied']).optional().describe('Not in the registry, or not for this account.'),
    failsToStart: z.boolean().optional().describe('Its boot command fails.'),
    healthPaths: z.array(text('a path')).optional().describe('Paths that answer checks. Default: any.'),
    port: port().optional().describe('It listens on this port. Default: the container port of its unit.'),
    tools: z.array(text('a program')).optional().describe('Programs that it has. Default: all that are asked for.'),
    multiRole: z.boolean().optional().describe('Whether it is made for several roles. Default: true.'),
  })
  .prefault({})
  .describe('The container image.');

const environmentKey = expecting('a name of at most 64 letters, digits, "_", "-" and ".", no digit first');
const environmentValue = expecting('a text without HTML, that is without "<" and ">"');
const environment = z
  .record(
    z.string(environmentKey).regex(/^[A-Za-z_.-][A-Za-z0-9_.-]{0,63}$/, environmentKey),
    z.string(environmentValue).regex(/^[^<>]*$/, environmentValue),
  )
  .optional()
  .describe('Environment variables of the containers.');

const ACCELERATORS = 'a whole number from 0 to 1024, or a part of one in hundredths, such as 0.25';
const acceleratorsSay = expecting(ACCELERATORS);

/** As it is written: what it serves, a model or an application, is not told apart yet. */
const writtenUnitOf = (ids: Ids) =>
  z.strictObject({
    name: name(16).optional().describe('Name of the unit. Default: prefill or decode, else role-0, role-1, ...'),
    role: z
      .enum(['common', 'prefill', 'decode', 'worker'])
      .default('common')
      .describe('All of a request, its prompt, its answer; or a worker that lends its devices to the first unit.'),
    replicas: integer(1, 100).default(1).describe('Unit replicas in each instance, 1 to 100; 1 in basic mode.'),
    pods: integer(1, 64).default(1).describe('Pods of a unit replica, which together run one engine.'),
    nodePool: text('a node pool')
      .optional()
      .describe("Instead of the deployment's; different ones need `allowHeterogeneousUnits`."),
    model: oneOf(ids.models).optional().describe('A model of the catalogue, or one of `models`; or an `application`.'),
    application: application
      .optional()
      .describe('Instead of a model: an application of the image, by the type of its service or route by route.'),
    servedModelName: text('a name').optional().describe('The name that clients use for the model. Default: the model.'),
    resources: z
      .strictObject({
        accelerators: hundredths(0, ACCELERATORS)
          .max(1024, acceleratorsSay)
          .refine((value) => Number.isInteger(value) || value < 1, acceleratorsSay)
          .optional()
          .describe('Accelerators of a pod, or hundredths of one. Default: 1; 0 on CPU nodes.'),
        cpu: hundredths(0.01)
          .optional()
          .describe("Virtual cores of a pod. Default: the accelerators' share of a node; 32 on CPU nodes."),
        memoryGiB: integer(LEAST_MEMORY_GIB)
          .optional()
          .describe("Memory of a pod. Default: the accelerators' share of a node; 64 on CPU nodes."),
      })
      .prefault({})
      .describe('What each pod asks of a node.'),
    image,
    engine: engine.unwrap().optional().describe('Settings of the serving engine.'),
    storage,
    files: list(file, ['file mount', 'file mounts'], MOUNT_LIMITS.files.most)
      .default([])
      .describe('Other files that it mounts, at most 15.'),
    dumps: list(dump, ['dump', 'dumps'], MOUNT_LIMITS.dumps.most)
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
        command: command(SHUTDOWN_COMMAND).optional().describe('Run in the container on the signal.'),
        commandTakes: duration().prefault('0s').describe('How long it takes, within the timeout.'),
      })
      .optional()
      .describe('How containers end when they are asked to. Default: at once.'),
    affinity: affinity.optional().describe('Node affinity; it comes before the scheduling policy.'),
    environment,
    containerPort: port()
      .optional()
      .describe('Requests and checks reach its pods on this port. Default: where the image listens.'),
  });

type WrittenUnit = z.output<ReturnType<typeof writtenUnitOf>>;
type WhatItServes = 'model' | 'servedModelName' | 'engine' | 'application';

/** A unit of a model: with its engine, as far as it is stated. */
export type ModelUnitEntry = Omit<WrittenUnit, WhatItServes> & {
  readonly model: string;
  readonly servedModelName?: string | undefined;
  readonly engine: z.output<typeof engine>;
  readonly application?: undefined;
};
export type ApplicationUnitEntry = Omit<WrittenUnit, WhatItServes> & {
  readonly application: ApplicationEntry;
  readonly model?: undefined;
  readonly servedModelName?: undefined;
  readonly engine?: undefined;
};

const DEFAULT_ENGINE = engine.parse({});

export const unitOf = (ids: Ids) =>
  writtenUnitOf(ids).transform((unit, context): ModelUnitEntry | ApplicationUnitEntry => {
    const { model, servedModelName, engine: settings, application: own, ...rest } = unit;
    const refuse = (key: string, message: string): void => {
      context.addIssue({ code: 'custom', message, path: [key], input: unit });
    };
    if (own === undefined) {
      if (model === undefined) refuse('model', 'missing; expected a model of the catalogue, or an "application"');
      return { ...rest, model: model ?? '', servedModelName, engine: settings ?? DEFAULT_ENGINE };
    }
    if (model !== undefined) refuse('application', 'an application beside a model; expected one of these');
    const beside = 'beside an application, which has no model';
    if (model === undefined && settings !== undefined) refuse('engine', `settings of an engine ${beside}`);
    if (model === undefined && servedModelName !== undefined)
      refuse('servedModelName', `the name of a model ${beside}`);
    return { ...rest, application: own };
  });
