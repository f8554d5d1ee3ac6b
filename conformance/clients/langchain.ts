import type { AIMessageChunk } from '@langchain/core/messages';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import type { Client, Tool } from './client.ts';
import { Gathering, leaving, prompt } from './client.ts';

export const LANGCHAIN: Client = {
  name: '@langchain/openai 1.5.8',
  schemas: true,
  async ask(ask) {
    const { baseURL, apiKey, model, maxTokens, retries, timeoutMs, leaveAfter, stream, tool, schema, headers } = ask;
    const plain = new ChatOpenAI({
      apiKey,
      model,
      configuration: { baseURL, logLevel: 'off', ...(headers && { defaultHeaders: headers }) },
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(retries === undefined ? {} : { maxRetries: retries }),
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    });
    const chat = tool === undefined ? plain : plain.bindTools([functionOf(tool)], { tool_choice: 'required' });
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
      if (schema !== undefined) {
        const asked = plain.withStructuredOutput(schema, { method: 'jsonSchema' });
        seen.piece(JSON.stringify(await asked.invoke(prompt(ask), options)));
      } else if (stream !== true) {
        const answer = await chat.invoke(prompt(ask), options);
        take(answer as AIMessageChunk);
        for (const { name, args } of answer.tool_calls ?? []) seen.calledBack(name, args);
      } else {
        let whole: AIMessageChunk | undefined;
        for await (const message of await chat.stream(prompt(ask), options)) {
          take(message);
          whole = whole === undefined ? message : whole.concat(message);
          if (leaveAfter !== undefined && seen.pieces >= leaveAfter) controller.abort();
        }
        for (const { name, args } of whole?.tool_calls ?? []) seen.calledBack(name, args);
      }
    } catch (error) {
      seen.failed(error);
    }
    return seen;
  },
  embed({ baseURL, apiKey, model }, texts) {
    return new OpenAIEmbeddings({ model, apiKey, configuration: { baseURL }, maxRetries: 0 }).embedDocuments([
      ...texts,
    ]);
  },
};

function functionOf({ name, description, parameters }: Tool): object {
  return { type: 'function', function: { name, description, parameters } };
}
