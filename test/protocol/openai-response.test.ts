import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chatUsageChunk, modelList, SSE_DONE, sseData, textUsageChunk } from '../../src/protocol/index.ts';

const head = { id: 'chatcmpl-1', created: 1_767_225_600, model: 'qwen' };
const usage = { promptTokens: 3, completionTokens: 2 };

test.each([
  ['chat.completion.chunk', chatUsageChunk],
  ['text_completion', textUsageChunk],
])('the usage chunk of a %s has no choices, and details where they are known', (object, chunk) => {
  const counts = { prompt_tokens: 3, total_tokens: 5, completion_tokens: 2 };
  expect(chunk(head, usage)).toEqual({ ...head, object, choices: [], usage: counts });
  const known = { ...counts, prompt_tokens_details: { cached_tokens: 1 } };
  expect(chunk(head, { ...usage, cachedTokens: 1 })).toEqual({ ...head, object, choices: [], usage: known });
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
