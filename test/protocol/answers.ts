import fc from 'fast-check';
import {
  type AnswerContext,
  type AnswerForm,
  composeAnswer,
  WireError,
  type WireFields,
} from '../../src/protocol/index.ts';

export const WORDS = ['alpha', 'be', 'simulate', 'journal', 'a', 'token', 'straightforward', 'quick', "don't"];

/** A draw that repeats a list of numbers. */
export function cycle(numbers: readonly number[]): () => number {
  let at = 0;
  return () => numbers[at++ % numbers.length] as number;
}

export const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 });

export const PLAIN: AnswerForm = { stop: [], includeStop: false, structure: undefined };

export const HEAD = { id: 'x-1', created: 1_767_225_600, model: 'qwen' };

export const ASKED: AnswerContext['request'] = {
  includeUsage: true,
  continuousUsage: false,
  logprobs: undefined,
  promptLogprobs: undefined,
  echo: false,
};

/** A context of so many answers to one request. */
export function contextOf(
  form: AnswerForm,
  tokens: number,
  numbers: readonly number[],
  { choices = 1, finishReason = 'stop' as 'stop' | 'length', request = {} as Partial<AnswerContext['request']> } = {},
): AnswerContext {
  const uniform = cycle(numbers);
  return {
    head: HEAD,
    request: { ...ASKED, ...request },
    promptTexts: ['Hello, world!'],
    promptTokens: 11,
    answers: Array.from({ length: choices }, () =>
      composeAnswer(form, { tokens, finishReason, words: WORDS, uniform }),
    ),
    seed: 7,
  };
}

/** The error body of a request that must be refused. */
export function refusal(read: () => unknown): WireFields {
  try {
    read();
  } catch (error) {
    if (error instanceof WireError) return error.fields;
    throw error;
  }
  throw new Error('The request was accepted');
}

/** The data of a stream of server-sent events, `[DONE]` left out. */
export function eventsOf<Event = Record<string, unknown>>(stream: string): Event[] {
  const messages = stream.split('\n\n').filter((message) => message !== '');
  return messages
    .map((message) =>
      message
        .split('\n')
        .find((line) => line.startsWith('data: '))!
        .slice('data: '.length),
    )
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data));
}

/** The body of the error for a value out of rule. */
export const badRequest = (message: string, param: string | null = null) => ({
  error: { message, type: 'BadRequestError', param, code: 400 },
});

/** The body of the error for missing or mistyped fields. */
export const badField = (...issues: string[]) => ({
  error: {
    message: `${issues.length} validation error${issues.length === 1 ? '' : 's'}:${issues.map((issue) => `\n  {${issue}}`).join('')}`,
    type: 'Bad Request',
    param: null,
    code: 400,
  },
});
