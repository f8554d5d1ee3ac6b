import { utf8ToBytes } from '@noble/hashes/utils.js';
import { counted } from '../kernel/index.ts';
import { tokenId } from './token-text.ts';

/** A token that might have stood at a place, and the natural logarithm of its probability. */
export interface Likelihood {
  readonly token: string;
  readonly logprob: number;
}

/** Probability of the sampled token: seldom below this. */
const SAMPLED_PROBABILITY_LEAST = 0.4;

/** Tokens that stand beside the sampled one. No more than vLLM's `--max-logprobs` are ever asked for. */
const ALTERNATIVES = [
  ' the',
  ' a',
  ' of',
  ' and',
  ' to',
  ' in',
  ' is',
  ' that',
  ' for',
  ' on',
  ',',
  '.',
  ' with',
  ' as',
].concat([' by', ' it', ' an', ' at', ' from', ' or', ' be', ' was']);

/**
 * The sampled token and `others` more, likeliest first; together they are never more likely than certain.
 * A function of the seed and the place alone.
 */
export function likelihoods(token: string, others: number, seed: number, place: number): Likelihood[] {
  const sampled = SAMPLED_PROBABILITY_LEAST + (1 - SAMPLED_PROBABILITY_LEAST) * counted(seed, place, 0);
  const turn = Math.floor(counted(seed, place, 1) * ALTERNATIVES.length);
  const beside = [...ALTERNATIVES.slice(turn), ...ALTERNATIVES.slice(0, turn)].filter((other) => other !== token);
  const rest = beside.slice(0, others).map((other, at) => likelihood(other, (1 - sampled) / 2 ** (at + 1)));
  return [likelihood(token, sampled), ...rest];
}

function likelihood(token: string, probability: number): Likelihood {
  return { token, logprob: Math.round(Math.log(Math.max(probability, 1e-12)) * 1e6) / 1e6 };
}

/** The `logprobs` of a chat's choice or chunk (chat_completion/protocol.py, ChatCompletionLogProbs). */
export function chatLogprobs(tokens: readonly string[], top: number, seed: number, from = 0) {
  return {
    content: tokens.map((token, at) => {
      const likely = likelihoods(token, Math.max(0, top - 1), seed, from + at);
      return { ...withBytes(likely[0] as Likelihood), top_logprobs: likely.slice(0, top).map(withBytes) };
    }),
  };
}

function withBytes({ token, logprob }: Likelihood) {
  return { token, logprob, bytes: [...utf8ToBytes(token)] };
}

/**
 * The `logprobs` of a completion's choice or chunk (completion/protocol.py, CompletionLogProbs).
 * @param textFrom where the first of the tokens begins in the choice's whole text
 * @param prompted whether the first token is the first of all, a prompt's: nothing tells how likely that was
 */
export function completionLogprobs(
  tokens: readonly string[],
  top: number,
  seed: number,
  { from, textFrom, prompted }: { readonly from: number; readonly textFrom: number; readonly prompted: boolean },
) {
  let offset = textFrom;
  const offsets = tokens.map((token) => {
    const at = offset;
    offset += token.length;
    return at;
  });
  const likely = tokens.map((token, at) => likelihoods(token, top, seed, from + at));
  const told = likely.map((each, at) => (prompted && at === 0 ? null : each));
  return {
    text_offset: offsets,
    token_logprobs: told.map((each) => (each === null ? null : (each[0] as Likelihood).logprob)),
    tokens,
    top_logprobs: told.map((each) =>
      each === null ? null : Object.fromEntries(each.map(({ token, logprob }) => [token, logprob])),
    ),
  };
}

/** `prompt_logprobs`: by token number, with rank and text; nothing for the first (vllm/logprobs.py). */
export function promptLogprobs(tokens: readonly string[], top: number, seed: number) {
  return tokens.map((token, at) => {
    if (at === 0) return null;
    const likely = likelihoods(token, top, seed, at);
    return Object.fromEntries(
      likely.map(({ token: text, logprob }, rank) => [
        String(tokenId(text)),
        { logprob, rank: rank + 1, decoded_token: text },
      ]),
    );
  });
}
