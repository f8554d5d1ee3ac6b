/** A decoder-only transformer, as its public config.json describes it. */
export interface Model {
  readonly id: string;
  /** All parameters. */
  readonly parameters: number;
  readonly layers: number;
  readonly hidden: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads (grouped-query attention). */
  readonly kvHeads: number;
  readonly headDim: number;
  /** The longest context in tokens that the configuration allows. */
  readonly maxContext: number;
  readonly source: string;
}

export const MODELS: readonly Model[] = [
  {
    id: 'qwen3-8b',
    parameters: 8.19e9,
    layers: 36,
    hidden: 4096,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    maxContext: 40_960,
    source: 'Qwen/Qwen3-8B config.json',
  },
  {
    id: 'qwen3-32b',
    parameters: 32.76e9,
    layers: 64,
    hidden: 5120,
    heads: 64,
    kvHeads: 8,
    headDim: 128,
    maxContext: 40_960,
    source: 'Qwen/Qwen3-32B config.json',
  },
  {
    id: 'qwen2.5-7b',
    parameters: 7.62e9,
    layers: 28,
    hidden: 3584,
    heads: 28,
    kvHeads: 4,
    headDim: 128,
    maxContext: 32_768,
    source: 'Qwen/Qwen2.5-7B-Instruct config.json',
  },
  {
    id: 'qwen2.5-0.5b',
    parameters: 0.494e9,
    layers: 24,
    hidden: 896,
    heads: 14,
    kvHeads: 2,
    headDim: 64,
    maxContext: 32_768,
    source: 'Qwen/Qwen2.5-0.5B-Instruct config.json',
  },
  {
    id: 'llama-3.1-8b',
    parameters: 8.03e9,
    layers: 32,
    hidden: 4096,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    maxContext: 131_072,
    source: 'meta-llama/Llama-3.1-8B config.json',
  },
  {
    id: 'llama-3.1-70b',
    parameters: 70.55e9,
    layers: 80,
    hidden: 8192,
    heads: 64,
    kvHeads: 8,
    headDim: 128,
    maxContext: 131_072,
    source: 'meta-llama/Llama-3.1-70B config.json',
  },
];
