import { type Checkpoint, checkpointOf, type Model } from '../catalog/index.ts';

/** Bytes of KV cache that one token takes over all layers and heads: 2 L G d c; of latent attention (rank + rope) L c. */
export function kvBytesPerToken(model: Model, bytesEach = 2): number {
  const { mla, kvLayers, kvHeads, headDim } = model;
  const perLayer = mla === undefined ? 2 * kvHeads * headDim : mla.kvRank + mla.ropeDim;
  return kvLayers * perLayer * bytesEach;
}

/**
 * Of them, those that a long context keeps: layers with a sliding window let go of what is outside it (vLLM's hybrid
 * KV cache manager). The window itself, the same for every sequence, is left out.
 */
export function kvBytesKept(model: Model, bytesEach = 2): number {
  const { window } = model;
  const share = window === undefined || window.keepsAll === true ? 0 : window.share;
  return kvBytesPerToken(model, bytesEach) * (1 - share);
}

/** How often the devices of a tensor-parallel group hold the same keys and values: heads are whole, and a latent is one. */
export function kvCopies(model: Model, tensorParallel: number): number {
  return Math.max(1, tensorParallel / (model.mla === undefined ? model.kvHeads : 1));
}

/**
 * Bytes of all weights over all devices of an engine.
 * @param attentionRanks replicas of everything but the experts (data-parallel attention)
 */
export function weightBytes(
  model: Model,
  checkpoint: Checkpoint = checkpointOf(model, 'bf16'),
  attentionRanks = 1,
): number {
  const { attentionParameters, mlpParameters, headParameters, embeddingParameters } = model;
  const { attention, mlp, experts, head } = checkpoint;
  const shared =
    attentionParameters * attention.bytes +
    mlpParameters * mlp.bytes +
    (headParameters + embeddingParameters) * head.bytes;
  const ofExperts = model.expertLayers * (model.experts?.count ?? 0) * model.expertParameters * experts.bytes;
  return attentionRanks * shared + ofExperts;
}
