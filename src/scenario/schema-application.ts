import { z } from 'zod';
import { suggestion } from '../kernel/index.ts';
import { METRIC_PLACEHOLDERS, templateProblem } from '../platform/index.ts';
import { SERVICE_TYPES } from './application-presets.ts';
import { duration, integer, positiveDuration, text } from './fields.ts';
import { expecting, show } from './messages.ts';

/** Applications of an image's own: what they answer, on which path, and how long that takes. */

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const MOST_PIECES = 100_000;
const MOST_BYTES = 16 * 2 ** 20;
/** Of the text in which metrics are told (guide 461). */
const METRICS_PORTS = [8000, 9090] as const;

/** Text with placeholders. @param names those that it may have; default all */
function template(names?: readonly string[]) {
  return z.string(expecting('a text')).superRefine((written, context) => {
    const problem = templateProblem(written, names);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });
}

/** Any value, whose texts are templates. */
const json = z.unknown().superRefine((value, context) => {
  for (const { path, text } of textsOf(value)) {
    const problem = templateProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, path });
  }
});

function textsOf(value: unknown, path: (string | number)[] = []): { path: (string | number)[]; text: string }[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (Array.isArray(value)) return value.flatMap((each: unknown, index) => textsOf(each, [...path, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => textsOf(each, [...path, key]));
}

const count = () => integer(1, MOST_PIECES);
const every = () => duration().prefault('100ms').describe('Between two of them.');
const latencySays = expecting('a duration such as "300ms", or {p50, p99} such as {p50: 300ms, p99: 2s}');
const latency = z
  .union(
    [
      duration(),
      z
        .strictObject({
          p50: positiveDuration().describe('Half of the requests take so long at most.'),
          p99: positiveDuration().describe('All but one in a hundred take so long at most.'),
          max: positiveDuration().optional().describe('Longer draws are cut to it. Default: nothing is.'),
        })
        .refine(({ p50, p99 }) => p50 <= p99, {
          error: 'p99 is shorter than p50; expected p50 or longer',
          path: ['p99'],
        }),
    ],
    latencySays,
  )
  .prefault('0s')
  .describe('From its place to the first piece of the answer: always, or log-normally distributed.');

const reply = z
  .union(
    [
      z.literal('echo'),
      z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('echo').describe('The body, as it came, with its content type.') }),
        z.strictObject({
          kind: z.literal('text').describe('A text.'),
          body: template().describe('A template: see docs/scenario.md.'),
        }),
        z.strictObject({ kind: z.literal('json').describe('JSON.'), value: json.describe('Its texts are templates.') }),
        z.strictObject({
          kind: z.literal('binary').describe('Bytes of chance, the same in every run.'),
          bytes: integer(0, MOST_BYTES).describe('How many.'),
        }),
        z.strictObject({
          kind: z.literal('chunks').describe('A body in pieces.'),
          count: count().describe('Pieces.'),
          every: every(),
          body: template().default('{{n}}\n').describe('Each piece: a template.'),
        }),
        z.strictObject({
          kind: z.literal('sse').describe('Server-sent events.'),
          count: count().describe('Events.'),
          every: every(),
          data: template().default('{{n}}').describe('The data of each: a template.'),
          event: text('the name of an event').optional().describe('The type of each. Default: none.'),
          done: z.string().optional().describe('Data of an event right after the last, such as "[DONE]".'),
        }),
        z.strictObject({
          kind: z.literal('websocket').describe('A connection, for services of WS and WSS.'),
          message: template().optional().describe('The reply to each message. Default: the message.'),
          push: z
            .strictObject({
              count: count().describe('Messages.'),
              every: every(),
              data: template().default('{{n}}').describe('Each: a template.'),
            })
            .optional()
            .describe('Messages that it sends of its own when a connection opens.'),
        }),
      ]),
    ],
    expecting('"echo" or one of {kind: echo, text, json, binary, chunks, sse, websocket}'),
  )
  .default('echo')
  .describe('What it answers.');

const pathSays = expecting('a path such as "/v1/images/generations", or one of all below it such as "/files/*"');
const path = () => z.string(pathSays).regex(/^\/[^\s?#*]*(?<=\/)\*$|^\/[^\s?#*]*$/, pathSays);

const headerName = expecting("the name of a header that is no part of HTTP's own framing");
const headerValue = expecting('a text of one line');
const FRAMING = /^(content-length|transfer-encoding|connection|keep-alive|upgrade|trailer)$/i;

const route = z.strictObject({
  path: path().describe('What follows the service in the path: exact, or all below it with "/*" at the end.'),
  methods: z
    .array(z.enum(METHODS))
    .min(1, expecting('at least one method'))
    .optional()
    .describe('Default: POST; GET for a connection.'),
  status: integer(200, 599).default(200).describe('HTTP status.'),
  headers: z
    .record(
      z
        .string(headerName)
        .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, headerName)
        .refine((written) => !FRAMING.test(written), headerName),
      z.string(headerValue).regex(/^[\t\x20-\x7e\x80-\xff]*$/, headerValue),
    )
    .default({})
    .describe('Headers of the answer, such as content-type.'),
  latency,
  reply,
});

const types = z.enum(SERVICE_TYPES);
const applicationSays = {
  error: ({ input }: { readonly input?: unknown }): string =>
    typeof input === 'string'
      ? `got ${show(input)}${suggestion(input, SERVICE_TYPES)}`
      : `got ${show(input)}, expected a type of service such as "${SERVICE_TYPES[0]}", or the settings of an application`,
};

export const application = z.union(
  [
    types,
    z.strictObject({
      type: types
        .optional()
        .describe("Answers what a service of this type is asked, beside the application's own routes."),
      routes: z
        .array(route)
        .default([])
        .describe('What it answers; of several paths that are meant, the most specific counts.'),
      concurrency: integer(1).optional().describe('Requests that a pod works on at once. Default: any number.'),
      queue: integer(0).optional().describe('Requests that may wait at a pod; the rest get 503. Default: any number.'),
      startup: duration().optional().describe("From the container's start until it listens. Default: engineBoot."),
      healthPaths: z
        .array(path())
        .default(['/health'])
        .describe('Paths whose GET is answered with 200, once it listens.'),
      metrics: z
        .strictObject({
          path: path().default('/metrics').describe('Where.'),
          port: z
            .union([z.literal(METRICS_PORTS[0]), z.literal(METRICS_PORTS[1])], expecting('8000 or 9090'))
            .default(METRICS_PORTS[0])
            .describe('Of the collection: 8000 or 9090.'),
          text: template(METRIC_PLACEHOLDERS).describe('What it tells: a template.'),
        })
        .optional()
        .describe('Metrics of its own.'),
    }),
  ],
  applicationSays,
);

export type ApplicationEntry = z.output<typeof application>;
