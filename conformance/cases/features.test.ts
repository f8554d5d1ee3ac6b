import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { ChatOpenAI } from '@langchain/openai';
import { streamText, tool } from 'ai';
import OpenAI from 'openai-v6';
import { zodResponseFormat } from 'openai-v6/helpers/zod';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { unlessUnserved } from '../support/needs.ts';
import { HELLO } from '../support/scenario.ts';
import { Simulator } from '../support/simulator.ts';

const messages = [{ role: 'user' as const, content: HELLO }];
const City = z.object({ city: z.string(), days: z.number() });

/** What a server may not serve yet: each comes alive when it does. */
describe('beyond chat and completions', () => {
  let simulator: Simulator;
  let client: OpenAI;
  let model: string;
  beforeAll(async () => {
    simulator = await Simulator.start({ replyTokens: 60 });
    client = new OpenAI({ ...simulator.gateway, logLevel: 'off', maxRetries: 0 });
    model = simulator.gateway.model;
  });
  beforeEach(() => void simulator.journal());
  afterAll(() => simulator?.stop());

  const weather: OpenAI.ChatCompletionTool = {
    type: 'function',
    function: { name: 'weather', description: 'The weather.', parameters: z.toJSONSchema(City) },
  };

  test('the openai client is called back for a tool', async (context) => {
    const body = { model, messages, tools: [weather], tool_choice: 'required' as const };
    const whole = await unlessUnserved(context, 'forced tool calls', () => client.chat.completions.create(body));
    expect(whole.choices[0]).toMatchObject({ finish_reason: 'tool_calls' });
    for (const call of whole.choices[0]!.message.tool_calls!) {
      expect(
        City.safeParse(JSON.parse((call as OpenAI.ChatCompletionMessageFunctionToolCall).function.arguments)).success,
      ).toBe(true);
    }
    const streamed = await client.chat.completions.stream(body).finalChatCompletion();
    expect(streamed.choices[0]).toMatchObject({ finish_reason: 'tool_calls' });
    expect(streamed.choices[0]!.message.tool_calls![0]).toMatchObject({ function: { name: 'weather' } });
    expect(simulator.kinds()).toEqual(['call', 'call']);
  });

  test('the ai package streams the input of a tool, and the call', async ({ skip }) => {
    const provider = createOpenAICompatible({ name: 'inferlab', ...simulator.gateway });
    const types: string[] = [];
    const result = streamText({
      model: provider(model),
      messages,
      maxRetries: 0,
      tools: { weather: tool({ description: 'The weather.', inputSchema: City }) },
      toolChoice: 'required',
      onError: () => {},
    });
    for await (const { type } of result.fullStream) types.push(type);
    if (types.includes('error')) skip('the server does not serve forced tool calls');
    expect(types).toEqual(expect.arrayContaining(['tool-input-start', 'tool-input-delta', 'tool-call']));
    expect(await result.finishReason).toBe('tool-calls');
    expect(simulator.kinds()).toEqual(['call']);
  });

  test('@langchain/openai reads the arguments of a tool', async (context) => {
    const chat = new ChatOpenAI({
      model,
      apiKey: simulator.gateway.apiKey,
      configuration: simulator.gateway,
      maxRetries: 0,
    });
    const bound = chat.bindTools([weather], { tool_choice: 'required' });
    const answer = await unlessUnserved(context, 'forced tool calls', () => bound.invoke(messages));
    expect(answer.tool_calls).toMatchObject([{ name: 'weather', args: { city: expect.any(String) } }]);
    expect(simulator.kinds()).toEqual(['call']);
  });

  test('the openai client parses an answer of a JSON schema', async (context) => {
    const body = { model, messages, response_format: zodResponseFormat(City, 'city') };
    const answer = await unlessUnserved(context, 'JSON schemas', () => client.chat.completions.parse(body));
    expect(City.safeParse(answer.choices[0]!.message.parsed).success).toBe(true);
    expect(simulator.kinds()).toEqual(['call']);
  });

  test('JSON mode answers with JSON', async (context) => {
    const body = { model, messages, response_format: { type: 'json_object' as const } };
    const answer = await unlessUnserved(context, 'JSON mode', () => client.chat.completions.create(body));
    expect(JSON.parse(answer.choices[0]!.message.content!)).toBeTypeOf('object');
    expect(simulator.kinds()).toEqual(['call']);
  });

  test('log probabilities come with the tokens', async (context) => {
    const body = { model, messages, logprobs: true, top_logprobs: 2, max_tokens: 5 };
    const answer = await unlessUnserved(context, 'logprobs', () => client.chat.completions.create(body));
    expect(answer.choices[0]!.logprobs!.content).toHaveLength(5);
    for (const { logprob, top_logprobs } of answer.choices[0]!.logprobs!.content!) {
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top_logprobs).toHaveLength(2);
    }
    expect(simulator.kinds()).toEqual(['call']);
  });

  test('embeddings are the same as numbers and as base64', async (context) => {
    const ask = (encoding_format?: 'float') =>
      client.embeddings.create({ model, input: [HELLO, 'and more'], ...(encoding_format ? { encoding_format } : {}) });
    const numbers = await unlessUnserved(context, 'embeddings', () => ask('float'));
    // Without a word the client asks for base64, and decodes it itself.
    const decoded = await ask();
    expect(numbers.data.map(({ index }) => index)).toEqual([0, 1]);
    for (const [index, { embedding }] of decoded.data.entries()) {
      const expected = numbers.data[index]!.embedding;
      expect(embedding).toHaveLength(expected.length);
      for (const [at, value] of embedding.entries()) expect(value).toBeCloseTo(expected[at]!, 5);
    }
    expect(simulator.kinds()).toEqual(['call', 'call']);
  });

  test('the openai client gets a response, whole and streamed', async (context) => {
    const body = { model, input: HELLO, max_output_tokens: 16 };
    const whole = await unlessUnserved(context, 'responses', () => client.responses.create(body));
    expect(whole.output_text).not.toBe('');
    expect(whole.usage).toMatchObject({ output_tokens: 16 });
    let text = '';
    const types = new Set<string>();
    for await (const event of await client.responses.create({ ...body, stream: true })) {
      types.add(event.type);
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    expect(text).not.toBe('');
    expect([...types].at(0)).toBe('response.created');
    expect([...types].at(-1)).toMatch(/^response\.(completed|incomplete)$/);
    expect(simulator.kinds()).toEqual(['call', 'call']);
  });

  describe('@anthropic-ai/sdk', () => {
    const body = () => ({ model, messages, max_tokens: 16 });
    let anthropic: Anthropic;
    beforeAll(() => {
      const { apiKey } = simulator.gateway;
      anthropic = new Anthropic({
        baseURL: simulator.addresses.services[0]!.url,
        authToken: apiKey,
        apiKey: null,
        maxRetries: 0,
        logLevel: 'off',
      });
    });

    test('gets a message whole', async (context) => {
      const message = await unlessUnserved(context, 'messages', () => anthropic.messages.create(body()));
      expect(message).toMatchObject({
        role: 'assistant',
        stop_reason: 'max_tokens',
        content: [{ type: 'text', text: expect.stringMatching(/./) }],
        usage: { output_tokens: 16 },
      });
      expect(simulator.journal().map(({ command }) => command.call?.maxTokens)).toEqual([16]);
    });

    test('streams a message, event by event', async (context) => {
      const types: string[] = [];
      const stream = anthropic.messages.stream(body()).on('streamEvent', ({ type }) => types.push(type));
      const message = await unlessUnserved(context, 'messages', () => stream.finalMessage());
      expect(message).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 16 } });
      expect(types[0]).toBe('message_start');
      expect(types.filter((type) => type === 'content_block_delta').length).toBeGreaterThan(1);
      expect(types.at(-1)).toBe('message_stop');
      expect(simulator.kinds()).toEqual(['call']);
    });

    test('counts tokens without a call', async (context) => {
      const { model, messages } = body();
      const count = await unlessUnserved(context, 'token counts', () =>
        anthropic.messages.countTokens({ model, messages }),
      );
      expect(count.input_tokens).toBeGreaterThan(0);
      expect(simulator.kinds()).toEqual(['question']);
    });
  });
});
