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
