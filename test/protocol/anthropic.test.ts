import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ANSWER_DIALECTS,
  type AnswerContext,
  type AnswerForm,
  anthropicError,
  conversationTokens,
  openaiError,
  readCountTokensRequest,
  readMessagesRequest,
  readResponsesRequest,
  tokenCount,
} from '../../src/protocol/index.ts';
import { contextOf, draws, eventsOf, PLAIN, refusal } from './answers.ts';

const { body: messageBody, writer: messageWriter } = ANSWER_DIALECTS.messages;

const messages = [{ role: 'user', content: 'Hello' }];
const tool = { name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } };
const base = { model: 'qwen', max_tokens: 20, messages };

describe('a request for a message', () => {
  test('is read whole; thinking and unknown fields are let pass', () => {
    const body = {
      ...base,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      stop_sequences: ['END'],
      stream: true,
      temperature: 0.2,
      thinking: { type: 'enabled', budget_tokens: 1_024 },
      tools: [tool],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
    };
    expect(readMessagesRequest(body)).toMatchObject({
      model: 'qwen',
      maxTokens: 20,
      stream: true,
      stop: ['END'],
      temperature: 0.2,
      messages: [
        { role: 'system', text: 'Be brief.' },
        { role: 'user', text: 'Hello' },
      ],
      toolUse: { choice: 'required', parallel: false, tools: [{ name: 'weather', parameters: tool.input_schema }] },
    });
  });

  test('has blocks of every kind in its turns; a result of a tool speaks for the tool', () => {
    const turns = [
      { role: 'user', content: [{ type: 'text', text: 'Weather?' }] },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Hm.', signature: 's' },
          { type: 'tool_use', id: 't', name: 'weather', input: { city: 'Oslo' } },
        ],
      },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'Rain.' }] }],
      },
    ];
    expect(readMessagesRequest({ ...base, messages: turns }).messages).toEqual([
      { role: 'user', text: 'Weather?' },
      { role: 'assistant', text: 'weather({"city":"Oslo"})' },
      { role: 'tool', text: 'Rain.' },
    ]);
  });

  test.each([
    [{ type: 'auto' }, 'auto'],
    [{ type: 'any' }, 'required'],
    [{ type: 'tool', name: 'weather' }, { named: 'weather' }],
    [{ type: 'none' }, undefined],
    [undefined, 'auto'],
  ])('chooses tools by %j', (tool_choice, choice) => {
    expect(readMessagesRequest({ ...base, tools: [tool], tool_choice }).toolUse?.choice).toEqual(choice);
  });

  const field = (issue: string) => ({ type: 'Bad Request', message: `1 validation error:\n  {${issue}}` });
  const value = (message: string) => ({ type: 'BadRequestError', message });
  test.each([
    [{ max_tokens: undefined }, field("'type': 'missing', 'loc': ('body', 'max_tokens'), 'msg': 'Field required'")],
    [
      { max_tokens: 0 },
      field("'type': 'value_error', 'loc': ('body', 'max_tokens'), 'msg': 'Value error, max_tokens must be positive'"),
    ],
    [{ model: undefined }, field("'type': 'missing', 'loc': ('body', 'model'), 'msg': 'Field required'")],
    [{ model: '' }, field("'type': 'value_error', 'loc': ('body', 'model'), 'msg': 'Value error, Model is required'")],
    [{ messages: undefined }, field("'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'")],
    [
      { messages: [{ role: 'robot', content: 'x' }] },
      field(
        "'type': 'literal_error', 'loc': ('body', 'messages', 0, 'role'), 'msg': 'Input should be 'user', 'assistant' or 'system''",
      ),
    ],
    [
      { messages: [{ role: 'user' }] },
      field("'type': 'missing', 'loc': ('body', 'messages', 0, 'content'), 'msg': 'Field required'"),
    ],
    [
      { tools: [{ name: 'x' }] },
      field("'type': 'missing', 'loc': ('body', 'tools', 0, 'input_schema'), 'msg': 'Field required'"),
    ],
    [
      { tools: [tool], tool_choice: { type: 'tool' } },
      field(
        "'type': 'value_error', 'loc': ('body', 'tool_choice', 'name'), 'msg': 'Value error, tool_choice.name is required when type is 'tool''",
      ),
    ],
    [
      { tools: [tool], tool_choice: { type: 'tool', name: 'other' } },
      value('The tool specified in `tool_choice` does not match any of the specified `tools` (parameter=tool_choice)'),
    ],
    [{ messages: [] }, value('`messages` must not be an empty array. (parameter=messages)')],
    [
      { messages: [{ role: 'user', content: [{ type: 'image', source: {} }] }] },
      value('A content part of type "image" is not supported by this endpoint. (parameter=messages)'),
    ],
    [{ stop_sequences: [''] }, value('stop cannot contain an empty string.')],
  ])('%j is refused in these very words', (more, error) => {
    expect(anthropicError(refusal(() => readMessagesRequest({ ...base, ...more })))).toEqual({ type: 'error', error });
  });

  test('counts what the same request would have counted', () => {
    const { max_tokens: _, ...counted } = { ...base, system: 'Be brief.', tools: [tool] };
    expect(conversationTokens(readCountTokensRequest(counted))).toBe(
      conversationTokens(readMessagesRequest({ ...counted, max_tokens: 1 })),
    );
    expect(tokenCount(9)).toEqual({ input_tokens: 9 });
  });
});

