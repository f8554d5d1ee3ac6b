import OpenAI6 from 'openai-v6';
import OpenAI7 from 'openai-v7';
import type { Endpoint } from '../support/simulator.ts';
import type { Ask, Client, Outcome } from './client.ts';
import { Gathering, leaving, prompt } from './client.ts';

/** The two are told apart by their version alone: what these cases use of them has the same types. */
const VERSIONS: Readonly<Record<string, typeof OpenAI6>> = {
  'openai 6.49.0': OpenAI6,
  'openai 7.57.0': OpenAI7 as unknown as typeof OpenAI6,
};

export const OPENAI_CLIENTS: readonly Client[] = Object.entries(VERSIONS).map(([name, OpenAI]) => ({
  name,
  schemas: true,
  ask: (ask) => askWith(OpenAI, ask),
  embed: (endpoint, texts) => embedWith(OpenAI, endpoint, texts),
}));

async function askWith(OpenAI: typeof OpenAI6, ask: Ask): Promise<Outcome> {
  const { baseURL, apiKey, retries, timeoutMs, leaveAfter, stream, headers = {} } = ask;
  const client = new OpenAI({
    baseURL,
    apiKey,
    logLevel: 'off',
    defaultHeaders: headers,
    ...(retries === undefined ? {} : { maxRetries: retries }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });
  const body = bodyOf(ask);
  const seen = new Gathering();
  const { signal } = leaving(ask);
  try {
    if (stream !== true) {
      const answer = await client.chat.completions.create(body, { signal });
      const [choice] = answer.choices;
      seen.piece(choice!.message.content);
      for (const call of choice!.message.tool_calls ?? []) tell(seen, call);
      seen.finishReason = choice!.finish_reason;
      seen.usage = usageOf(answer.usage);
      return seen;
    }
    const streamed = { ...body, stream, stream_options: { include_usage: true } } as const;
    if (ask.tool !== undefined) {
      // Its helper puts together what comes in pieces.
      const whole = await client.chat.completions.stream(streamed, { signal }).finalChatCompletion();
      for (const call of whole.choices[0]!.message.tool_calls ?? []) tell(seen, call);
      seen.finishReason = whole.choices[0]!.finish_reason;
      return seen;
    }
    const chunks = await client.chat.completions.create(streamed, { signal });
    for await (const { choices, usage } of chunks) {
      seen.usage = usageOf(usage) ?? seen.usage;
      seen.piece(choices[0]?.delta.content);
      seen.finishReason = choices[0]?.finish_reason ?? seen.finishReason;
      if (leaveAfter !== undefined && seen.pieces >= leaveAfter) chunks.controller.abort();
    }
  } catch (error) {
    seen.failed(error);
  }
  return seen;
}

function bodyOf(ask: Ask): OpenAI6.ChatCompletionCreateParamsNonStreaming {
  const { model, maxTokens, tool, schema } = ask;
  return {
    model,
    messages: prompt(ask),
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(tool === undefined ? {} : { tools: [functionOf(tool)], tool_choice: 'required' }),
    ...(schema === undefined ? {} : { response_format: { type: 'json_schema', json_schema: schemaOf(schema) } }),
  };
}

function functionOf({ name, description, parameters }: NonNullable<Ask['tool']>): OpenAI6.ChatCompletionTool {
  return { type: 'function', function: { name, description, parameters: parameters as Record<string, unknown> } };
}

function schemaOf(schema: object): { name: string; schema: Record<string, unknown> } {
  return { name: 'answer', schema: schema as Record<string, unknown> };
}

function tell(seen: Gathering, call: OpenAI6.ChatCompletionMessageToolCall): void {
  if (call.type === 'function') seen.calledBack(call.function.name, call.function.arguments);
}

/** Without a word about the encoding it asks for base64, and decodes it itself. */
async function embedWith(OpenAI: typeof OpenAI6, endpoint: Endpoint, texts: readonly string[]): Promise<number[][]> {
  const { baseURL, apiKey, model } = endpoint;
  const client = new OpenAI({ baseURL, apiKey, logLevel: 'off', maxRetries: 0 });
  const { data } = await client.embeddings.create({ model, input: [...texts] });
  return data.map(({ embedding }) => embedding);
}

function usageOf(usage: OpenAI6.CompletionUsage | null | undefined): Outcome['usage'] {
  return usage ? { prompt: usage.prompt_tokens, completion: usage.completion_tokens } : null;
}
