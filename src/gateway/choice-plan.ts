import type { PromptPrefix } from '../workload/index.ts';
import type { Call } from './call.ts';

/** One answer that a call asks for, before anybody makes it. */
export interface PlannedChoice {
  readonly promptTokens: number;
  /** Tokens that its engine makes. */
  readonly outputTokens: number;
  readonly finishReason: 'stop' | 'length';
  readonly prefix: PromptPrefix | undefined;
}

/**
 * The answers to a call, those to one prompt together. Each has the length that was drawn for it, within what the client
 * and the context allow.
 * @param context the longest context in tokens
 * @param drawLength draws a length that nothing limits
 */
export function planChoices(call: Call, context: number, drawLength: () => number): PlannedChoice[] {
  const { n = 1, promptTokens: tokens, prefix } = call;
  const prompts = call.prompts ?? [{ tokens, prefix }];
  return prompts.flatMap((prompt, at) =>
    Array.from({ length: n }, (_, k): PlannedChoice => {
      const of = { promptTokens: prompt.tokens, prefix: prompt.prefix };
      if (call.pooling === true) return { ...of, outputTokens: 1, finishReason: 'stop' };
      const least = Math.max(call.minTokens ?? 0, call.leastTokens?.[at * n + k] ?? 0);
      const drawn = drawLength();
      const wanted = call.ignoreEos === true ? Number.POSITIVE_INFINITY : Math.max(drawn, least);
      const limit = Math.min(call.maxTokens ?? Number.POSITIVE_INFINITY, context - prompt.tokens);
      const outputTokens = Math.max(1, Math.min(wanted, limit, Number.MAX_SAFE_INTEGER));
      return { ...of, outputTokens, finishReason: wanted <= limit ? 'stop' : 'length' };
    }),
  );
}