interface Event {
  readonly type: string;
  readonly index?: number;
  readonly message?: { readonly content: unknown[] };
  readonly content_block?: { readonly type: string; readonly id?: string; readonly name?: string };
  readonly delta?: { readonly text?: string; readonly partial_json?: string; readonly stop_reason?: string };
  readonly usage?: object;
}

function streamOf(context: AnswerContext): string {
  const writer = messageWriter(context);
  const tokens = context.answers[0]!.pieces.map((_, k) => writer.token(0, k));
  return writer.open() + tokens.join('') + writer.close();
}

const CALLING: AnswerForm = {
  ...PLAIN,
  toolUse: {
    tools: [
      { name: 'weather', description: undefined, parameters: tool.input_schema },
      { name: 'now', description: undefined, parameters: { type: 'object' } },
    ],
    choice: 'required',
    parallel: true,
  },
};

describe('a message stream', () => {
  test('assembled is the body that is not streamed', () => {
    fc.assert(
      fc.property(fc.constantFrom(PLAIN, CALLING), fc.integer({ min: 1, max: 80 }), draws, (form, tokens, numbers) => {
        const context = contextOf(form, tokens, numbers);
        const body = messageBody(context);
        const events = eventsOf<Event>(streamOf(context));
        const blocks = events
          .filter(({ type }) => type === 'content_block_start')
          .map((start) => {
            const deltas = events.filter(({ type, index }) => type === 'content_block_delta' && index === start.index);
            if (start.content_block!.type === 'text') {
              return { type: 'text', text: deltas.map(({ delta }) => delta!.text).join('') };
            }
            const json = deltas.map(({ delta }) => delta!.partial_json).join('');
            const cut = context.answers[0]!.finishReason === 'length';
            return { ...start.content_block, input: cut ? expect.anything() : JSON.parse(json) };
          });
        expect(body.content).toEqual(blocks);
        expect(events.filter(({ type }) => type === 'content_block_stop')).toHaveLength(blocks.length);
        expect(events.at(-2)).toEqual({
          type: 'message_delta',
          delta: { stop_reason: body.stop_reason, stop_sequence: body.stop_sequence },
          usage: body.usage,
        });
        expect(body.usage).toEqual({ input_tokens: 11, output_tokens: tokens });
      }),
    );
  });

  test('tells its events in order, each under its name', () => {
    const stream = streamOf(contextOf(PLAIN, 2, [0]));
    expect(eventsOf<Event>(stream).map(({ type }) => type)).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(stream.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\ndata: [DONE]\n\n')).toBe(true);
    expect(eventsOf<Event>(stream)[0]?.message).toEqual({
      id: 'x-1',
      type: 'message',
      role: 'assistant',
      content: [],
      model: 'qwen',
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 11, output_tokens: 0 },
    });
  });

  test.each([
    [PLAIN, 'stop', 'end_turn'],
    [PLAIN, 'length', 'max_tokens'],
    [{ ...PLAIN, stop: ['END'] }, 'stop', 'stop_sequence'],
    [CALLING, 'stop', 'tool_use'],
  ] as const)('%# ends for %s as %s', (form, finishReason, reason) => {
    expect(messageBody(contextOf(form, 60, [0.4], { finishReason })).stop_reason).toBe(reason);
  });

  test('that fails midway says so', () => {
    const failed = messageWriter(contextOf(PLAIN, 2, [0])).fail({ message: 'm', type: 'x', param: null, code: 500 });
    expect(failed).toBe(
      'event: error\ndata: {"type":"error","error":{"type":"internal_error","message":"m"}}\n\ndata: [DONE]\n\n',
    );
  });
});

