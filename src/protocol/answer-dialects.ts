import type { StreamWriter } from './answer-context.ts';
import { messageBody, messageWriter } from './anthropic-response.ts';
import { chatBody, chatWriter } from './chat-response.ts';
import { type CompletionContext, completionBody, completionWriter } from './completion-response.ts';
import { type ResponsesContext, responsesBody, responsesWriter } from './responses-response.ts';

/** All that any dialect needs to know of a reply. */
export type AnyAnswerContext = CompletionContext & ResponsesContext;

/** How the answers of one generating operation go on the wire. */
export interface AnswerDialect<Context> {
  readonly idPrefix: string;
  /** The body of a reply that is not streamed. */
  body(context: Context): object;
  /** A writer for one stream. */
  writer(context: Context): StreamWriter;
}

/** By operation. Anthropic's and OpenAI's responses have one choice: the first. */
export const ANSWER_DIALECTS = {
  chat: { idPrefix: 'chatcmpl-', body: chatBody, writer: chatWriter },
  completion: { idPrefix: 'cmpl-', body: completionBody, writer: completionWriter },
  // vLLM answers with its chat's id (anthropic/serving.py).
  messages: { idPrefix: 'chatcmpl-', body: messageBody, writer: messageWriter },
  responses: { idPrefix: 'resp_', body: responsesBody, writer: responsesWriter },
} as const satisfies Record<string, AnswerDialect<AnyAnswerContext>>;
