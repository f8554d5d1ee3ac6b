import { counted } from '../kernel/index.ts';
import type { Sequence } from './sequence.ts';
import type { Speculation } from './spec.ts';

/** Tokens that a decode step with `verified` tokens emits: one, and the drafts accepted. Drawn by sequence and token. */
export function emittedTokens(
  seed: number,
  { acceptance }: Speculation,
  { request, generated }: Sequence,
  verified: number,
): number {
  return 1 + acceptedDrafts(verified - 1, acceptance, (draft) => counted(seed, request, generated + draft));
}

/**
 * How many of the drafted tokens are kept: those before the first refused one (Leviathan et al., ICML 2023; vLLM's
 * rejection sampler). With acceptance a and k drafts a step gives (1 - a^(k+1)) / (1 - a) tokens on average.
 * @param draw a uniform number for each draft
 */
export function acceptedDrafts(drafts: number, acceptance: number, draw: (draft: number) => number): number {
  let accepted = 0;
  while (accepted < drafts && draw(accepted) < acceptance) accepted++;
  return accepted;
}
