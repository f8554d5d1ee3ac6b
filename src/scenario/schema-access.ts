import { z } from 'zod';
import { MOST_CUSTOM_URLS } from '../platform/index.ts';
import { label, list, name, positiveDuration, text } from './fields.ts';
import { expecting } from './messages.ts';
import { callSettings } from './schema-service.ts';

/** Who may call: the account's users, the networks of private connections, and what an operator does with both. */

const projectIdSays = expecting('32 hexadecimal digits in lower case');
const project = z.strictObject({
  name: text('the name of a project').describe('The name of the project, such as "sim-region-1".'),
  id: z
    .string(projectIdSays)
    .regex(/^[0-9a-f]{32}$/, projectIdSays)
    .optional()
    .describe('Default: fixed for the name.'),
});

export const iam = z
  .strictObject({
    domain: text('the name of an account').optional().describe('The account. Default: "simulated".'),
    project: project.optional().describe('The project that the services are in. Default: "sim-region-1".'),
    otherProjects: z.array(project).default([]).describe('Projects whose tokens open none of the services.'),
    users: z
      .array(z.strictObject({ name: text('the name of a user').describe('The name of the user.') }))
      .min(1, expecting('at least one user'))
      .optional()
      .describe('Who may get tokens; passwords follow from seed and name. Default: one user, "tester".'),
  })
  .prefault({})
  .describe('The account: its projects and its users.');

const VPC_NAME_LENGTH = 64;

export const vpcs = z
  .array(
    z.strictObject({
      name: name(VPC_NAME_LENGTH).describe('The name of the VPC.'),
      account: text('the name of an account').optional().describe("Whose it is. Default: the scenario's account."),
      subnets: z
        .array(name(VPC_NAME_LENGTH))
        .min(1, expecting('at least one name of a subnet'))
        .describe('Names of its subnets.'),
    }),
  )
  .default([])
  .describe('VPCs that private connections may come from.');

const customUrls = () =>
  list(text('a URL such as "http://llm.example.com/chat"'), ['custom URL', 'custom URLs'], MOST_CUSTOM_URLS).describe(
    'Custom access addresses: protocol, host and path.',
  );
const network = {
  vpc: name(VPC_NAME_LENGTH).optional().describe('User network: the VPC that it comes from; or a pool:'),
  subnet: name(VPC_NAME_LENGTH).optional().describe('A subnet of the VPC.'),
  pool: name().optional().describe('Resource pool network: the pool that it comes from.'),
  customUrls: customUrls().optional(),
};
const account = text('the name of an account').optional().describe("Who applies. Default: the scenario's account.");

/** Connections that are there from the beginning. */
export const privateConnections = z
  .array(z.strictObject({ name: name().describe('The name of the connection.'), ...network, account }))
  .default([])
  .describe('Private connections that are there from the beginning.');

const service = { service: label().describe('The service.') };
const key = { key: text('the name of an API key').describe('The API key; those of a service are SERVICE-KEY.') };
const connection = { ...service, connection: name().describe('The private connection.') };

/** A setting that may be changed, or taken away by null. */
function changeable<Field extends z.ZodType>(field: Field) {
  return field
    .nullable()
    .optional()
    .describe(field.description ?? '');
}

/** What an operator does: the fields of each operation of the timeline. */
export const ACCESS_OPERATIONS = {
  'modify-service': [
    "Changes a service's own settings.",
    {
      ...service,
      set: z
        .strictObject({
          maxTasks: changeable(callSettings.maxTasks),
          requestTimeout: changeable(callSettings.requestTimeout),
          requestSizeMB: changeable(callSettings.requestSizeMB),
          rateLimits: changeable(callSettings.rateLimits),
          access: changeable(callSettings.access),
          retry: changeable(callSettings.retry),
          circuitBreaker: changeable(callSettings.circuitBreaker),
          sloClass: changeable(callSettings.sloClass),
          autoApproveConnections: changeable(callSettings.autoApproveConnections),
          auth: z.enum(['none', 'token', 'api-key']).optional().describe('How clients prove who they are.'),
        })
        .describe('What changes; null takes a setting away.'),
    },
  ],
  'create-connection': ['Applies for a private connection.', { ...connection, ...network, account }],
  'approve-connection': ['Approves of a private connection.', connection],
  'reject-connection': [
    'Rejects a private connection.',
    { ...connection, reason: text('a reason').optional().describe('Why.') },
  ],
  'revoke-connection': ["Revokes a private connection's authorization.", connection],
  'retry-connection': ['Tries again to make a private connection that has failed.', connection],
  'delete-connection': ['Deletes a private connection.', connection],
  'set-connection-urls': [
    'Changes the custom URLs of a private connection.',
    { ...connection, customUrls: customUrls() },
  ],
  'create-key': [
    'Creates an API key.',
    {
      key: name().describe('The name of the key, which fixes its text together with the seed.'),
      scope: z
        .enum(['service', 'user'])
        .default('service')
        .describe('It opens the services that it is bound to, or every service that asks for keys.'),
      description: text('a description').optional().describe('What it is for.'),
      for: positiveDuration().optional().describe('How long it is good for. Default: until it is deleted.'),
    },
  ],
  'bind-key': ['Binds an API key to a service.', { ...key, ...service }],
  'unbind-key': ['Unbinds an API key from a service.', { ...key, ...service }],
  'delete-key': ['Deletes an API key that is bound to no service.', key],
} as const satisfies Readonly<Record<string, readonly [what: string, fields: z.ZodRawShape]>>;
