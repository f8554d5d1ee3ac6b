/** A decoder-only transformer as its public config.json states it: the row of a table, or an entry of a scenario. */
export interface ModelConfig {
  readonly id: string;
  /** What measurement tables and hubs call it. */
  readonly aliases?: readonly string[];
  /** All parameters, as published. */
  readonly parameters: number;
  readonly layers: number;
  readonly hidden: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads (grouped-query attention). */
  readonly kvHeads: number;
  readonly headDim: number;
  /** Width of the dense feed-forward layers; 0 where all are experts. */
  readonly feedForward: number;
  readonly vocabulary: number;
  /** The longest context in tokens that the configuration allows. */
  readonly maxContext: number;
  /** The output head is the embedding. */
  readonly tied?: boolean;
  /** Matrices of a feed-forward layer: 3 with a gate, 2 without. Default 3. */
  readonly feedForwardMatrices?: 2 | 3;
  /** Mixture of experts in every layer but the first `denseLayers`. */
  readonly experts?: {
    readonly count: number;
    /** Experts that a token goes through. */
    readonly topK: number;
    /** Width of one. */
    readonly feedForward: number;
    readonly denseLayers?: number;
    /** Width of the expert that every token goes through. */
    readonly sharedFeedForward?: number;
  };
  /** Multi-head latent attention (DeepSeek-V2): ranks and head dimensions. */
  readonly mla?: {
    readonly queryRank: number;
    readonly kvRank: number;
    readonly ropeDim: number;
    readonly nopeDim: number;
    readonly valueDim: number;
  };
  /** Attention reads at most `tokens` of context on a share of the layers. */
  readonly window?: {
    readonly tokens: number;
    readonly share: number;
    /** What is outside the window is kept all the same (sparse attention chooses from all of it). */
    readonly keepsAll?: boolean;
  };
  /** Layers that keep keys and values, where some have linear attention. Default: all. */
  readonly kvLayers?: number;
  /** Attention parameters of a layer, where the formula does not hold. */
  readonly attentionPerLayer?: number;
  /** Of the published fp4 checkpoint: what stays bf16, and bytes of a weight with its scales. */
  readonly fp4?: { readonly attention?: 'bf16'; readonly bytes?: number };
  readonly source: string;
}

/** A model as engines and planners use it: its configuration, and its parameters by what they do. */
export interface Model extends ModelConfig {
  readonly family: ModelFamily;
  readonly attentionParameters: number;
  /** Dense and shared feed-forward layers. */
  readonly mlpParameters: number;
  /** The output head; the embedding is as large again, unless tied. */
  readonly headParameters: number;
  readonly embeddingParameters: number;
  /** One expert of one layer; 0 without experts. */
  readonly expertParameters: number;
  readonly expertLayers: number;
  readonly kvLayers: number;
  /** Parameters that one token goes through, embedding left out. */
  readonly activeParameters: number;
}

/** What hangs together in a fit: dense, experts with plain attention, experts with latent attention. */
export type ModelFamily = 'dense' | 'moe' | 'mla';

/** Splits a configuration's parameters by what they do. Norms, biases and routers (below 1 %) are left out. */
export function modelOf(config: ModelConfig): Model {
  const { layers, hidden, heads, kvHeads, headDim, experts, mla, vocabulary, feedForwardMatrices = 3 } = config;
  const width = heads * headDim;
  const grouped = 2 * hidden * width + 2 * hidden * kvHeads * headDim;
  const perLayer = config.attentionPerLayer ?? (mla === undefined ? grouped : latentAttention(config, mla));
  const expertLayers = experts === undefined ? 0 : layers - (experts.denseLayers ?? 0);
  const matrix = feedForwardMatrices * hidden;
  const attentionParameters = layers * perLayer;
  const mlpParameters =
    (layers - expertLayers) * matrix * config.feedForward + expertLayers * matrix * (experts?.sharedFeedForward ?? 0);
  const headParameters = vocabulary * hidden;
  const expertParameters = experts === undefined ? 0 : matrix * experts.feedForward;
  return {
    ...config,
    family: mla !== undefined ? 'mla' : experts !== undefined ? 'moe' : 'dense',
    attentionParameters,
    mlpParameters,
    headParameters,
    embeddingParameters: config.tied === true ? 0 : headParameters,
    expertParameters,
    expertLayers,
    kvLayers: config.kvLayers ?? layers,
    activeParameters:
      attentionParameters + mlpParameters + headParameters + expertLayers * (experts?.topK ?? 0) * expertParameters,
  };
}

/** Query down and up, keys and values down and up, output: the projections of DeepSeek-V2 (arXiv 2405.04434, 2.1). */
function latentAttention({ hidden, heads }: ModelConfig, mla: NonNullable<ModelConfig['mla']>): number {
  const { queryRank, kvRank, ropeDim, nopeDim, valueDim } = mla;
  return (
    hidden * queryRank +
    queryRank * heads * (nopeDim + ropeDim) +
    hidden * (kvRank + ropeDim) +
    kvRank * heads * (nopeDim + valueDim) +
    heads * valueDim * hidden
  );
}
