import { z } from 'zod';
import { integer, list, positiveDuration, text } from './fields.ts';
import { expecting } from './messages.ts';
import { iam, vpcs } from './schema-access.ts';
import { catalogueFields, type Ids, idsOf } from './schema-catalogue.ts';
import { deploymentOf, serviceOf } from './schema-deployment.ts';
import { poolOf } from './schema-pool.ts';
import { timelineOf } from './schema-timeline.ts';
import { timings } from './schema-timings.ts';
import { traffic } from './schema-traffic.ts';

/** The version of the format that this InferLab reads. */
export const SCENARIO_VERSION = 1;

/** What a user may have (guide 325). */
const MOST_SERVICES = 20;
const DEFAULT_EPOCH = '2026-01-01T00:00:00Z';
const expression = () => text('a CEL expression, such as "ttftMs.p99 < 500"');
const expectation = z.union(
  [
    expression(),
    z.strictObject({
      name: text('a name').optional().describe('What it means.'),
      that: expression().describe('A CEL expression.'),
    }),
  ],
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
      timings: timings.prefault({}).describe("What pods' way to service and faults take. Default: docs/scenario.md."),
      allowHeterogeneousUnits: z
        .boolean()
        .default(false)
        .describe('Units of one deployment may lie in different node pools, which the platform does not offer.'),
      iam,
      vpcs,
      pools: z.array(poolOf(ids)).min(1, expecting('at least one pool')).describe('The pools of nodes.'),
      services: list(serviceOf(ids), ['service', 'services'], MOST_SERVICES, 1).describe('The services.'),
      traffic: z.array(traffic).default([]).describe('Streams of requests.'),
      timeline: z.array(timelineOf(ids)).default([]).describe('What happens, and when.'),
      expect: z.array(expectation).default([]).describe('What must hold of the figures at the end.'),
    })
    .describe('An InferLab scenario.');

/** A scenario as read: checked for shape, with defaults filled in. */
export type Scenario = z.output<ReturnType<typeof scenarioSchema>>;
export type PoolEntry = Scenario['pools'][number];
export type ServiceEntry = Scenario['services'][number];
export type DeploymentEntry = ServiceEntry['deployments'][number];
export type UnitEntry = DeploymentEntry['units'][number];
export type { ModelUnitEntry } from './schema-unit.ts';
export type TrafficEntry = Scenario['traffic'][number];
export type ScalingEntry = NonNullable<DeploymentEntry['scaling']>;
export type TimelineItem = Scenario['timeline'][number];

/** The JSON Schema (draft 2020-12) of a scenario file, for editors. */
export function jsonSchema(): Record<string, unknown> {
  const ids = idsOf(undefined);
  const changes = withoutRequired(toJsonSchema(deploymentOf(ids)));
  return toJsonSchema(scenarioSchema(ids), (field) => {
    if (field.partOfDeployment !== true) return;
    const { description } = field;
    for (const key of Object.keys(field)) delete field[key];
    Object.assign(field, changes, { description });
  });
}

type JsonSchema = Record<string, unknown>;

function toJsonSchema(schema: z.ZodType, override: (field: JsonSchema) => void = () => {}): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema: field }) => {
      override(field as JsonSchema);
      if (field.open !== true) return;
      // An editor completes the catalogue's names and lets a scenario's own pass.
      field.anyOf = [{ type: 'string', enum: field.enum! }, { type: 'string' }];
      delete field.open;
      delete field.enum;
      delete field.type;
    },
  }) as JsonSchema;
}

/** A schema by which any part of a value will do, and null for what is to go away. */
function withoutRequired(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(schema).filter(
    ([key]) => key !== 'required' && key !== '$schema' && key !== 'default',
  );
  return Object.fromEntries(
    // Of values without their kind, several of oneOf may hold.
    entries.map(([key, value]) => [
      key === 'oneOf' ? 'anyOf' : key,
      key === 'properties' ? mapped(value) : loosened(value),
    ]),
  );
}

function mapped(properties: unknown): JsonSchema {
  const fields = Object.entries(properties as Record<string, JsonSchema>);
  const orNull = ({ description, ...field }: JsonSchema): JsonSchema => ({
    description,
    anyOf: [withoutRequired(field), { type: 'null' }],
  });
  return Object.fromEntries(fields.map(([key, field]) => [key, orNull(field)]));
}

function loosened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(loosened);
  return typeof value === 'object' && value !== null ? withoutRequired(value as JsonSchema) : value;
}
