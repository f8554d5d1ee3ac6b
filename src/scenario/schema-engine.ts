import { z } from 'zod';
import { ENGINE_KINDS, KV_CACHE_TYPES, PRECISIONS } from '../catalog/index.ts';
import { duration, integer, notNegative, positive, share, shareOrNone, text } from './fields.ts';
import { expecting } from './messages.ts';

/** The settings of a unit's serving engine, and where its step times come from. */

const micros = (what: string) => notNegative().optional().describe(`${what}, microseconds.`);
const part = (what: string) => positive().optional().describe(`Share of ${what}.`);

const roofline = z.strictObject({
  kind: z.literal('roofline').describe('Equations over the device and the model, with fitted scalars.'),
  scalars: z
    .strictObject({
      stepMicros: micros('Host time of a step'),
      layerMicros: micros('Host time of each layer'),
      sequenceMicros: micros('Host time of each decoding sequence'),
      compute: part('the peak rate in linear layers'),
      expertCompute: part('the peak rate in experts'),
      weights: part('the memory bandwidth when streaming weights'),
      expertWeights: part('the memory bandwidth when streaming experts'),
      attention: part('the memory bandwidth when reading keys and values'),
      attentionCompute: part('the bf16 peak in attention over a prompt'),
      collectiveMicros: micros('Set-up of one collective'),
      link: part('the link bandwidth'),
      elementwise: notNegative().optional().describe('Passes over the activations besides matrix products.'),
    })
    .default({})
    .describe('Scalars of your own. Default: those of the catalogue for this accelerator, engine and model.'),
});

const coefficients = (of: string) =>
  z.strictObject({
    a: notNegative().describe('Milliseconds of every step.'),
    b: notNegative().describe(`Milliseconds per token of ${of}.`),
    c: notNegative().describe(of === 'prompt' ? 'Milliseconds per squared token.' : 'Milliseconds per sequence.'),
  });
const affine = z.strictObject({
  kind: z.literal('affine').describe('Regression coefficients, as DistServe publishes them.'),
  prefill: coefficients('prompt').describe('a + b n + c n², n prompt tokens.'),
  decode: coefficients('context').describe('a + b context + c batch.'),
  decodeLarge: coefficients('context').optional().describe('The same for larger batches. Default: as decode.'),
  largeAbove: integer(1).default(95).describe('Batches larger than this are large ones.'),
});

const ms = () => positive().describe('How long the step took, milliseconds.');
const profile = z.strictObject({
  kind: z.literal('profile').describe('Measured steps; between them the share of the roofline is interpolated.'),
  points: z
    .array(
      z.union(
        [
          z.strictObject({ promptTokens: integer(1).describe('A step of one prompt of so many tokens.'), ms: ms() }),
          z.strictObject({
            batch: integer(1).describe('A decode step of so many sequences.'),
            context: integer(1).describe('Tokens of context of each.'),
            ms: ms(),
          }),
        ],
        expecting('{promptTokens, ms} or {batch, context, ms}'),
      ),
    )
    .min(1, expecting('at least one measured step'))
    .describe('The measured steps.'),
});

const lognormal = (of: string) =>
  z
    .strictObject({
      medianMs: positive().describe('Median, milliseconds.'),
      sigma: notNegative().default(0).describe('Standard deviation of the logarithm. Default: always the median.'),
    })
    .describe(`Steps ${of}.`);
const distribution = z.strictObject({
  kind: z.literal('distribution').describe('Log-normal step times, whatever is computed in them.'),
  prefill: lognormal('with a prompt in them'),
  decode: lognormal('that only decode'),
});

export const engine = z
  .strictObject({
    kind: z
      .enum(ENGINE_KINDS)
      .default('vllm')
      .describe('Which engine: its batching rules and its measurements. On NPUs vllm is vLLM-Ascend.'),
    version: text('a version').optional().describe('Picks the measurements of that version, where there are any.'),
    precision: z.enum(PRECISIONS).default('bf16').describe('What weights are stored and computed in.'),
    kvCacheType: z
      .enum(KV_CACHE_TYPES)
      .optional()
      .describe('What keys and values are kept in (kv_cache_dtype). Default: fp8 for fp8 and fp4, else bf16.'),
    dataParallelAttention: integer(1, 1024)
      .default(1)
      .describe('Ranks of data-parallel attention; experts are spread over all accelerators of the pod.'),
    pipelineParallel: integer(1, 1024)
      .default(1)
      .describe('Pipeline stages (pipeline_parallel_size); the accelerators of a stage are tensor-parallel.'),
    interference: notNegative()
      .default(0)
      .describe('Share by which each other engine on its node makes steps longer: a figure of your own.'),
    stepTime: z
      .discriminatedUnion('kind', [roofline, affine, profile, distribution])
      .prefault({ kind: 'roofline' })
      .describe('Where the time of a step comes from.'),
    frontEnd: z
      .strictObject({
        fixed: duration().prefault('0s').describe('For every request.'),
        perToken: duration().prefault('0s').describe('For every token of its prompt.'),
      })
      .optional()
      .describe('Before a request is in the queue: tokeniser, HTTP. Default: 5ms and 2us a token for vllm, else none.'),
    maxNumSeqs: integer(1).default(256).describe('The most sequences that run at once (max_num_seqs).'),
    maxNumBatchedTokens: integer(1).default(8192).describe('Token budget of one step (max_num_batched_tokens).'),
    blockSize: integer(1).default(16).describe('Tokens in one KV block (block_size).'),
    memoryUtilization: share()
      .optional()
      .describe('Share of device memory for weights and KV cache. Default: 0.9; 0.83 for sglang.'),
    maxModelLen: integer(1)
      .optional()
      .describe('Longest context in tokens (max_model_len). Default: as long as the model allows.'),
    kvBlocks: integer(1)
      .optional()
      .describe('KV blocks, when the log of an engine states them. Default: what memory allows.'),
    schedulingPolicy: z
      .enum(['fcfs', 'priority'])
      .optional()
      .describe('Who is admitted first, and preempted last (scheduling_policy). Default: fcfs.'),
    graphBatchSizes: z
      .array(integer(1))
      .min(1, expecting('at least one batch size'))
      .optional()
      .describe('Batch sizes with captured graphs, to which decode batches are padded. Default: no padding.'),
    watermark: shareOrNone().optional().describe('Share of the blocks that admission leaves free. Default: 0.'),
    prefixUnitTokens: integer(1)
      .optional()
      .describe('Prefix caching: tokens of a unit, a multiple of blockSize. Default: no prefix caching.'),
    speculation: z
      .strictObject({
        draftTokens: integer(1, 16).describe('Tokens drafted for each sequence and step.'),
        acceptance: shareOrNone().describe('How likely each drafted token is to be accepted.'),
      })
      .optional()
      .describe('Speculative decoding. Default: none.'),
  })
  .prefault({})
  .describe('Settings of the serving engine.');
