import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText } from 'ai';
import type { Client } from './client.ts';
import { Gathering, leaving, prompt } from './client.ts';

export const AI_SDK: Client = {
  name: 'ai 6.0.326',
  async ask(ask) {
    const { baseURL, apiKey, model, maxTokens, retries, timeoutMs, leaveAfter, stream } = ask;
    const provider = createOpenAICompatible({ name: 'inferlab', baseURL, apiKey, includeUsage: true });
    const seen = new Gathering();
    // Its own timeout is the caller's signal.
    const controller = leaving({ ...ask, ...(timeoutMs === undefined ? {} : { leaveAfterMs: timeoutMs }) });
    const options = {
      model: provider(model),
      messages: prompt(ask),
      abortSignal: controller.signal,
      ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
      ...(retries === undefined ? {} : { maxRetries: retries }),
    };
    try {
      if (stream !== true) {
        const { text, finishReason, usage } = await generateText(options);
        seen.piece(text);
        seen.finishReason = finishReason;
        seen.usage = { prompt: usage.inputTokens!, completion: usage.outputTokens! };
        return seen;
      }
      const result = streamText({ ...options, onError: () => {} });
      for await (const part of result.fullStream) {
        if (part.type === 'text-delta') seen.piece(part.text);
        if (part.type === 'error') seen.failed(part.error);
        if (part.type === 'finish') {
          seen.finishReason = part.finishReason;
          const { inputTokens, outputTokens } = part.totalUsage;
          if (inputTokens !== undefined) seen.usage = { prompt: inputTokens, completion: outputTokens! };
        }
        if (leaveAfter !== undefined && seen.pieces >= leaveAfter) controller.abort();
      }
    } catch (error) {
      seen.failed(error);
    }
    return seen;
  },
};