describe('a request for a response', () => {
  const read = (more: object) => readResponsesRequest({ input: 'Hello', ...more });

  test('is read whole, and repeated', () => {
    const request = read({
      instructions: 'Be brief.',
      max_output_tokens: 9,
      tools: [{ type: 'function', name: 'weather', parameters: tool.input_schema }],
      tool_choice: { type: 'function', name: 'weather' },
      text: { format: { type: 'json_schema', name: 'x', schema: { type: 'object' } } },
      metadata: { mine: '1' },
    });
    expect(request).toMatchObject({
      maxTokens: 9,
      messages: [
        { role: 'system', text: 'Be brief.' },
        { role: 'user', text: 'Hello' },
      ],
      toolUse: { choice: { named: 'weather' } },
      structure: { kind: 'json', schema: { type: 'object' } },
      repeated: { instructions: 'Be brief.', max_output_tokens: 9, metadata: { mine: '1' }, temperature: 1 },
    });
  });

  test('takes items of a conversation', () => {
    const input = [
      { role: 'user', content: [{ type: 'input_text', text: 'Weather?' }] },
      { type: 'reasoning', summary: [] },
      { type: 'function_call', call_id: 'c', name: 'weather', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: 'Rain.' },
    ];
    expect(read({ input }).messages).toEqual([
      { role: 'user', text: 'Weather?' },
      { role: 'assistant', text: 'weather({})' },
      { role: 'tool', text: 'Rain.' },
    ]);
  });

  const badRequest = (message: string, param: string | null) => ({
    error: { message, type: 'BadRequestError', param, code: 400 },
  });
  test.each([
    [
      { previous_response_id: 'resp_1' },
      {
        error: {
          message: "Response with id 'resp_1' not found.",
          type: 'invalid_request_error',
          param: 'response_id',
          code: 404,
        },
      },
    ],
    [{ input: '' }, badRequest('`input` must not be empty. (parameter=input)', 'input')],
    [
      { background: true },
      badRequest('`background` is not supported by this endpoint. (parameter=background)', 'background'),
    ],
    [
      { tools: [{ type: 'web_search' }] },
      badRequest('A tool of type "web_search" is not supported by this endpoint.', 'tools'),
    ],
    [
      { tool_choice: 'required' },
      badRequest('When using `tool_choice`, `tools` must be set. (parameter=tool_choice)', 'tool_choice'),
    ],
    [
      { input: undefined },
      {
        error: {
          message: "1 validation error:\n  {'type': 'missing', 'loc': ('body', 'input'), 'msg': 'Field required'}",
          type: 'Bad Request',
          param: null,
          code: 400,
        },
      },
    ],
  ])('%j is refused in these very words', (more, body) => {
    expect(openaiError(refusal(() => read(more)))).toEqual(body);
  });
});
