/**
 * How much of a device's peak an engine reaches, and what a step costs besides: the scalars of the roofline model.
 * All are derived defaults, not fits, until a row says otherwise in `tier`.
 */
export interface Efficiency {
  readonly accelerator: string;
  /** Of the peak bf16 rate, in matrix work with many tokens. */
  readonly compute: number;
  /** Of the memory bandwidth, streaming weights. */
  readonly weights: number;
  /** Of the memory bandwidth, reading the KV cache. */
  readonly attention: number;
  /** Of the peak rate, in attention over a prompt. */
  readonly attentionCompute: number;
  /** Of the link bandwidth, in collectives. */
  readonly link: number;
  /** Set-up of one collective, microseconds. */
  readonly collectiveMicros: number;
  /** Host work and launches per step, microseconds: an engine version's, never the hardware's. */
  readonly stepMicros: number;
  readonly tier: 'derived' | 'fitted' | 'measured';
  readonly source: string;
}

export const EFFICIENCIES: readonly Efficiency[] = [
  {
    accelerator: 'ascend-910b',
    compute: 0.7,
    weights: 0.7,
    attention: 0.54,
    attentionCompute: 0.35,
    link: 0.7,
    collectiveMicros: 10,
    stepMicros: 13_000,
    tier: 'derived',
    source:
      'vLLM-Ascend operator tables (weights 0.70-0.74, attention 0.50-0.57 of 1.6 TiB/s), msmodeling (compute 0.7, link 0.7, 10 µs); the step overhead is what is left of 25.85 ms TPOT of Qwen3-8B',
  },
  {
    accelerator: 'h100',
    compute: 0.6,
    weights: 0.8,
    attention: 0.75,
    attentionCompute: 0.4,
    link: 0.8,
    collectiveMicros: 8,
    stepMicros: 2_000,
    tier: 'derived',
    source:
      'published simulators: compute 0.45-0.65, memory 0.75-0.8; step overhead of a current vLLM with CUDA graphs',
  },
  {
    accelerator: 'cpu',
    compute: 0.5,
    weights: 0.6,
    attention: 0.5,
    attentionCompute: 0.3,
    link: 1,
    collectiveMicros: 0,
    stepMicros: 1_000,
    tier: 'derived',
    source: 'assumed; no published measurement is shipped for this case',
  },
];
