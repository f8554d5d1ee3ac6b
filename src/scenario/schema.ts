import { z } from 'zod';
import { TRACE_FORMATS } from '../workload/index.ts';
import { duration, durationFrom, integer, name, notNegative, positive, positiveDuration, text } from './fields.ts';
import { expecting } from './messages.ts';
import { catalogueFields, type Ids, idsOf, oneOf } from './schema-catalogue.ts';
import { engine } from './schema-engine.ts';

/** The version of the format that this InferLab reads. */
export const SCENARIO_VERSION = 1;

const DEFAULT_EPOCH = '2026-01-01T00:00:00Z';
const COUNTED_FROM = z
  .enum(['ready', 'boot'])
  .default('ready')
  .describe('What time is counted from: every service having first run (ready), or time zero (boot).');

const poolOf = (ids: Ids) =>
  z.strictObject({
    name: name().describe('The name by which deployments refer to the pool.'),
    type: z
      .enum(['dedicated'])
      .default('dedicated')
      .describe('Whose nodes they are; this version has dedicated pools.'),
    nodes: z
      .array(
        z.strictObject({
          flavor: oneOf(ids.flavors).describe('A node flavor of the catalogue, or one of `flavors`.'),
          count: integer(1, 10_000).describe('How many nodes of that flavor.'),
        }),
      )
      .min(1, expecting('at least one group of nodes'))
      .describe('The nodes of the pool, in groups of one flavor.'),
  });

const auth = z
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
  ])
  .prefault({ kind: 'api-key' })
  .describe('How clients prove who they are. Default: one API key named "default".');

const fixedLength = z.strictObject({
  kind: z.literal('fixed').describe('Always as many tokens.'),
  tokens: integer(1).describe('Tokens.'),
});
const lognormalLength = z.strictObject({
  kind: z.literal('lognormal').describe('Log-normally distributed lengths.'),
  median: positive().describe('Median, in tokens.'),
  sigma: notNegative().describe('Standard deviation of the logarithm of the length.'),
  max: integer(1).describe('Longest length, in tokens; longer draws are cut to it.'),
});
const traceLength = z.strictObject({
  kind: z.literal('trace').describe('The lengths of the trace that gives the arrivals, row by row.'),
});
const length = z.discriminatedUnion('kind', [fixedLength, lognormalLength, traceLength]);

const startupProbe = z.strictObject({
  path: z
    .string(expecting('a path such as "/health"'))
    .regex(/^\/[a-zA-Z0-9\-_/]{0,1024}$/, expecting('a path such as "/health": letters, digits, "-", "_" and "/"'))
    .default('/health')
    .describe('HTTP path that is asked.'),
  interval: positiveDuration().prefault('10s').describe('Between two probes.'),
  delay: duration().prefault('30s').describe('Before the first probe.'),
  timeout: positiveDuration().prefault('30s').describe('How long one probe waits for its answer.'),
  failureThreshold: integer(1).default(180).describe('Failures in a row after which the container is restarted.'),
});

const unitOf = (ids: Ids) =>
  z.strictObject({
    name: name(16).optional().describe('Name of the unit. Default: role-0 for a common one, else its role.'),
    role: z
      .enum(['common', 'prefill', 'decode'])
      .default('common')
      .describe('What the unit does with a request: all of it, its prompt, or its answer.'),
    replicas: integer(1, 100).default(1).describe('Unit replicas in each instance, 1 to 100.'),
    model: oneOf(ids.models).describe('A model of the catalogue, or one of `models`.'),
    servedModelName: text('a name').optional().describe('The name that clients use for the model. Default: the model.'),
    resources: z
      .strictObject({
        accelerators: integer(0, 1024).optional().describe('Accelerators of a pod. Default: 1; 0 on CPU nodes.'),
        cpu: positive()
          .optional()
          .describe("Virtual cores of a pod. Default: the accelerators' share of a node; 32 on CPU nodes."),
        memoryGiB: positive()
          .optional()
          .describe("Memory of a pod. Default: the accelerators' share of a node; 64 on CPU nodes."),
      })
      .prefault({})
      .describe('What each pod asks of a node.'),
    image: z
      .strictObject({
        name: text('the name of an image').optional().describe('Default: vllm-ascend, vllm-openai or vllm-cpu.'),
        sizeGiB: positive().default(12).describe('What a node pulls, in GiB.'),
      })
      .prefault({})
      .describe('The container image.'),
    engine,
    probes: z
      .strictObject({
        startup: z
          .union([z.literal('none'), startupProbe], expecting('"none" or the settings of a probe'))
          .prefault({})
          .describe('Startup probe; "none" turns it off.'),
      })
      .prefault({})
      .describe('Health probes.'),
  });

