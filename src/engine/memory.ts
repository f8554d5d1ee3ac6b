import { type Checkpoint, checkpointOf, type Model } from '../catalog/index.ts';

/**
 * Layers of all pipeline stages over those of the model, when each stage has as many as the fullest: ceil(L/S)
 * (vLLM's get_pp_indices). The fullest sets the pace; and the blocks, of which every worker takes the fewest of any.
 */
export function layerPadding({ layers }: Model, stages: number): number {
  return (stages * Math.ceil(layers / stages)) / layers;
}

/** Bytes of KV cache that one token takes over all layers and heads: 2 L G d c; of latent attention (rank + rope) L c. */
export function kvBytesPerToken(model: Model, bytesEach = 2): number {
  const { mla, kvLayers, kvHeads, headDim } = model;
  const perLayer = mla === undefined ? 2 * kvHeads * headDim : mla.kvRank + mla.ropeDim;
  return kvLayers * perLayer * bytesEach;
}

/**
 * Of them, those that a long context keeps: layers with a sliding window let go of what is outside it (vLLM's hybrid
 * KV cache manager). The window itself, the same for every sequence, is left out.
 * @param stages pipeline stages, each counted as the fullest
 */
export function kvBytesKept(model: Model, bytesEach = 2, stages = 1): number {
  const { window } = model;
  const share = window === undefined || window.keepsAll === true ? 0 : window.share;
  return kvBytesPerToken(model, bytesEach) * (1 - share) * layerPadding(model, stages);
}

/** How often the devices of a tensor-parallel group hold the same keys and values: heads are whole, and a latent is one. */
export function kvCopies(model: Model, tensorParallel: number): number {
  return Math.max(1, tensorParallel / (model.mla === undefined ? model.kvHeads : 1));
}

/**
 * Bytes of all weights over all devices of an engine.
 * @param attentionRanks replicas of everything but the experts (data-parallel attention)
 * @param stages pipeline stages, each counted as the fullest: the first has the embedding, the last the head
 */
export function weightBytes(
  model: Model,
  checkpoint: Checkpoint = checkpointOf(model, 'bf16'),
  attentionRanks = 1,
  stages = 1,
): number {
  const { attentionParameters, mlpParameters, headParameters, embeddingParameters } = model;
  const { attention, mlp, experts, head } = checkpoint;
  // A tied head is kept at both ends of a pipeline.
  const ends = stages === 1 ? headParameters + embeddingParameters : stages * headParameters;
  const padding = layerPadding(model, stages);
  const shared = (attentionParameters * attention.bytes + mlpParameters * mlp.bytes) * padding + ends * head.bytes;
  const ofExperts = model.expertLayers * (model.experts?.count ?? 0) * model.expertParameters * experts.bytes;
  return attentionRanks * shared + ofExperts * padding;
}
