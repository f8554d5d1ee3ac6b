import {
  type CountedMessages,
  conversationTokens,
  type DetokenizeRequest,
  detokenizeBody,
  type ErrorDialect,
  readCountTokensRequest,
  readDetokenizeRequest,
  readTokenizeRequest,
  type TokenizeRequest,
  tokenCount,
  tokenizeBody,
} from '../protocol/index.ts';
import { WORDS } from './words.ts';

/** An operation that the server answers at once, without its engine. */
export interface Question<Request = unknown> {
  readonly kind: 'question';
  readonly errors: ErrorDialect;
  /** @throws WireError */
  read(body: unknown): { readonly request: Request & { readonly model: string | undefined } };
  answer(request: Request, maxModelLen: number): object;
}

export const TOKENIZE: Question<TokenizeRequest> = {
  kind: 'question',
  errors: 'openai',
  read: (body) => ({ request: readTokenizeRequest(body) }),
  answer: tokenizeBody,
};

export const DETOKENIZE: Question<DetokenizeRequest> = {
  kind: 'question',
  errors: 'openai',
  read: (body) => ({ request: readDetokenizeRequest(body) }),
  answer: (request) => detokenizeBody(request, WORDS),
};

export const COUNT_TOKENS: Question<CountedMessages> = {
  kind: 'question',
  errors: 'anthropic',
  read: (body) => ({ request: readCountTokensRequest(body) }),
  answer: (request) => tokenCount(conversationTokens(request)),
};
