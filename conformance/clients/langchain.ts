import type { AIMessageChunk } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import type { Client } from './client.ts';
import { Gathering, leaving, prompt } from './client.ts';

export const LANGCHAIN: Client = {
  name: '@langchain/openai 1.5.8',
  async ask(ask) {
    const { baseURL, apiKey, model, maxTokens, retries, timeoutMs, leaveAfter, stream } = ask;
    const chat = new ChatOpenAI({
      apiKey,
      model,
      configuration: { baseURL, logLevel: 'off' },
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(retries === undefined ? {} : { maxRetries: retries }),
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    });
    const seen = new Gathering();
    const controller = leaving(ask);
    const options = { signal: controller.signal };
    const take = (message: AIMessageChunk): void => {
      seen.piece(message.text);
      const { finish_reason } = message.response_metadata as { finish_reason?: string };
      seen.finishReason = finish_reason ?? seen.finishReason;
      const usage = message.usage_metadata as { input_tokens: number; output_tokens: number } | undefined;
      if (usage) seen.usage = { prompt: usage.input_tokens, completion: usage.output_tokens };
    };
    try {
      if (stream !== true) take(await chat.invoke(prompt(ask), options));
      else {
        for await (const message of await chat.stream(prompt(ask), options)) {
          take(message);
          if (leaveAfter !== undefined && seen.pieces >= leaveAfter) controller.abort();
        }
      }
    } catch (error) {
      seen.failed(error);
    }
    return seen;
  },
};
