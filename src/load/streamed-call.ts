import { EventStream, type StreamEvent } from './event-stream.ts';
import { errorBodyText, errorText, networkText } from './failure-text.ts';

/** One streamed completion to be asked for. */
export interface StreamedCall {
  /** The whole URL: `…/v1/chat/completions`, or `…/v1/completions`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The request's body; `stream` and the wish for a usage chunk are added. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Given up after this long, milliseconds of the clock. Default: never. */
  readonly timeoutMs?: number;
}

/** The outside, as a measured call needs it. */
export interface Wire {
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds; `performance.now`, which is simulated in lab time. */
  readonly now: () => number;
}

/**
 * Why a call brought no whole answer.
 * - `unreachable`: no response came.
 * - `refused`: a response with an error status.
 * - `error`: an error inside the stream.
 * - `cut`: the connection broke, or the stream ended without a finish reason.
 * - `malformed`: it is no stream of completion chunks.
 * - `timeout`: it had not ended by the time it was given up.
 */
export interface CallFailure {
  readonly kind: 'unreachable' | 'refused' | 'error' | 'cut' | 'malformed' | 'timeout';
  readonly message: string;
}

/** What a client saw of one call. Durations are milliseconds from the moment of sending, null where they did not come. */
export interface StreamedAnswer {
  readonly sentAt: number;
  /** HTTP; null when no response came. */
  readonly status: number | null;
  /** To the first chunk with a choice in it, as `vllm bench serve` measures it. */
  readonly ttftMs: number | null;
  /** To the last such chunk; of a call that failed, to the failure. */
  readonly e2eMs: number;
  /** Between each such chunk and the one before it. Chunks of one read came at one moment. */
  readonly itlMs: readonly number[];
  /** From the usage chunk; null when there was none. */
  readonly promptTokens: number | null;
  readonly outputTokens: number | null;
  /** Of the first choice, like the texts. */
  readonly finishReason: string | null;
  readonly text: string;
  /** What a reasoning model thought aloud before its answer. */
  readonly reasoning: string;
  /** Null when the answer is whole. */
  readonly failure: CallFailure | null;
}

/** (E2E - TTFT) / (n - 1) of a whole answer; null for one of fewer than two tokens, or of unknown length. */
export function tpotMs({ ttftMs, e2eMs, outputTokens, failure }: StreamedAnswer): number | null {
  if (failure !== null || ttftMs === null || outputTokens === null || outputTokens < 2) return null;
  return (e2eMs - ttftMs) / (outputTokens - 1);
}

/** Asks for one streamed completion and measures what comes. Never throws for what the other side does. */
export async function streamedCall(call: StreamedCall, { fetch, now }: Wire): Promise<StreamedAnswer> {
  const { url, headers = {}, body, timeoutMs } = call;
  const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const seen = new Seen(now);
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
      body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    return seen.answer(null, timedOut(signal, timeoutMs) ?? { kind: 'unreachable', message: networkText(error) });
  }
  const failure = await readWhole(response, seen, () => timedOut(signal, timeoutMs));
  return seen.answer(response.status, failure);
}

async function readWhole(
  response: Response,
  seen: Seen,
  late: () => CallFailure | undefined,
): Promise<CallFailure | null> {
  try {
    if (!response.ok) {
      const told = errorBodyText(await response.text()) ?? response.statusText;
      return { kind: 'refused', message: told };
    }
    const type = response.headers.get('content-type') ?? '';
    if (type.startsWith('application/json') || type.startsWith('text/html')) {
      const told = errorBodyText(await response.text()) ?? 'nothing';
      return { kind: 'malformed', message: `expected a stream of events, got ${type}: ${told}` };
    }
    return await readStream(response, seen);
  } catch (error) {
    return late() ?? { kind: 'cut', message: `the connection was cut: ${networkText(error)}` };
  }
}

/** Reads up to `[DONE]` or the end. @throws what the connection throws */
async function readStream(response: Response, seen: Seen): Promise<CallFailure | null> {
  const events = new EventStream();
  const reader = response.body?.getReader();
  for (;;) {
    const read = await reader?.read();
    if (read === undefined || read.done) return seen.unfinished();
    seen.read();
    for (const event of events.push(read.value)) {
      const done = event.data === '[DONE]';
      const failure = done ? seen.unfinished() : seen.chunk(event);
      if (failure === null && !done) continue;
      // Nothing more is wanted; the connection is given back.
      await reader?.cancel();
      return failure;
    }
  }
}

