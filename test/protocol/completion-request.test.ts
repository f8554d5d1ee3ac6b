import { describe, expect, test } from 'vitest';
import { openaiError, readCompletionRequest } from '../../src/protocol/index.ts';
import { badField, badRequest, refusal } from './answers.ts';

const completionError = (more: object) => openaiError(refusal(() => readCompletionRequest({ prompt: 'Hi', ...more })));

describe('a completion request', () => {
  test.each([
    ['Hello', ['Hello']],
    [
      ['Hello', 'you'],
      ['Hello', 'you'],
    ],
    [[1, 2, 3], [[1, 2, 3]]],
    [
      [[1, 2], [3]],
      [[1, 2], [3]],
    ],
  ])('takes the prompt %j', (prompt, prompts) => {
    expect(readCompletionRequest({ prompt })).toMatchObject({ prompts, maxTokens: 16, promptOnly: false });
  });

  test('that echoes may ask for the prompt alone; the engine still makes a token', () => {
    expect(readCompletionRequest({ prompt: 'a', echo: true, max_tokens: 0 })).toMatchObject({
      promptOnly: true,
      maxTokens: 1,
    });
  });

  test('takes its number of log probabilities', () => {
    expect(readCompletionRequest({ prompt: 'a', logprobs: 0 }).logprobs).toBe(0);
    expect(readCompletionRequest({ prompt: 'a', logprobs: null }).logprobs).toBeUndefined();
  });

  test.each([
    [
      { prompt: '' },
      badRequest('Either prompt or prompt_embeds must be provided and non-empty. (parameter=prompt)', 'prompt'),
    ],
    [
      { prompt: [] },
      badRequest('Either prompt or prompt_embeds must be provided and non-empty. (parameter=prompt)', 'prompt'),
    ],
    [
      { prompt: ['a', ''] },
      badRequest('Either prompt or prompt_embeds must be provided and non-empty. (parameter=prompt)', 'prompt'),
    ],
    [{ suffix: 'x' }, badRequest('suffix is not currently supported')],
    [
      { max_tokens: 0 },
      badRequest('max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)', 'max_tokens'),
    ],
    [
      { logprobs: 21 },
      badRequest(
        'Requested sample logprobs of 21, which is greater than max allowed: 20 (parameter=logprobs, value=21)',
        'logprobs',
      ),
    ],
    [
      { logprobs: -2 },
      badRequest('`logprobs` must be a positive value or -1. (parameter=logprobs, value=-2)', 'logprobs'),
    ],
    [
      { prompt: { a: 1 } },
      badField(
        "'type': 'string_type', 'loc': ('body', 'prompt'), 'msg': 'Input should be a valid string, list of strings or list of token ids'",
      ),
    ],
  ])('%j is refused in these very words', (more, body) => {
    expect(completionError(more)).toEqual(body);
  });

  test('takes no more prompts than there is a limit to', () => {
    expect(completionError({ prompt: Array.from({ length: 1_025 }, () => 'a') }).error.message).toContain(
      'prompt list length 1025 exceeds the maximum allowed count of 1024.',
    );
  });
});
