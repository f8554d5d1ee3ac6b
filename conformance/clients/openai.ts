import OpenAI6 from 'openai-v6';
import OpenAI7 from 'openai-v7';
import type { Ask, Client, Outcome } from './client.ts';
import { Gathering, leaving, prompt } from './client.ts';

/** The two are told apart by their version alone: what these cases use of them has the same types. */
const VERSIONS: Readonly<Record<string, typeof OpenAI6>> = {
  'openai 6.49.0': OpenAI6,
  'openai 7.57.0': OpenAI7 as unknown as typeof OpenAI6,
};

export const OPENAI_CLIENTS: readonly Client[] = Object.entries(VERSIONS).map(([name, OpenAI]) => ({
  name,
  ask: (ask) => askWith(OpenAI, ask),
}));

async function askWith(OpenAI: typeof OpenAI6, ask: Ask): Promise<Outcome> {
  const { baseURL, apiKey, model, maxTokens, retries, timeoutMs, leaveAfter, stream } = ask;
  const client = new OpenAI({
    baseURL,
    apiKey,
    logLevel: 'off',
    ...(retries === undefined ? {} : { maxRetries: retries }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });
  const body = { model, messages: prompt(ask), ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }) };
  const seen = new Gathering();
  const { signal } = leaving(ask);
  try {
    if (stream !== true) {
      const answer = await client.chat.completions.create(body, { signal });
      seen.piece(answer.choices[0]!.message.content);
      seen.finishReason = answer.choices[0]!.finish_reason;
      seen.usage = usageOf(answer.usage);
      return seen;
    }
    const chunks = await client.chat.completions.create(
      { ...body, stream, stream_options: { include_usage: true } },
      { signal },
    );
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

function usageOf(usage: OpenAI6.CompletionUsage | null | undefined): Outcome['usage'] {
  return usage ? { prompt: usage.prompt_tokens, completion: usage.completion_tokens } : null;
}
