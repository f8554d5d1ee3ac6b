import { describe, expect, test } from 'vitest';
import {
  continuedText,
  conversationText,
  conversationTokens,
  countChatTokens,
  openaiError,
  readChatRequest,
} from '../../src/protocol/index.ts';
import { badField, badRequest, refusal } from './answers.ts';

const messages = [{ role: 'user', content: 'Hello' }];
const tool = { type: 'function', function: { name: 'look_up', parameters: { type: 'object', properties: {} } } };
const tools = [tool];

const chatError = (more: object) => openaiError(refusal(() => readChatRequest({ messages, ...more })));
describe('a chat request', () => {
  test("has vLLM's defaults", () => {
    expect(readChatRequest({ messages })).toEqual({
      model: undefined,
      stream: false,
      includeUsage: false,
      continuousUsage: false,
      maxTokens: undefined,
      minTokens: 0,
      ignoreEos: false,
      n: 1,
      priority: 0,
      seed: undefined,
      cacheSalt: undefined,
      temperature: undefined,
      stop: [],
      includeStop: false,
      logprobs: undefined,
      promptLogprobs: undefined,
      echo: false,
      structure: undefined,
      kvTransferParams: undefined,
      messages: [{ role: 'user', text: 'Hello' }],
      toolUse: undefined,
    });
  });

  test('is read whole, and unknown fields are let pass', () => {
    const body = {
      messages,
      n: 3,
      stop: ['\n', 'END'],
      include_stop_str_in_output: true,
      logprobs: true,
      top_logprobs: 5,
      prompt_logprobs: 2,
      echo: true,
      kv_transfer_params: { do_remote_decode: true },
      cache_salt: 'mine',
      temperature: 0.5,
      tools,
      tool_choice: { type: 'function', function: { name: 'look_up' } },
      parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } },
      nonsense: { deep: [1] },
    };
    expect(readChatRequest(body)).toMatchObject({
      n: 3,
      stop: ['\n', 'END'],
      includeStop: true,
      logprobs: 5,
      promptLogprobs: 2,
      echo: true,
      kvTransferParams: { do_remote_decode: true },
      cacheSalt: 'mine',
      temperature: 0.5,
      structure: { kind: 'json', schema: { type: 'object' } },
      toolUse: { choice: { named: 'look_up' }, parallel: false, tools: [{ name: 'look_up' }] },
    });
  });

  test('tells log probabilities of the sampled token alone, of others too, or not at all', () => {
    expect(readChatRequest({ messages, logprobs: true }).logprobs).toBe(0);
    expect(readChatRequest({ messages, logprobs: true, top_logprobs: 20 }).logprobs).toBe(20);
    expect(readChatRequest({ messages, logprobs: false }).logprobs).toBeUndefined();
  });

  test.each([
    [{ tools }, 'auto'],
    [{ tools, tool_choice: null }, 'auto'],
    [{ tools, tool_choice: 'required' }, 'required'],
    [{ tools, tool_choice: 'none' }, undefined],
    [{ tool_choice: 'none' }, undefined],
  ])('%j lets tools be called by %s', (more, choice) => {
    expect(readChatRequest({ messages, ...more }).toolUse?.choice).toBe(choice);
  });

  const schema = { type: 'object' };
  test.each([
    [{ response_format: { type: 'text' } }, undefined],
    [{ response_format: { type: 'json_object' } }, { kind: 'json', schema: { type: 'object' } }],
    [{ response_format: { type: 'json_schema', json_schema: { name: 'a' } } }, { kind: 'json', schema }],
    [{ structured_outputs: { json: schema } }, { kind: 'json', schema }],
    [{ structured_outputs: { json: '{"type":"object"}' } }, { kind: 'json', schema }],
    [{ structured_outputs: { json_object: true } }, { kind: 'json', schema }],
    [{ structured_outputs: { choice: ['a', 'b'] } }, { kind: 'choice', choices: ['a', 'b'] }],
    [{ guided_json: schema }, { kind: 'json', schema }],
    [{ guided_choice: ['a'] }, { kind: 'choice', choices: ['a'] }],
    [
      { response_format: { type: 'json_object' }, structured_outputs: { choice: ['a'] } },
      { kind: 'json', schema },
    ],
  ])('%j asks for the form %j', (more, structure) => {
    expect(readChatRequest({ messages, ...more }).structure).toEqual(structure);
  });

  test('goes on with what the assistant said last, if it spoke last', () => {
    const begun = [...messages, { role: 'assistant', content: 'Well' }];
    expect(continuedText(readChatRequest({ messages: begun }))).toBe('Well');
    expect(continuedText(readChatRequest({ messages }))).toBe('');
  });

  test('counts its tools and calls as part of the prompt', () => {
    const plain = readChatRequest({ messages });
    expect(conversationTokens(plain)).toBe(countChatTokens(plain.messages));
    expect(conversationTokens(readChatRequest({ messages, tools }))).toBeGreaterThan(conversationTokens(plain));
    const call = {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: '1', type: 'function', function: { name: 'look_up', arguments: '{"q":1}' } }],
    };
    expect(conversationText(readChatRequest({ messages: [...messages, call] }))).toBe(
      'user Hello assistant look_up({"q":1})',
    );
  });
});