const deploymentOf = (ids: Ids) =>
  z.strictObject({
    name: name().describe('The name of the deployment, unique in its service.'),
    pool: name().describe('The pool that its pods run in.'),
    weight: integer(0, 100).default(100).describe("Share of the service's traffic, 0 to 100."),
    instances: integer(1, 128).describe('Instances (deployment replicas), 1 to 128.'),
    deployTimeout: durationFrom('3m', '120m').prefault('20m').describe('Not ready by then is failed: 3m to 120m.'),
    units: z
      .array(unitOf(ids))
      .min(1, expecting('at least one unit'))
      .describe('The units of an instance: one common unit, or at least one prefill and one decode unit.'),
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

const serviceOf = (ids: Ids) =>
  z.strictObject({
    name: name().describe('The name of the service.'),
    auth,
    replies: z
      .strictObject({ output: z.discriminatedUnion('kind', [fixedLength, lognormalLength]) })
      .prefault({ output: { kind: 'lognormal', median: 180, sigma: 0.6, max: 1024 } })
      .describe("How long answers to clients' requests are. Traffic states its own lengths."),
    deployments: z
      .array(deploymentOf(ids))
      .min(1, expecting('at least one deployment'))
      .describe('The deployments of the service.'),
  });

const rate = () => positive().describe('Requests per second.');
const arrivals = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('constant').describe('Evenly spaced; the first at once.'), rate: rate() }),
    z.strictObject({ kind: z.literal('poisson').describe('A Poisson process.'), rate: rate() }),
    z.strictObject({
      kind: z.literal('gamma').describe('Gamma-distributed gaps: bursts for a cv above 1.'),
      rate: rate(),
      cv: positive().describe('Coefficient of variation of the gaps.'),
    }),
    z.strictObject({
      kind: z.literal('ramp').describe("A Poisson process whose rate goes linearly until the scenario's duration."),
      from: notNegative().describe('Requests per second when the stream starts.'),
      to: notNegative().describe('Requests per second at the end.'),
    }),
    z.strictObject({
      kind: z.literal('trace').describe('As a trace recorded them.'),
      file: text('the path of a trace').describe('Path of the trace, relative to the scenario.'),
      format: z.enum(TRACE_FORMATS).default('azure').describe('Format of the trace.'),
      speed: positive().default(1).describe('How many times as fast as recorded.'),
    }),
  ])
  .describe('When requests arrive.');

const traffic = z.strictObject({
  name: name().describe('The name of the stream; its chance follows from it.'),
  service: name().describe('The service that it calls.'),
  from: COUNTED_FROM,
  start: duration().prefault('0s').describe('Waits this long first.'),
  arrivals,
  lengths: z
    .strictObject({ prompt: length.describe('Tokens of a prompt.'), output: length.describe('Tokens of an answer.') })
    .optional()
    .describe('How many tokens. Default for a trace: as recorded.'),
  count: integer(1).optional().describe('The most requests that it sends.'),
});

