import type OpenAI from 'openai';

/** What a client saw of one streamed answer. Times are milliseconds by the client's own clock. */
export interface Seen {
  readonly requestId: string;
  readonly sentAt: number;
  readonly tokenAt: readonly number[];
  readonly text: string;
  readonly finishReason: string | null;
  readonly usage: OpenAI.CompletionUsage | null | undefined;
}

export interface Ask {
  readonly model: string;
  readonly content: string;
  readonly maxTokens?: number;
}

/** Streams one chat completion with the real client, and measures it as a user of that client would. */
export async function streamChat(client: OpenAI, { model, content, maxTokens }: Ask): Promise<Seen> {
  const sentAt = performance.now();
  const { data, request_id } = await client.chat.completions
    .create({
      model,
      messages: [{ role: 'user', content }],
      stream: true,
      stream_options: { include_usage: true },
      ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    })
    .withResponse();
  const tokenAt: number[] = [];
  let text = '';
  let finishReason: string | null = null;
  let usage: Seen['usage'];
  for await (const chunk of data) {
    const [choice] = chunk.choices;
    usage = chunk.usage ?? usage;
    if (choice === undefined) continue;
    finishReason = choice.finish_reason ?? finishReason;
    const { content: piece } = choice.delta;
    if (piece === undefined || piece === null || piece === '') continue;
    tokenAt.push(performance.now());
    text += piece;
  }
  return { requestId: request_id ?? '', sentAt, tokenAt, text, finishReason, usage };
}

export function ttftMs({ sentAt, tokenAt }: Seen): number {
  return tokenAt[0]! - sentAt;
}

/** Mean time per output token after the first. */
export function tpotMs({ tokenAt }: Seen): number {
  return (tokenAt.at(-1)! - tokenAt[0]!) / (tokenAt.length - 1);
}