describe('a chat request that breaks a rule', () => {
  const usage = 'Correct usage: `{"type": "function", "function": {"name": "my_function"}}`';
  test.each([
    [{ messages: [] }, badRequest('`messages` must not be an empty array. (parameter=messages)', 'messages')],
    [
      { stream_options: { include_usage: true } },
      badRequest('Stream options can only be defined when `stream=True`. (parameter=stream_options)', 'stream_options'),
    ],
    [{ n: 0 }, badRequest('n must be at least 1, got 0. (parameter=n, value=0)', 'n')],
    [{ n: 2, temperature: 0 }, badRequest('n must be 1 when using greedy sampling, got 2.')],
    [{ n: 2, best_of: 1 }, badRequest('best_of must be greater than or equal to n, got n=2 and best_of=1.')],
    [
      { temperature: 2.5 },
      badRequest('temperature must be in [0, 2], got 2.5. (parameter=temperature, value=2.5)', 'temperature'),
    ],
    [{ top_p: 0 }, badRequest('top_p must be in (0, 1], got 0. (parameter=top_p, value=0)', 'top_p')],
    [
      { max_tokens: 0 },
      badRequest('max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)', 'max_tokens'),
    ],
    [
      { max_completion_tokens: 4, min_tokens: 5 },
      badRequest(
        'min_tokens must be less than or equal to max_tokens=4, got 5. (parameter=min_tokens, value=5)',
        'min_tokens',
      ),
    ],
    [{ stop: ['a', ''] }, badRequest('stop cannot contain an empty string.')],
    [{ stop: '' }, badRequest('stop cannot contain an empty string.')],
    [
      { cache_salt: '' },
      badRequest("Parameter 'cache_salt' must be a non-empty string if provided. (parameter=cache_salt)", 'cache_salt'),
    ],
    [
      { cache_salt: 'a/b' },
      badRequest(
        "Parameter 'cache_salt' must be at most 128 characters and must not contain '@', '/', '\\\\', or NUL. (parameter=cache_salt)",
        'cache_salt',
      ),
    ],
    [
      { top_logprobs: 2 },
      badRequest('when using `top_logprobs`, `logprobs` must be set to true. (parameter=top_logprobs)', 'top_logprobs'),
    ],
    [
      { logprobs: true, top_logprobs: -2 },
      badRequest('`top_logprobs` must be a positive value or -1. (parameter=top_logprobs, value=-2)', 'top_logprobs'),
    ],
    [
      { logprobs: true, top_logprobs: -1 },
      badRequest(
        'Requested sample logprobs of 151936, which is greater than max allowed: 20 (parameter=logprobs, value=-1)',
        'logprobs',
      ),
    ],
    [
      { logprobs: true, top_logprobs: 21 },
      badRequest(
        'Requested sample logprobs of 21, which is greater than max allowed: 20 (parameter=logprobs, value=21)',
        'logprobs',
      ),
    ],
    [
      { prompt_logprobs: 1, stream: true },
      badRequest(
        '`prompt_logprobs` are not available when `stream=True`. (parameter=prompt_logprobs)',
        'prompt_logprobs',
      ),
    ],
    [
      { prompt_logprobs: -3 },
      badRequest(
        '`prompt_logprobs` must be a positive value or -1. (parameter=prompt_logprobs, value=-3)',
        'prompt_logprobs',
      ),
    ],
    [
      { response_format: { type: 'json_schema' } },
      badRequest(
        "When response_format type is 'json_schema', the 'json_schema' field must be provided. (parameter=response_format)",
        'response_format',
      ),
    ],
    [
      { structured_outputs: { json: {}, choice: ['a'] } },
      badRequest(
        "You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice'). (parameter=structured_outputs)",
        'structured_outputs',
      ),
    ],
    [
      { structured_outputs: { regex: 'a+' } },
      badRequest('`regex` is not supported by this endpoint. (parameter=regex)', 'regex'),
    ],
    [
      { guided_grammar: 'x' },
      badRequest('`guided_grammar` is not supported by this endpoint. (parameter=guided_grammar)', 'guided_grammar'),
    ],
    [
      { tools: [] },
      badRequest(
        '`tools` must not be an empty array. Either provide at least one tool or omit the field entirely. (parameter=tools)',
        'tools',
      ),
    ],
    [
      { tool_choice: 'auto' },
      badRequest('When using `tool_choice`, `tools` must be set. (parameter=tool_choice)', 'tool_choice'),
    ],
    [
      { tools, tool_choice: 'always' },
      badRequest(
        'Invalid value for `tool_choice`: always! Only named tools, "none", "auto" or "required" are supported. (parameter=tool_choice)',
        'tool_choice',
      ),
    ],
    [
      { tools, tool_choice: { type: 'function' } },
      badRequest(
        `Invalid value for \`function\`: \`None\` in \`tool_choice\`! ${usage} (parameter=tool_choice.function)`,
        'tool_choice.function',
      ),
    ],
    [
      { tools, tool_choice: { function: {} } },
      badRequest(
        `Expected field \`name\` in \`function\` in \`tool_choice\`! ${usage} (parameter=tool_choice.function.name)`,
        'tool_choice.function.name',
      ),
    ],
    [
      { tools, tool_choice: { function: { name: 'other' } } },
      badRequest(
        'The tool specified in `tool_choice` does not match any of the specified `tools` (parameter=tool_choice)',
        'tool_choice',
      ),
    ],
    [
      { continue_final_message: true, add_generation_prompt: true },
      badRequest('Cannot set both `continue_final_message` and `add_generation_prompt` to True.'),
    ],
    [
      { use_beam_search: true },
      badRequest('`use_beam_search` is not supported by this endpoint. (parameter=use_beam_search)', 'use_beam_search'),
    ],
    [
      { messages: [{ content: 'x' }], logprobs: 'many' },
      badField(
        "'type': 'missing', 'loc': ('body', 'messages', 0, 'role'), 'msg': 'Field required'",
        "'type': 'bool_type', 'loc': ('body', 'logprobs'), 'msg': 'Input should be a valid boolean'",
      ),
    ],
    [
      { stop: [1], tools: [{ type: 'function' }] },
      badField(
        "'type': 'missing', 'loc': ('body', 'tools', 0, 'function'), 'msg': 'Field required'",
        "'type': 'string_type', 'loc': ('body', 'stop', 0), 'msg': 'Input should be a valid string'",
      ),
    ],
    [
      { tools: [{ type: 'web', function: {} }] },
      badField(
        "'type': 'literal_error', 'loc': ('body', 'tools', 0, 'type'), 'msg': 'Input should be 'function''",
        "'type': 'missing', 'loc': ('body', 'tools', 0, 'function', 'name'), 'msg': 'Field required'",
      ),
    ],
    [
      { response_format: { type: 'xml' } },
      badField(
        "'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': 'Input should be 'text', 'json_object' or 'json_schema''",
      ),
    ],
    [
      { response_format: { type: 'json_schema', json_schema: {} } },
      badField("'type': 'missing', 'loc': ('body', 'response_format', 'json_schema', 'name'), 'msg': 'Field required'"),
    ],
    [
      { kv_transfer_params: 'x' },
      badField(
        "'type': 'model_attributes_type', 'loc': ('body', 'kv_transfer_params'), 'msg': 'Input should be a valid dictionary or object to extract fields from'",
      ),
    ],
  ])('%j is refused in these very words', (more, body) => {
    expect(chatError(more)).toEqual(body);
  });

  test('and a schema that nests without end is refused, not run into', () => {
    let deep: object = {};
    for (let level = 0; level < 100_000; level++) deep = { properties: deep };
    const format = { type: 'json_schema', json_schema: { name: 'x', schema: deep } };
    const asked = [{ response_format: format }, { tools: [{ function: { name: 'f', parameters: deep } }] }];
    for (const more of asked) expect(chatError(more).error.message).toContain('should not nest deeper than 128 levels');
    expect(chatError({ structured_outputs: { json: deep } }).error.message).toContain('nests too deep');
  });
});
