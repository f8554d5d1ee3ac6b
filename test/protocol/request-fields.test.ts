import { describe, expect, test } from 'vitest';
import { readChatRequest, readCompletionRequest } from '../../src/protocol/index.ts';
import { refusal } from './answers.ts';

const messages = [{ role: 'user', content: 'Hello' }];

const chatRefusal = (body: unknown) => refusal(() => readChatRequest(body));
const completionRefusal = (body: unknown) => refusal(() => readCompletionRequest(body));

describe('a chat request', () => {
  test("has vLLM's defaults", () => {
    expect(readChatRequest({ messages })).toMatchObject({
      model: undefined,
      messages: [{ role: 'user', text: 'Hello' }],
      stream: false,
      includeUsage: false,
      continuousUsage: false,
      maxTokens: undefined,
      minTokens: 0,
      ignoreEos: false,
      n: 1,
      priority: 0,
      seed: undefined,
      stop: [],
      includeStop: false,
      echo: false,
    });
  });

  test('is read whole', () => {
    const stream_options = { include_usage: true, continuous_usage_stats: true };
    const sampling = { max_tokens: 5, min_tokens: 2, ignore_eos: true, n: 1, priority: -1, seed: 7, temperature: 0 };
    const body = { model: 'qwen', messages, stream: true, stream_options, ...sampling, unknown_field: [] };
    expect(readChatRequest(body)).toMatchObject({
      model: 'qwen',
      stream: true,
      includeUsage: true,
      continuousUsage: true,
      maxTokens: 5,
      minTokens: 2,
      ignoreEos: true,
      priority: -1,
      seed: 7,
    });
  });

  test('prefers max_completion_tokens', () => {
    expect(readChatRequest({ messages, max_tokens: 5, max_completion_tokens: 9 }).maxTokens).toBe(9);
  });

  test('takes null for absent, and the spellings pydantic takes', () => {
    const body = { messages, max_tokens: '12', stream: 'true', n: null, seed: null, stop: null, response_format: null };
    expect(readChatRequest(body)).toMatchObject({ maxTokens: 12, stream: true, seed: undefined });
  });

  test('reads text from strings, parts and their absence', () => {
    const content = [{ type: 'text', text: 'one' }, { type: 'text', text: 'two' }, 'three'];
    const call = { role: 'assistant', content: null, tool_calls: [] };
    const request = readChatRequest({
      messages: [{ role: 'system', content: 'be brief' }, { role: 'user', content }, call],
    });
    expect(request.messages).toEqual([
      { role: 'system', text: 'be brief' },
      { role: 'user', text: 'one\ntwo\nthree' },
      { role: 'assistant', text: '' },
    ]);
  });

  test('asks for the usage by naming stream options; statistics come only with it', () => {
    const ask = (stream_options: object) => readChatRequest({ messages, stream: true, stream_options });
    expect(ask({})).toMatchObject({ includeUsage: true, continuousUsage: false });
    expect(ask({ include_usage: false, continuous_usage_stats: true })).toMatchObject({
      includeUsage: false,
      continuousUsage: false,
    });
  });

  test('may offer tools and leave the choice', () => {
    const tools = [{ type: 'function', function: { name: 'look_up' } }];
    expect(() => readChatRequest({ messages, tools })).not.toThrow();
    expect(() => readChatRequest({ messages, tools, tool_choice: 'auto' })).not.toThrow();
    expect(() => readChatRequest({ messages, tool_choice: 'none', response_format: { type: 'text' } })).not.toThrow();
  });
});

describe('missing and mistyped fields', () => {
  test('are all named in one refusal, as pydantic does', () => {
    const fields = chatRefusal({ messages: [{ content: 'Hello' }], max_tokens: 'many', stream: 'perhaps', n: 1.5 });
    expect(fields).toMatchObject({ type: 'Bad Request', param: null, code: 400 });
    expect(fields.message.split('\n')).toEqual([
      '4 validation errors:',
      "  {'type': 'missing', 'loc': ('body', 'messages', 0, 'role'), 'msg': 'Field required'}",
      expect.stringContaining("'int_parsing', 'loc': ('body', 'max_tokens')"),
      expect.stringContaining("'bool_type', 'loc': ('body', 'stream')"),
      expect.stringContaining("'int_from_float', 'loc': ('body', 'n')"),
    ]);
  });

  test('are shown ten at most', () => {
    const { message } = chatRefusal({ messages: Array.from({ length: 25 }, () => ({})) });
    expect(message).toMatch(/^25 validation errors:/);
    expect(message.split('\n')).toHaveLength(11);
  });

  test.each([
    [undefined, "('body',)"],
    [[], "('body',)"],
    ['text', "('body',)"],
    [{}, "('body', 'messages')"],
    [{ messages: null }, "('body', 'messages')"],
    [{ messages: 'Hello' }, 'valid list'],
    [{ messages: ['Hello'] }, "('body', 'messages', 0)"],
    [{ messages: [{ role: 'user', content: 7 }] }, "'content'"],
    [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, "'content'"],
    [{ messages: [{ role: 'user', content: [null] }] }, "'content'"],
    [{ messages, model: 7 }, "'model'"],
    [{ messages, max_tokens: true }, 'int_type'],
    [{ messages, temperature: 'hot' }, 'valid number'],
    [{ messages, stream: true, stream_options: true }, "'stream_options'"],
    [{ messages, stream: true, stream_options: { include_usage: 'x' } }, "'include_usage'"],
  ])('%j is refused', (body, part) => {
    const fields = chatRefusal(body);
    expect(fields.type).toBe('Bad Request');
    expect(fields.message).toContain(part);
  });
});