const struckService = () => name().describe('The service that it strikes.');
const instanceOf = () => ({
  service: struckService(),
  deployment: name().describe('The deployment that it strikes.'),
  instance: integer(0).describe('Which instance, from 0.'),
  unit: name(16).optional().describe('Which unit of a disaggregated instance. Default: the first.'),
  replica: integer(0).optional().describe('Which replica of the unit, from 0. Default: the first.'),
});
const when = () => ({ at: duration().describe('When, counted from `from`.'), from: COUNTED_FROM });
const lasting = () => positiveDuration().optional().describe('How long it lasts. Default: to the end.');
const timelineEntry = z.discriminatedUnion('do', [
  z.strictObject({ ...when(), do: z.literal('kill-pod').describe('Kills the pod of an instance.'), ...instanceOf() }),
  z.strictObject({
    ...when(),
    do: z.literal('slow-engine').describe('Makes the steps of an engine slower.'),
    ...instanceOf(),
    factor: positive().describe('Steps take this many times as long.'),
    for: lasting(),
  }),
  z.strictObject({
    ...when(),
    do: z.literal('slow-link').describe('Makes keys and values leave a prefill pod more slowly.'),
    ...instanceOf(),
    factor: positive().describe('Bytes take this many times as long.'),
    for: lasting(),
  }),
  z.strictObject({
    ...when(),
    do: z.literal('break-link').describe('Lets no keys and values leave a prefill pod.'),
    ...instanceOf(),
    for: lasting(),
  }),
  z.strictObject({
    ...when(),
    do: z.literal('refuse').describe('Makes the gateway refuse every call to a service.'),
    service: struckService(),
    status: z.literal([429, 503]).default(503).describe('HTTP status of the refusal.'),
    retryAfterSeconds: integer(0).optional().describe('Seconds in the Retry-After header. Default: no header.'),
    for: lasting(),
  }),
]);

const expression = () => text('a CEL expression, such as "ttftMs.p99 < 500"');
const expectation = z.union(
  [expression(), z.strictObject({ name: text('a name').optional(), that: expression().describe('A CEL expression.') })],
  expecting('a CEL expression, such as "ttftMs.p99 < 500", or {name, that}'),
);

const version = `${SCENARIO_VERSION}, the version of the format that this InferLab reads`;

/**
 * A scenario file. Its input is what a person writes; its output has durations in microseconds and defaults filled in.
 * @param ids the names of accelerators, models and flavors that it may use: see {@link idsOf}
 */
export const scenarioSchema = (ids: Ids) =>
  z
    .strictObject({
      inferlab: z.literal(SCENARIO_VERSION, expecting(version)).describe('Version of the scenario format.'),
      name: text('a name').describe('The name of the scenario.'),
      description: z.string().optional().describe('What the scenario shows.'),
      seed: integer(0).default(1).describe('Seed of all chance.'),
      epoch: z.iso
        .datetime({ offset: true, ...expecting(`an instant such as "${DEFAULT_EPOCH}"`) })
        .default(DEFAULT_EPOCH)
        .describe('The calendar instant of simulated time zero.'),
      duration: positiveDuration().optional().describe('Arrivals end this long after the services are ready.'),
      ...catalogueFields(ids),
      pools: z.array(poolOf(ids)).min(1, expecting('at least one pool')).describe('The pools of nodes.'),
      services: z.array(serviceOf(ids)).min(1, expecting('at least one service')).describe('The services.'),
      traffic: z.array(traffic).default([]).describe('Streams of requests.'),
      timeline: z.array(timelineEntry).default([]).describe('What happens, and when.'),
      expect: z.array(expectation).default([]).describe('What must hold of the figures at the end.'),
    })
    .describe('An InferLab scenario.');

/** A scenario as read: checked for shape, with defaults filled in. */
export type Scenario = z.output<ReturnType<typeof scenarioSchema>>;
export type PoolEntry = Scenario['pools'][number];
export type ServiceEntry = Scenario['services'][number];
export type DeploymentEntry = ServiceEntry['deployments'][number];
export type UnitEntry = DeploymentEntry['units'][number];
export type TrafficEntry = Scenario['traffic'][number];
export type TimelineItem = Scenario['timeline'][number];

/** The JSON Schema (draft 2020-12) of a scenario file, for editors. */
export function jsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(scenarioSchema(idsOf(undefined)), {
    io: 'input',
    override: ({ jsonSchema: field }) => {
      if (field.open !== true) return;
      // An editor completes the catalogue's names and lets a scenario's own pass.
      field.anyOf = [{ type: 'string', enum: field.enum! }, { type: 'string' }];
      delete field.open;
      delete field.enum;
      delete field.type;
    },
  }) as Record<string, unknown>;
}
