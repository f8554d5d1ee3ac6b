import {
  chatCompletion,
  chatContentChunk,
  chatFinalChunk,
  chatRoleChunk,
  chatUsageChunk,
  type GenerationRequest,
  type ReplyHead,
  SSE_DONE,
  sseData,
  type TokenUsage,
  textChunk,
  textCompletion,
  textUsageChunk,
} from '../protocol/index.ts';

/** What a whole answer is made of, once its last token is there. */
interface Whole {
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
  readonly usage: TokenUsage;
}

/** The shape of an operation's answers: whole, and as a stream of one piece a token. */
export interface AnswerFormat {
  readonly idPrefix: string;
  whole(head: ReplyHead, whole: Whole): unknown;
  /** What goes before the first token's piece, when that is ready. */
  opening(head: ReplyHead, usage: TokenUsage | undefined): string;
  piece(head: ReplyHead, text: string, finishReason: 'stop' | 'length' | null, usage: TokenUsage | undefined): string;
  usage(head: ReplyHead, usage: TokenUsage): string;
}

export const CHAT_FORMAT: AnswerFormat = {
  idPrefix: 'chatcmpl-',
  whole: chatCompletion,
  opening: (head, usage) => sseData(chatRoleChunk(head, usage)),
  piece: (head, text, finishReason, usage) =>
    sseData(
      finishReason === null ? chatContentChunk(head, text, usage) : chatFinalChunk(head, text, finishReason, usage),
    ),
  usage: (head, usage) => sseData(chatUsageChunk(head, usage)),
};

export const COMPLETION_FORMAT: AnswerFormat = {
  idPrefix: 'cmpl-',
  whole: textCompletion,
  opening: () => '',
  piece: (head, text, finishReason, usage) => sseData(textChunk(head, text, finishReason, usage)),
  usage: (head, usage) => sseData(textUsageChunk(head, usage)),
};

/** The usage that a piece carries: only when the client asked for both (vLLM's rule). */
export function runningUsage(
  request: GenerationRequest,
  promptTokens: number,
  completionTokens: number,
): TokenUsage | undefined {
  return request.includeUsage && request.continuousUsage ? { promptTokens, completionTokens } : undefined;
}

export { SSE_DONE };
