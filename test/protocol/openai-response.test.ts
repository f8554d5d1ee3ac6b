import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chatCompletion,
  chatContentChunk,
  chatFinalChunk,
  chatRoleChunk,
  chatUsageChunk,
  modelList,
  SSE_DONE,
  sseData,
  textChunk,
  textCompletion,
  textUsageChunk,
} from '../../src/protocol/index.ts';

const head = { id: 'chatcmpl-1', created: 1_767_225_600, model: 'qwen' };
const usage = { promptTokens: 3, completionTokens: 2 };
const counts = { prompt_tokens: 3, total_tokens: 5, completion_tokens: 2 };
const envelope = (object: string) => ({ id: 'chatcmpl-1', object, created: 1_767_225_600, model: 'qwen' });

describe('chat', () => {
  test('a whole reply carries the message, the reason and the usage, nulls and all', () => {
    const body = chatCompletion(head, { text: 'Hi.', finishReason: 'stop', usage });
    expect(body).toMatchObject({
      ...envelope('chat.completion'),
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi.', refusal: null }, finish_reason: 'stop' }],
      usage: { ...counts, prompt_tokens_details: null },
    });
    expect(body.choices[0]?.message).not.toHaveProperty('tool_calls');
  });

  test('a stream opens with the role, goes on with text and ends with text and reason in one chunk', () => {
    expect(chatRoleChunk(head)).toEqual({
      ...envelope('chat.completion.chunk'),
      choices: [{ index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }],
    });
    expect(chatContentChunk(head, 'Hi')).toEqual({
      ...envelope('chat.completion.chunk'),
      choices: [{ index: 0, delta: { content: 'Hi' }, logprobs: null, finish_reason: null, token_ids: null }],
    });
    expect(chatFinalChunk(head, '.', 'length')).toEqual({
      ...envelope('chat.completion.chunk'),
      choices: [
        {
          index: 0,
          delta: { content: '.' },
          logprobs: null,
          finish_reason: 'length',
          stop_reason: null,
          token_ids: null,
        },
      ],
    });
  });

  test('the usage chunk has no choices, and chunks have usage only where it was asked for', () => {
    expect(chatUsageChunk(head, usage)).toEqual({ ...envelope('chat.completion.chunk'), choices: [], usage: counts });
    expect(chatContentChunk(head, 'Hi')).not.toHaveProperty('usage');
    expect(chatContentChunk(head, 'Hi', usage)).toHaveProperty('usage', counts);
    expect(chatRoleChunk(head, { promptTokens: 3, completionTokens: 0 }).choices).toHaveLength(1);
  });
});

describe('text completion', () => {
  test('a whole reply carries the text, the reason and the usage', () => {
    expect(textCompletion(head, { text: 'Hi.', finishReason: 'length', usage })).toMatchObject({
      ...envelope('text_completion'),
      choices: [{ index: 0, text: 'Hi.', logprobs: null, finish_reason: 'length', stop_reason: null }],
      usage: counts,
    });
  });

  test('chunks carry their nulls; the usage chunk does not', () => {
    const choice = { index: 0, text: 'Hi', logprobs: null, finish_reason: null, stop_reason: null };
    expect(textChunk(head, 'Hi', null)).toEqual({
      ...envelope('text_completion'),
      choices: [{ ...choice, prompt_token_ids: null, token_ids: null }],
      usage: null,
    });
    expect(textChunk(head, '.', 'stop', usage)).toMatchObject({ choices: [{ finish_reason: 'stop' }], usage: counts });
    expect(textUsageChunk(head, usage)).toEqual({ ...envelope('text_completion'), choices: [], usage: counts });
  });
});

test("models are listed as vLLM's cards", () => {
  const { object, data } = modelList([{ id: 'qwen', created: 7, maxModelLen: 32_768 }]);
  expect(object).toBe('list');
  expect(data).toMatchObject([
    { id: 'qwen', object: 'model', created: 7, owned_by: 'vllm', root: 'qwen', parent: null, max_model_len: 32_768 },
  ]);
  expect(data[0]?.permission[0]).toMatchObject({ object: 'model_permission', allow_view: true, group: null });
});

describe('server-sent events', () => {
  test('an event is one data line and an empty line', () => {
    expect(sseData({ text: 'a\nb' })).toBe('data: {"text":"a\\nb"}\n\n');
    expect(SSE_DONE).toBe('data: [DONE]\n\n');
  });

  test('whatever the value, a reader that splits at empty lines gets it back', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (values) => {
        const messages = values.map(sseData).join('').split('\n\n').slice(0, -1);
        const read = messages.map((message) => JSON.parse(message.slice('data: '.length)));
        expect(read).toEqual(JSON.parse(JSON.stringify(values)));
      }),
    );
  });
});
