/** How an engine's devices share the work. */
export interface Layout {
  readonly devices: number;
  readonly tensorParallel: number;
  /** Attention ranks with requests of their own; 1 without attention data parallelism. */
  readonly dataParallel: number;
  readonly expertParallel: number;
}

/**
 * Undoes what the table's import has done to InferenceMAX's parallelism: the product of tensor and expert parallelism
 * stands where one of them belongs, so that N devices appear as N squared. Only a pattern that cannot be meant is
 * touched: tp x dp is a square s^2, and the experts are spread over s x s or over s^2 of the s devices there are.
 */
export function repaired(layout: Layout, moeTensorParallel: number): Layout {
  const { tensorParallel: tp, dataParallel: dp, expertParallel: ep } = layout;
  const product = tp * dp;
  const side = Math.round(Math.sqrt(product));
  if (product === 1 || side * side !== product) return layout;
  const squareExperts = moeTensorParallel === side && ep === side;
  const squareAttention = tp === side && dp === side && moeTensorParallel * ep === product;
  if (!squareExperts && !squareAttention) return layout;
  const attentionRanks = dp === product ? side : 1;
  return {
    devices: side,
    tensorParallel: side / attentionRanks,
    dataParallel: attentionRanks,
    expertParallel: moeTensorParallel * ep === side ? ep : side,
  };
}
