import { z } from 'zod';
import { ACCELERATORS, MODELS, NODE_FLAVORS } from '../catalog/index.ts';
import { integer, notNegative, positive, share, text } from './fields.ts';
import { expecting } from './messages.ts';

/** What a scenario adds to the catalogue, and the names that it may then use. */

/** Names that a scenario may use, by what they name: the catalogue's and its own. */
export interface Ids {
  readonly accelerators: readonly string[];
  readonly models: readonly string[];
  readonly flavors: readonly string[];
}

const idSays = expecting('an id of lower-case letters, digits, ".", "_" and "-", such as "my-model-7b"');
const id = () => z.string(idSays).regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, idSays);
const source = () => text('where the figures come from').optional().describe('Where the figures come from.');

const accelerator = z.strictObject({
  id: id().describe('The name by which flavors refer to it; before one of the catalogue of the same name.'),
  kind: z.enum(['npu', 'gpu', 'cpu']).describe('What kind of device it is.'),
  generation: z
    .enum(['hopper', 'blackwell', 'ada', 'ampere', 'turing', 'pascal', 'cdna', 'ascend', 'cpu', 'other'])
    .default('other')
    .describe('The line of chips whose fitted scalars it takes over, where there is no fit of its own.'),
  bf16Tflops: positive().describe('Dense peak in bf16, TFLOP/s.'),
  fp8Tflops: positive().optional().describe('Dense peak in fp8, TFLOP/s. Default: it has none.'),
  fp4Tflops: positive().optional().describe('Dense peak in fp4, TFLOP/s. Default: it has none.'),
  int8Tops: positive().optional().describe('Dense peak in int8, TOP/s. Default: it has none.'),
  memoryGiB: notNegative().describe("Memory of one device; 0 for a CPU, whose memory is the node's."),
  memoryTerabytesPerSecond: positive().describe('Memory bandwidth of one device, TB/s.'),
  linkGigabytesPerSecond: notNegative().default(0).describe('To the other devices of the node, one way, GB/s.'),
  architecture: z.enum(['arm', 'x86']).default('x86').describe("Of the node's processors."),
  source: source(),
});

const model = z.strictObject({
  id: id().describe('The name by which units refer to it; before one of the catalogue of the same name.'),
  parameters: positive().describe('All parameters, such as 8.19e9.'),
  layers: integer(1).describe('num_hidden_layers.'),
  hidden: integer(1).describe('hidden_size.'),
  heads: integer(1).describe('num_attention_heads.'),
  kvHeads: integer(1).describe('num_key_value_heads.'),
  headDim: integer(1).describe('head_dim.'),
  feedForward: integer(0).default(0).describe('intermediate_size of dense layers; 0 where all are experts.'),
  vocabulary: integer(1).describe('vocab_size.'),
  maxContext: integer(1).describe('max_position_embeddings.'),
  tied: z.boolean().optional().describe('tie_word_embeddings. Default: false.'),
  feedForwardMatrices: z.literal([2, 3]).optional().describe('3 with a gate (the default), 2 without.'),
  experts: z
    .strictObject({
      count: integer(1).describe('num_experts.'),
      topK: integer(1).describe('num_experts_per_tok.'),
      feedForward: integer(1).describe('moe_intermediate_size.'),
      denseLayers: integer(0).optional().describe('first_k_dense_replace. Default: 0.'),
      sharedFeedForward: integer(1).optional().describe('Width of the shared expert. Default: none.'),
    })
    .optional()
    .describe('Mixture of experts.'),
  mla: z
    .strictObject({
      queryRank: integer(1).describe('q_lora_rank.'),
      kvRank: integer(1).describe('kv_lora_rank.'),
      ropeDim: integer(0).describe('qk_rope_head_dim.'),
      nopeDim: integer(1).describe('qk_nope_head_dim.'),
      valueDim: integer(1).describe('v_head_dim.'),
    })
    .optional()
    .describe('Multi-head latent attention.'),
  window: z
    .strictObject({
      tokens: integer(1).describe('sliding_window.'),
      share: share().describe('Share of the layers that have it.'),
    })
    .optional()
    .describe('Sliding-window attention.'),
  kvLayers: integer(1).optional().describe('Layers that keep keys and values. Default: all.'),
  source: source(),
});

/** A field that names something of the catalogue, or of the scenario's own. */
export function oneOf(ids: readonly string[]) {
  return z.enum(ids as [string, ...string[]]).meta({ open: true });
}

export function catalogueFields(ids: Ids) {
  const flavor = z.strictObject({
    id: id().describe('The name by which pools refer to it; before one of the catalogue of the same name.'),
    accelerator: oneOf(ids.accelerators).describe('An accelerator of the catalogue, or one of `accelerators`.'),
    accelerators: integer(0, 1024).describe('Accelerators on a node; 0 for a CPU node.'),
    cpu: integer(1).describe('Virtual cores of a node.'),
    memoryGiB: integer(1).describe('Memory of a node.'),
    source: source(),
  });
  return {
    accelerators: z.array(accelerator).default([]).describe('Accelerators that the catalogue does not have.'),
    models: z.array(model).default([]).describe('Models that the catalogue does not have.'),
    flavors: z.array(flavor).default([]).describe('Kinds of node that the catalogue does not have.'),
  };
}

/** The names that a scenario may use, read off before it is checked. */
export function idsOf(scenario: unknown): Ids {
  const own = (list: 'accelerators' | 'models' | 'flavors'): string[] => {
    const entries: unknown = typeof scenario === 'object' && scenario !== null ? scenario[list as never] : undefined;
    if (!Array.isArray(entries)) return [];
    return entries
      .map((entry: unknown) => (entry as { id?: unknown } | null)?.id)
      .filter((id) => typeof id === 'string');
  };
  const all = (rows: readonly { readonly id: string }[], list: 'accelerators' | 'models' | 'flavors'): string[] => [
    ...new Set([...rows.map((row) => row.id), ...own(list)]),
  ];
  return {
    accelerators: all(ACCELERATORS, 'accelerators'),
    models: all(MODELS, 'models'),
    flavors: all(NODE_FLAVORS, 'flavors'),
  };
}
