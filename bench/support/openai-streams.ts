import OpenAI from 'openai';
import type { Addresses } from '../../src/api/index.ts';

/** A streamed answer as the client saw it. Moments are milliseconds of the client's own clock. */
export interface SeenStream {
  /** Tokens asked for, which is how an answer is found among the simulation's requests. */
  readonly outputTokens: number;
  readonly sentAt: number;
  readonly tokenAt: readonly number[];
}

/** The unmodified client; it does not try again. */
export function openaiFor({ services: [service] }: Addresses): OpenAI {
  return new OpenAI({ baseURL: `${service!.url}/v1`, apiKey: service!.apiKey ?? 'none', maxRetries: 0 });
}

/** A chat completion that streams exactly `outputTokens` tokens. */
export function chatRequest(model: string, outputTokens: number) {
  const messages = [{ role: 'user' as const, content: 'Say something of the given length, whatever it is.' }];
  // The engine's own parameter, which the client passes on and its types do not know.
  const exactly = { ignore_eos: true } as object;
  return {
    model,
    messages,
    max_tokens: outputTokens,
    stream: true as const,
    stream_options: { include_usage: true },
    ...exactly,
  };
}

/** Streams an answer and notes when each token came. @throws unless tokens, finish reason and usage are right */
export async function seenStream(client: OpenAI, model: string, outputTokens: number): Promise<SeenStream> {
  const tokenAt: number[] = [];
  let finish: string | null = null;
  let usage: number | undefined;
  const sentAt = performance.now();
  const stream = await client.chat.completions.create(chatRequest(model, outputTokens));
  for await (const chunk of stream) {
    const [choice] = chunk.choices;
    if (choice?.delta.content) tokenAt.push(performance.now());
    finish = choice?.finish_reason ?? finish;
    usage = chunk.usage?.completion_tokens ?? usage;
  }
  if (tokenAt.length !== outputTokens || usage !== outputTokens || finish !== 'length') {
    throw new Error(`asked for ${outputTokens} tokens, got ${tokenAt.length}, usage ${usage}, finish reason ${finish}`);
  }
  return { outputTokens, sentAt, tokenAt };
}

/** A request as the simulation knows it, microseconds of simulated time. */
export interface SimulatedStream {
  readonly outputTokens: number;
  readonly arrivedMicros: number;
  readonly firstTokenMicros: number;
  readonly endedMicros: number;
}

/** How far a client's measurements are from the simulation's, milliseconds, without sign. */
export interface Difference {
  readonly ttftMs: number;
  readonly tpotMs: number;
}

/** Finds each stream among the simulation's requests by its number of tokens, which must be its own, and compares. */
export function differences(seen: readonly SeenStream[], simulated: readonly SimulatedStream[]): Difference[] {
  return seen.map(({ outputTokens, sentAt, tokenAt }) => {
    const found = simulated.filter((each) => each.outputTokens === outputTokens);
    if (found.length !== 1)
      throw new Error(`${found.length} simulated requests have ${outputTokens} tokens, expected 1`);
    const { arrivedMicros, firstTokenMicros, endedMicros } = found[0]!;
    const [first, last] = [tokenAt[0]!, tokenAt.at(-1)!];
    const simulatedTtft = (firstTokenMicros - arrivedMicros) / 1_000;
    const simulatedTpot = (endedMicros - firstTokenMicros) / 1_000 / (outputTokens - 1);
    return {
      ttftMs: Math.abs(first - sentAt - simulatedTtft),
      tpotMs: Math.abs((last - first) / (outputTokens - 1) - simulatedTpot),
    };
  });
}
