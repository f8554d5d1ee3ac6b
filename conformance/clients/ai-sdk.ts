import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateText, jsonSchema, Output, streamText, tool } from 'ai';
import type { Ask, Client } from './client.ts';
import { Gathering, leaving, prompt } from './client.ts';

export const AI_SDK: Client = {
  name: 'ai 6.0.326',
  schemas: true,
  async ask(ask) {
    const { baseURL, apiKey, model, maxTokens, retries, timeoutMs, leaveAfter, stream, schema, headers = {} } = ask;
    const settings = { name: 'inferlab', baseURL, apiKey, headers };
    const provider = createOpenAICompatible({ ...settings, includeUsage: true, supportsStructuredOutputs: true });
    const seen = new Gathering();
    // Its own timeout is the caller's signal.
    const controller = leaving({ ...ask, ...(timeoutMs === undefined ? {} : { leaveAfterMs: timeoutMs }) });
    const options = {
      model: provider(model),
      messages: prompt(ask),
      abortSignal: controller.signal,
      ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
      ...(retries === undefined ? {} : { maxRetries: retries }),
      ...toolsOf(ask),
      ...(schema === undefined ? {} : { output: Output.object({ schema: jsonSchema(schema) }) }),
    };
    try {
      if (stream !== true) {
        const { text, toolCalls, finishReason, usage } = await generateText(options);
        seen.piece(text);
        for (const { toolName, input } of toolCalls) seen.calledBack(toolName, input);
        seen.finishReason = finishReason;
        seen.usage = { prompt: usage.inputTokens!, completion: usage.outputTokens! };
        return seen;
      }
      const result = streamText({ ...options, onError: () => {} });
      for await (const part of result.fullStream) {
        if (part.type === 'text-delta') seen.piece(part.text);
        if (part.type === 'tool-call') seen.calledBack(part.toolName, part.input);
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
  async embed({ baseURL, apiKey, model }, texts) {
    const provider = createOpenAICompatible({ name: 'inferlab', baseURL, apiKey });
    const { embeddings } = await embedMany({
      model: provider.embeddingModel(model),
      values: [...texts],
      maxRetries: 0,
    });
    return embeddings;
  },
};

function toolsOf({ tool: offered }: Ask): object {
  if (offered === undefined) return {};
  const { name, description, parameters } = offered;
  return { tools: { [name]: tool({ description, inputSchema: jsonSchema(parameters) }) }, toolChoice: 'required' };
}
