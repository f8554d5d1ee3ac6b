import type { Answer, TokenPiece } from './answer.ts';
import type { WireFields } from './errors.ts';
import type { ReplyHead, TokenUsage } from './openai-response.ts';
import type { SamplingRequest } from './sampling-request.ts';

/** Everything that the body of a reply is made of, streamed or not. */
export interface AnswerContext {
  /** Its id has the operation's prefix already; see `ANSWER_DIALECTS`. */
  readonly head: ReplyHead;
  readonly request: Pick<SamplingRequest, 'includeUsage' | 'continuousUsage' | 'logprobs' | 'promptLogprobs' | 'echo'>;
  /** The texts that were asked about, in order; a chat has one. Read for `echo` and `prompt_logprobs` alone. */
  readonly promptTexts: readonly string[];
  /** Of a chat: what `echo` puts before the answer; see `continuedText`. */
  readonly continued?: string;
  /** Of all prompts together. */
  readonly promptTokens: number;
  readonly cachedTokens?: number | undefined;
  /** One a choice, in the order of their index. */
  readonly answers: readonly Answer[];
  /** Of what looks random in it, the log probabilities. */
  readonly seed: number;
  /** What a prefill instance tells the decode instance. */
  readonly kvTransferParams?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * How one dialect streams. Each call gives whole events, or an empty text; calls come in the order of a stream: `open`,
 * then the tokens of each choice in order (choices may interleave), then `close`, or `fail` wherever it breaks off.
 */
export interface StreamWriter {
  /** When the first token of all is ready, right before its own events: clients take this for the first token. */
  open(): string;
  /** The events of a choice's `k`-th token, counted from 0. */
  token(choice: number, k: number): string;
  /** Right after the last token of the last choice. */
  close(): string;
  /** A failure after the status has gone out (vLLM: create_streaming_error_response). */
  fail(error: WireFields): string;
}

/** The usage once everything is said. */
export function wholeUsage({ promptTokens, cachedTokens, answers }: AnswerContext): TokenUsage {
  const completionTokens = answers.reduce((sum, { pieces }) => sum + pieces.length, 0);
  return { promptTokens, completionTokens, cachedTokens };
}

/** The usage after so many tokens of one choice, where it goes on every chunk: only when both were asked for. */
export function usageSoFar({ request, promptTokens }: AnswerContext, tokens: number): TokenUsage | undefined {
  return request.includeUsage && request.continuousUsage ? { promptTokens, completionTokens: tokens } : undefined;
}

/** What a token says, whichever kind it is, as log probabilities name it. */
export function pieceText(piece: TokenPiece): string {
  return piece.kind === 'call' ? piece.name : piece.text;
}

/** Keeps the places of one choice apart from those of another and of the prompt, for what is drawn by place. */
export function placeOf(choice: number, k: number): number {
  return (choice + 1) * 2 ** 20 + k;
}
