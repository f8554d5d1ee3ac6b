import Anthropic from '@anthropic-ai/sdk';
import type { Ask, Client } from './client.ts';
import { Gathering, leaving, prompt } from './client.ts';

/** What OpenAI's clients call the same ends. */
const FINISH_REASONS: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool_calls',
};

/** Its messages always have a limit; this one is no answer's. */
const NO_LIMIT = 4_000;

export const ANTHROPIC: Client = {
  name: '@anthropic-ai/sdk 1.12.0',
  anthropic: true,
  async ask(ask) {
    const { baseURL, apiKey, retries, timeoutMs, leaveAfter, stream, headers = {} } = ask;
    const client = new Anthropic({
      // It knows the version of its own API.
      baseURL: baseURL.replace(/\/v1$/, ''),
      authToken: apiKey,
      apiKey: null,
      logLevel: 'off',
      defaultHeaders: headers,
      ...(retries === undefined ? {} : { maxRetries: retries }),
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    });
    const seen = new Gathering();
    const { signal } = leaving(ask);
    const take = ({ content, stop_reason, usage }: Anthropic.Message): void => {
      for (const block of content) if (block.type === 'tool_use') seen.calledBack(block.name, block.input);
      seen.finishReason = (stop_reason && FINISH_REASONS[stop_reason]) ?? stop_reason;
      seen.usage = { prompt: usage.input_tokens, completion: usage.output_tokens };
    };
    try {
      if (stream !== true) {
        const message = await client.messages.create(bodyOf(ask), { signal });
        for (const block of message.content) if (block.type === 'text') seen.piece(block.text);
        take(message);
        return seen;
      }
      const streamed = client.messages.stream(bodyOf(ask), { signal });
      streamed.on('text', (text) => {
        seen.piece(text);
        if (leaveAfter !== undefined && seen.pieces >= leaveAfter) streamed.abort();
      });
      take(await streamed.finalMessage());
    } catch (error) {
      seen.failed(error);
    }
    return seen;
  },
};

function bodyOf(ask: Ask): Anthropic.MessageCreateParamsNonStreaming {
  const { model, maxTokens = NO_LIMIT, tool } = ask;
  const tools = tool && [
    { name: tool.name, description: tool.description, input_schema: tool.parameters as Anthropic.Tool.InputSchema },
  ];
  return {
    model,
    messages: prompt(ask),
    max_tokens: maxTokens,
    ...(tools === undefined ? {} : { tools, tool_choice: { type: 'any' } }),
  };
}