function timedOut(signal: AbortSignal | undefined, timeoutMs: number | undefined): CallFailure | undefined {
  if (signal?.aborted !== true) return undefined;
  return { kind: 'timeout', message: `no end within ${(timeoutMs ?? 0) / 1_000} s` };
}

/** A completion chunk, of chat or of text, as far as it is measured. */
interface Chunk {
  readonly choices?: readonly {
    readonly index?: number;
    readonly text?: string;
    readonly delta?: {
      readonly content?: string | null;
      readonly reasoning?: string;
      readonly reasoning_content?: string;
    };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens?: unknown; readonly completion_tokens?: unknown } | null;
}

/** What has come of one answer so far. */
class Seen {
  readonly #now: () => number;
  readonly #sentAt: number;
  readonly #itlMs: number[] = [];
  /** Of each choice that has begun, whether it has its finish reason. */
  readonly #finished = new Map<number, boolean>();
  /** When the bytes at hand were read. */
  #readAt = 0;
  #firstAt: number | null = null;
  #lastAt = 0;
  #promptTokens: number | null = null;
  #outputTokens: number | null = null;
  #finishReason: string | null = null;
  #text = '';
  #reasoning = '';

  constructor(now: () => number) {
    this.#now = now;
    this.#sentAt = now();
  }

  read(): void {
    this.#readAt = this.#now();
  }

  /** @returns what ends the call, if this chunk does */
  chunk({ name, data }: StreamEvent): CallFailure | null {
    const value = chunkOf(data);
    if (value === undefined) {
      return {
        kind: 'malformed',
        message: `expected a chunk of a completion, got ${errorBodyText(data) ?? 'nothing'}`,
      };
    }
    if (name === 'error' || value.object === 'error' || (value.error ?? null) !== null) {
      return { kind: 'error', message: errorText(value) ?? data };
    }
    const { choices = [], usage } = value;
    if (usage) {
      this.#promptTokens = count(usage.prompt_tokens) ?? this.#promptTokens;
      this.#outputTokens = count(usage.completion_tokens) ?? this.#outputTokens;
    }
    if (choices.length === 0) return null;
    if (this.#firstAt === null) this.#firstAt = this.#readAt;
    else this.#itlMs.push(this.#readAt - this.#lastAt);
    this.#lastAt = this.#readAt;
    for (const { index = 0, text, delta, finish_reason: reason } of choices) {
      this.#finished.set(index, Boolean(reason) || this.#finished.get(index) === true);
      if (index > 0) continue;
      this.#text += delta?.content ?? text ?? '';
      this.#reasoning += delta?.reasoning_content ?? delta?.reasoning ?? '';
      if (reason) this.#finishReason = reason;
    }
    return null;
  }

  /** The stream is over: what is missing for a whole answer. */
  unfinished(): CallFailure | null {
    if (this.#firstAt === null) return { kind: 'cut', message: 'the stream ended before its first token' };
    if ([...this.#finished.values()].every(Boolean)) return null;
    return { kind: 'cut', message: 'the stream ended without a finish reason' };
  }

  answer(status: number | null, failure: CallFailure | null): StreamedAnswer {
    return {
      sentAt: this.#sentAt,
      status,
      ttftMs: this.#firstAt === null ? null : this.#firstAt - this.#sentAt,
      e2eMs: (failure === null ? this.#lastAt : this.#now()) - this.#sentAt,
      itlMs: this.#itlMs,
      promptTokens: this.#promptTokens,
      outputTokens: this.#outputTokens,
      finishReason: this.#finishReason,
      text: this.#text,
      reasoning: this.#reasoning,
      failure,
    };
  }
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function chunkOf(data: string): (Chunk & Record<string, unknown>) | undefined {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const { choices } = value as { readonly choices?: unknown };
    const sound = choices === undefined || (Array.isArray(choices) && choices.every((each) => each instanceof Object));
    return sound ? (value as Chunk & Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
