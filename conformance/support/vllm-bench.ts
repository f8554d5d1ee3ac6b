/** A piece of a stream as it came off the wire, and when. */
export interface Received {
  readonly atMs: number;
  readonly text: string;
}

export interface Measured {
  /** Moments, in the clock of what was received. */
  readonly firstTokenAt: number;
  readonly lastTokenAt: number;
  /** Between tokens. */
  readonly itlMs: readonly number[];
  readonly outputTokens: number;
}

/**
 * What `vllm bench serve` makes of a chat stream (vllm/benchmarks/lib/endpoint_request_func.py): messages end with an
 * empty line; those that begin with a colon are comments; the prefix is `data: ` with its space. The first message with
 * choices is the first token, though it may only open the answer; each further one is an interval. Of the usage counts
 * what comes without choices. A rewrite of the rule, since vLLM itself takes gigabytes to install.
 */
export function measureAsVllm(received: readonly Received[]): Measured {
  const tokensAt: number[] = [];
  let outputTokens = 0;
  let buffer = '';
  for (const { atMs, text } of received) {
    buffer += text;
    const messages = buffer.split('\n\n');
    buffer = messages.pop()!;
    for (const message of messages.map((each) => each.trim())) {
      if (message === '' || message.startsWith(':')) continue;
      const data = message.startsWith('data: ') ? message.slice('data: '.length) : message;
      if (data === '[DONE]') continue;
      const { choices, usage } = JSON.parse(data) as { choices?: unknown[]; usage?: { completion_tokens: number } };
      if (choices !== undefined && choices.length > 0) tokensAt.push(atMs);
      else if (usage) outputTokens = usage.completion_tokens;
    }
  }
  return {
    firstTokenAt: tokensAt[0]!,
    lastTokenAt: tokensAt.at(-1)!,
    itlMs: tokensAt.slice(1).map((at, index) => at - tokensAt[index]!),
    outputTokens,
  };
}
