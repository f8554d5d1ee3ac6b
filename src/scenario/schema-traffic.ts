import { z } from 'zod';
import { addressText, parseAddress } from '../platform/index.ts';
import { TRACE_FORMATS } from '../workload/index.ts';
import { duration, integer, label, name, notNegative, positive, text } from './fields.ts';
import { expecting } from './messages.ts';
import { sloClass } from './schema-service.ts';

/** Streams of requests: when they come, and how long prompts and answers are. */

export const COUNTED_FROM = z
  .enum(['ready', 'boot'])
  .default('ready')
  .describe('What time is counted from: every service having first run (ready), or time zero (boot).');

export const fixedLength = z.strictObject({
  kind: z.literal('fixed').describe('Always as many tokens.'),
  tokens: integer(1).describe('Tokens.'),
});
export const lognormalLength = z.strictObject({
  kind: z.literal('lognormal').describe('Log-normally distributed lengths.'),
  median: positive().describe('Median, in tokens.'),
  sigma: notNegative().describe('Standard deviation of the logarithm of the length.'),
  max: integer(1).describe('Longest length, in tokens; longer draws are cut to it.'),
});
const traceLength = z.strictObject({
  kind: z.literal('trace').describe('The lengths of the trace that gives the arrivals, row by row.'),
});
const length = z.discriminatedUnion('kind', [fixedLength, lognormalLength, traceLength]);

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

/** In the one spelling that policies know. */
const address = () => {
  const says = expecting('an IP address such as "203.0.113.7" or "2001:db8::7"');
  return z
    .string(says)
    .refine((written) => parseAddress(written) !== undefined, { ...says, abort: true })
    .transform((written) => addressText(parseAddress(written)!));
};

export const traffic = z.strictObject({
  name: name().describe('The name of the stream; its chance follows from it.'),
  service: label().describe('The service that it calls.'),
  from: COUNTED_FROM,
  start: duration().prefault('0s').describe('Waits this long first.'),
  arrivals,
  lengths: z
    .strictObject({ prompt: length.describe('Tokens of a prompt.'), output: length.describe('Tokens of an answer.') })
    .optional()
    .describe('How many tokens. Default for a trace: as recorded.'),
  route: text('the path of a route')
    .optional()
    .describe('Of an application, the path of the route that it calls. Default: the first.'),
  count: integer(1).optional().describe('The most requests that it sends.'),
  collect: duration()
    .optional()
    .describe(
      'Of tasks: how often each client asks whether its own is done, and deletes it. Default: it knows at once.',
    ),
  clientIp: address().optional().describe('Where its requests come from. Default: from where they may.'),
  sloClass: sloClass().optional().describe("Their service level: 0 to 3. Default: the service's."),
});
