import type { Reply } from '../gateway/index.ts';
import { Chance, counted, seedOf, type Uniform, uniform } from '../kernel/index.ts';
import {
  ANSWER_DIALECTS,
  type AnswerDialect,
  type AnyAnswerContext,
  type CompletionsRequest,
  type Conversation,
  composeAnswer,
  continuedText,
  conversationText,
  conversationTokens,
  countPromptTokens,
  type ErrorDialect,
  idsText,
  leastAnswerTokens,
  type Prompt,
  type ReplyHead,
  type ResponsesRequest,
  readChatRequest,
  readCompletionRequest,
  readMessagesRequest,
  readResponsesRequest,
  type SamplingRequest,
} from '../protocol/index.ts';
import type { CountedPrompt } from './operations.ts';
import { WORDS } from './words.ts';

/** A request for answers, whichever operation it came by, and what of it the simulation counts. */
export interface Generation {
  readonly request: SamplingRequest & Partial<Conversation & CompletionsRequest & ResponsesRequest>;
  readonly prompts: readonly CountedPrompt[];
}

/** An operation that generates: how its body is read and its answers are written. */
export interface GenerationOperation {
  readonly kind: 'generation';
  readonly dialect: AnswerDialect<AnyAnswerContext>;
  readonly errors: ErrorDialect;
  /** @throws WireError */
  read(body: unknown): Generation;
}

function ofConversation(request: Conversation): Generation {
  return { request, prompts: [{ tokens: conversationTokens(request), shared: conversationText(request) }] };
}

export const CHAT: GenerationOperation = {
  kind: 'generation',
  dialect: ANSWER_DIALECTS.chat,
  errors: 'openai',
  read: (body) => ofConversation(readChatRequest(body)),
};

export const MESSAGES: GenerationOperation = {
  kind: 'generation',
  dialect: ANSWER_DIALECTS.messages,
  errors: 'anthropic',
  read: (body) => ofConversation(readMessagesRequest(body)),
};

export const RESPONSES: GenerationOperation = {
  kind: 'generation',
  dialect: ANSWER_DIALECTS.responses,
  errors: 'openai',
  read: (body) => ofConversation(readResponsesRequest(body)),
};

export const COMPLETION: GenerationOperation = {
  kind: 'generation',
  dialect: ANSWER_DIALECTS.completion,
  errors: 'openai',
  read(body) {
    const request = readCompletionRequest(body);
    return { request, prompts: request.prompts.map(countedPrompt) };
  },
};

/** A tokenizer adds a mark of its own to nothing: no prompt is empty. */
export function countedPrompt(prompt: Prompt): CountedPrompt {
  const shared = typeof prompt === 'string' ? prompt : prompt.map(idCharacter).join('');
  return { tokens: Math.max(1, countPromptTokens(prompt)), shared };
}

/** A Han character is one token, whatever stands beside it: ids as a text that is cut where they are. */
function idCharacter(id: number): string {
  return String.fromCharCode(0x4e00 + (id % 0x5000));
}

/** The fewest tokens with which each answer is whole; undefined where none has a form that asks for some. */
export function leastTokens({ request, prompts }: Generation, seed: number, number: number): number[] | undefined {
  if (request.structure === undefined && request.toolUse === undefined) return undefined;
  return Array.from({ length: prompts.length * request.n }, (_, choice) =>
    leastAnswerTokens(request, WORDS, chanceOf(request, number, seed, choice)),
  );
}

/** All that the body of a reply is made of: a function of the seed, the request's number and the request alone. */
export function answerContext({ request }: Generation, reply: Reply, seed: number, head: ReplyHead): AnyAnswerContext {
  return {
    head,
    request,
    promptTexts: promptTexts(request),
    continued: request.messages === undefined ? '' : continuedText({ messages: request.messages, toolUse: undefined }),
    promptTokens: reply.promptTokens,
    cachedTokens: cachedOf(reply, request.n),
    answers: reply.choices.map(({ outputTokens, finishReason }, choice) =>
      composeAnswer(request, {
        tokens: outputTokens,
        finishReason,
        words: WORDS,
        uniform: chanceOf(request, reply.number, seed, choice),
      }),
    ),
    seed: tellsLikelihoods(request) ? seedOf(seed, `logprobs/${request.seed ?? `request/${reply.number}`}`) : 0,
    promptOnly: request.promptOnly ?? false,
    repeated: request.repeated ?? {},
    kvTransferParams: kvTransfer(request, reply),
  };
}

function tellsLikelihoods({ logprobs, promptLogprobs }: SamplingRequest): boolean {
  return logprobs !== undefined || promptLogprobs !== undefined;
}

/** What an answer's words are drawn from. A client that gives a seed gets the same words for it again. */
function chanceOf({ seed: given }: SamplingRequest, number: number, seed: number, choice: number): Uniform {
  if (given !== undefined) return new Chance(seed).stream(`reply-text/${given}/${choice}`);
  return uniform(counted(seed, number, choice) * 2 ** 32);
}

/** Prompts as texts, where the answer shows them. */
function promptTexts(request: Generation['request']): readonly string[] {
  if (!request.echo && request.promptLogprobs === undefined) return [];
  if (request.messages !== undefined) {
    return [conversationText({ messages: request.messages, toolUse: request.toolUse })];
  }
  return (request.prompts ?? []).map((prompt) => (typeof prompt === 'string' ? prompt : idsText(prompt, WORDS)));
}

/** Every prompt's, as its first answer found them. */
function cachedOf({ choices }: Reply, n: number): number | undefined {
  const cached = choices.filter((_, choice) => choice % n === 0).map(({ cachedTokens }) => cachedTokens);
  return cached.reduce((sum, each) => (sum === undefined || each === undefined ? undefined : sum + each), 0);
}

/**
 * Whoever asks a prefill instance for a hand-off is told where to fetch (NixlConnector, request_finished); anything else
 * is echoed. Which blocks, no simulation of counts can tell.
 */
function kvTransfer({ kvTransferParams: asked }: SamplingRequest, { pod = '' }: Reply) {
  if (asked?.do_remote_decode !== true) return asked;
  return { ...asked, do_remote_prefill: true, do_remote_decode: false, remote_engine_id: pod };
}