describe('values out of rule', () => {
  const tools = [{ type: 'function', function: { name: 'look_up' } }];
  const image = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }];

  test.each([
    [{ messages: [] }, 'messages', 'must not be an empty array'],
    [{ messages: image }, 'messages', 'type "image_url" is not supported by this endpoint'],
    [{ stream_options: { include_usage: true } }, 'stream_options', 'only be defined when `stream=True`'],
    [{ max_tokens: 0 }, 'max_tokens', 'must be at least 1, got 0. (parameter=max_tokens, value=0)'],
    [{ max_completion_tokens: -3 }, 'max_tokens', 'must be at least 1, got -3'],
    [{ min_tokens: -1 }, 'min_tokens', 'greater than or equal to 0'],
    [{ min_tokens: 6, max_tokens: 5 }, 'min_tokens', 'less than or equal to max_tokens=5, got 6'],
    [{ n: 0 }, 'n', 'must be at least 1, got 0'],
    [{ n: 129 }, 'n', 'n must be at most 128, got 129.'],
    [{ temperature: -1 }, 'temperature', 'must be non-negative'],
    [{ top_p: 0 }, 'top_p', 'must be in (0, 1]'],
    [{ top_k: -2 }, 'top_k', 'must be 0 (disable), or at least 1'],
    [{ min_p: 2 }, 'min_p', 'must be in [0, 1]'],
    [{ presence_penalty: 3 }, 'presence_penalty', 'must be in [-2, 2]'],
    [{ frequency_penalty: -3 }, 'frequency_penalty', 'must be in [-2, 2]'],
    [{ repetition_penalty: 0 }, 'repetition_penalty', 'must be greater than zero'],
    [{ tools: [] }, 'tools', 'must not be an empty array'],
    [{ tool_choice: 'auto' }, 'tool_choice', '`tools` must be set'],
    [{ tools, tool_choice: 'always' }, 'tool_choice', 'Invalid value for `tool_choice`: always!'],
    [{ top_logprobs: 2 }, 'top_logprobs', '`logprobs` must be set to true'],
    [{ use_beam_search: true }, 'use_beam_search', 'is not supported by this endpoint'],
  ])('%j is refused', (body, param, part) => {
    const fields = chatRefusal({ messages, ...body });
    expect(fields).toMatchObject({ type: 'BadRequestError', param, code: 400 });
    expect(fields.message).toContain(part);
  });
});

describe('a completion request', () => {
  test.each([
    ['Hello', 'Hello'],
    [['Hello'], 'Hello'],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
    [[[1, 2, 3]], [1, 2, 3]],
  ])('takes the prompt %j', (prompt, read) => {
    expect(readCompletionRequest({ prompt })).toMatchObject({ prompts: [read], maxTokens: 16 });
  });

  test('keeps the default when max_tokens is null', () => {
    expect(readCompletionRequest({ prompt: 'Hello', max_tokens: null }).maxTokens).toBe(16);
  });

  test.each([
    [{}, 'must be provided and non-empty'],
    [{ prompt: '' }, 'must be provided and non-empty'],
    [{ prompt: [] }, 'must be provided and non-empty'],
    [{ prompt: [''] }, 'must be provided and non-empty'],
    [{ prompt: [[]] }, 'must be provided and non-empty'],
    [{ prompt: 'a', suffix: 'b' }, 'suffix is not currently supported'],
  ])('%j is refused', (body, part) => {
    const fields = completionRefusal(body);
    expect(fields).toMatchObject({ type: 'BadRequestError', code: 400 });
    expect(fields.message).toContain(part);
  });

  test.each([[7], [['a', 1]], [[1.5]], [[-1]], [{}]])('the prompt %j is mistyped', (prompt) => {
    expect(completionRefusal({ prompt })).toMatchObject({ type: 'Bad Request', code: 400 });
  });
});
