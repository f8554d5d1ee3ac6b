import {
  countChatTokens,
  countPromptTokens,
  type GenerationRequest,
  parseChatRequest,
  parseCompletionRequest,
  WireError,
} from '../protocol/index.ts';
import { type AnswerFormat, CHAT_FORMAT, COMPLETION_FORMAT } from './answer-format.ts';

/** An operation that generates: how its body is read and its answer written. */
export interface Operation {
  readonly format: AnswerFormat;
  /** Reads the body; counts the prompt's tokens. @throws WireError */
  read(body: unknown): ReadRequest;
}

export interface ReadRequest {
  readonly request: GenerationRequest;
  readonly promptTokens: number;
  /** What of the prompt can be shared with others: its text, or token ids as text. */
  readonly promptText: string;
}

/** A body read, or why it cannot be. */
export type ReadBody = ReadRequest | WireError;

/** By the path that follows the service, or the pod's address. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  '/v1/chat/completions': {
    format: CHAT_FORMAT,
    read(body) {
      const request = parseChatRequest(body);
      const promptText = request.messages.map(({ role, text }) => `${role} ${text}`).join(' ');
      return { request, promptTokens: countChatTokens(request.messages), promptText };
    },
  },
  '/v1/completions': {
    format: COMPLETION_FORMAT,
    read(body) {
      const request = parseCompletionRequest(body);
      const { prompt } = request;
      const promptText = typeof prompt === 'string' ? prompt : prompt.map((id) => `#${id % 1_000}`).join('');
      return { request, promptTokens: Math.max(1, countPromptTokens(prompt)), promptText };
    },
  },
};

export function readBody(operation: Operation, body: string): ReadBody {
  try {
    return operation.read(parseJson(body));
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    // A byte order mark is no part of the text (RFC 8259 lets a reader ignore it).
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WireError({ message: `The body is not JSON: ${reason}`, type: 'Bad Request', param: null, code: 400 });
  }
}
