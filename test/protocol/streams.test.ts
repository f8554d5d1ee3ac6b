import fc from 'fast-check';
import OpenAI from 'openai';
import { Stream } from 'openai/core/streaming';
import { describe, expect, test } from 'vitest';
import {
  ANSWER_DIALECTS,
  type AnswerContext,
  type AnswerForm,
  type AnyAnswerContext,
  type StreamWriter,
} from '../../src/protocol/index.ts';
import { contextOf, draws, eventsOf, PLAIN } from './answers.ts';

const { body: chatBody, writer: chatWriter } = ANSWER_DIALECTS.chat;
const { body: completionBody, writer: completionWriter } = ANSWER_DIALECTS.completion;

const tools = [
  {
    name: 'weather',
    description: undefined,
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
  { name: 'now', description: undefined, parameters: { type: 'object' } },
];
const CALLING: AnswerForm = {
  ...PLAIN,
  toolUse: { tools, choice: 'required', parallel: true },
  messages: [{ role: 'user', text: 'Weather?' }],
};
const forms = fc.constantFrom<AnswerForm>(PLAIN, CALLING, {
  ...PLAIN,
  structure: { kind: 'json', schema: { type: 'object' } },
});
const lengths = fc.integer({ min: 1, max: 80 });
const choices = fc.integer({ min: 1, max: 4 });

/** The whole stream, tokens of the choices in turn. */
function streamOf(context: AnswerContext, writer: StreamWriter): string {
  const longest = Math.max(...context.answers.map(({ pieces }) => pieces.length));
  let stream = writer.open();
  for (let k = 0; k < longest; k++) {
    for (const [index, { pieces }] of context.answers.entries())
      if (k < pieces.length) stream += writer.token(index, k);
  }
  return stream + writer.close();
}

const response = (stream: string): Response =>
  new Response(stream, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });

async function parsed<Item>(stream: string): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of Stream.fromSSEResponse<Item>(response(stream), new AbortController())) items.push(item);
  return items;
}

/** A real client whose only server is this text. */
const client = (body: string | object): OpenAI =>
  new OpenAI({
    apiKey: 'k',
    baseURL: 'http://lab/v1',
    maxRetries: 0,
    fetch: async () => (typeof body === 'string' ? response(body) : Response.json(body)),
  });

describe('a chat stream', () => {
  test('joined is the body that is not streamed, for every form and number of choices', () => {
    fc.assert(
      fc.property(forms, lengths, draws, choices, (form, tokens, numbers, n) => {
        const context = contextOf(form, tokens, numbers, { choices: n });
        const body = chatBody(context);
        const chunks = eventsOf<OpenAI.ChatCompletionChunk>(streamOf(context, chatWriter(context)));
        for (const { index, message, finish_reason } of body.choices) {
          const own = chunks.flatMap((chunk) => chunk.choices.filter((choice) => choice.index === index));
          expect(own).toHaveLength(tokens + 1);
          expect(own[0]?.delta).toEqual({ role: 'assistant', content: '' });
          expect(own.map(({ delta }) => delta.content ?? '').join('')).toBe(message.content ?? '');
          expect(own.map(({ finish_reason: reason }) => reason)).toEqual([
            ...own.slice(1).map(() => null),
            finish_reason,
          ]);
          const deltas = own.flatMap(({ delta }) => delta.tool_calls ?? []);
          const calls = (message.tool_calls ?? []).map((call, at) => {
            const mine = deltas.filter((delta) => delta.index === at);
            expect(mine[0]).toMatchObject({ id: call.id, type: 'function', function: { arguments: '' } });
            const text = mine.map(({ function: fn }) => fn?.arguments ?? '').join('');
            return { id: mine[0]?.id, type: 'function', function: { name: mine[0]?.function?.name, arguments: text } };
          });
          expect(calls).toEqual(message.tool_calls ?? []);
        }
        expect(body.usage).toMatchObject({
          prompt_tokens: 11,
          completion_tokens: n * tokens,
          total_tokens: 11 + n * tokens,
        });
        expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: n * tokens } });
      }),
    );
  });

  test('has chunks that are the JSON of what they hold, to the byte, whatever the text, the model and the usage', () => {
    const texts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '"', '""', '\\"')), {
      minLength: 1,
    });
    fc.assert(
      fc.property(texts, fc.constantFrom('qwen', '', '""'), fc.boolean(), choices, (all, model, continuousUsage, n) => {
        const pieces = all.map((text) => ({ kind: 'text' as const, text }));
        const answer = { pieces, finishReason: 'stop' as const, stopString: null };
        const plain = contextOf(PLAIN, 1, [0], { request: { continuousUsage } });
        const context = { ...plain, head: { ...plain.head, model }, answers: Array.from({ length: n }, () => answer) };
        const writer = chatWriter(context);
        const { id, created } = context.head;
        const [told, wanted]: [string[], string[]] = [[], []];
        for (const [k, text] of all.entries()) {
          const last = k === all.length - 1;
          const used = { prompt_tokens: 11, total_tokens: 12 + k, completion_tokens: k + 1 };
          for (let index = 0; index < n; index++) {
            const choice = { index, delta: { content: text }, logprobs: null, finish_reason: null, token_ids: null };
            const chunk = {
              ...{ id, object: 'chat.completion.chunk', created, model },
              choices: [last ? { ...choice, finish_reason: 'stop', stop_reason: null } : choice],
              ...(continuousUsage ? { usage: used } : {}),
            };
            told.push(writer.token(index, k));
            wanted.push(`data: ${JSON.stringify(chunk)}\n\n`);
          }
        }
        expect(told).toEqual(wanted);
      }),
      { numRuns: 40 },
    );
  });

  test('is framed as vLLM frames it, to the letter', () => {
    const context = contextOf(PLAIN, 2, [0], { request: { includeUsage: true } });
    const head = '"id":"x-1","object":"chat.completion.chunk","created":1767225600,"model":"qwen"';
    expect(streamOf(context, chatWriter(context)).split('\n\n')).toEqual([
      `data: {${head},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}`,
      `data: {${head},"choices":[{"index":0,"delta":{"content":"Alpha"},"logprobs":null,"finish_reason":null,"token_ids":null}]}`,
      `data: {${head},"choices":[{"index":0,"delta":{"content":"."},"logprobs":null,"finish_reason":"stop","token_ids":null,"stop_reason":null}]}`,
      `data: {${head},"choices":[],"usage":{"prompt_tokens":11,"total_tokens":13,"completion_tokens":2}}`,
      'data: [DONE]',
      '',
    ]);
  });

  test('is assembled by the openai client: text, calls, reasons', async () => {
    for (const form of [PLAIN, CALLING]) {
      const context = contextOf(form, 40, [0.05, 0.8, 0.4]);
      const stream = client(streamOf(context, chatWriter(context))).chat.completions.stream({
        model: 'qwen',
        messages: [],
      });
      const final = await stream.finalChatCompletion();
      const [choice] = chatBody(context).choices;
      expect(final.choices[0]?.finish_reason).toBe(choice?.finish_reason);
      expect(final.choices[0]?.message.content ?? '').toBe(choice?.message.content ?? '');
      expect(final.choices[0]?.message.tool_calls ?? []).toMatchObject(choice?.message.tool_calls ?? []);
      expect(final.usage?.completion_tokens).toBe(40);
    }
  });

  test('carries the usage so far on every chunk only where both were asked for', () => {
    const both = contextOf(PLAIN, 3, [0], { request: { includeUsage: true, continuousUsage: true } });
    const usages = eventsOf<OpenAI.ChatCompletionChunk>(streamOf(both, chatWriter(both))).map(({ usage }) => usage);
    expect(usages.map((usage) => usage?.completion_tokens)).toEqual([0, 1, 2, 3, 3]);
    const none = contextOf(PLAIN, 3, [0], { request: { includeUsage: false } });
    expect(streamOf(none, chatWriter(none))).not.toContain('usage');
  });

  test('tells how much of the prompt was cached, where that is known', () => {
    const context = { ...contextOf(PLAIN, 1, [0]), cachedTokens: 8 };
    expect(chatBody(context).usage.prompt_tokens_details).toEqual({ cached_tokens: 8 });
    expect(eventsOf(chatWriter(context).close())[0]).toMatchObject({
      usage: { prompt_tokens_details: { cached_tokens: 8 } },
    });
    expect(chatBody(contextOf(PLAIN, 1, [0])).usage.prompt_tokens_details).toBeNull();
  });

  test('names the stop string', () => {
    const context = contextOf({ ...PLAIN, stop: ['END'] }, 3, [0.2]);
    expect(chatBody(context).choices[0]).toMatchObject({ finish_reason: 'stop', stop_reason: 'END' });
    expect(chatWriter(context).token(0, 2)).toContain('"finish_reason":"stop","token_ids":null,"stop_reason":"END"');
  });

  test('echoes the message to be continued', () => {
    const context = { ...contextOf(PLAIN, 2, [0], { request: { echo: true } }), continued: 'Well: ' };
    expect(chatBody(context).choices[0]?.message.content).toBe('Well: Alpha.');
    const chunks = eventsOf<OpenAI.ChatCompletionChunk>(streamOf(context, chatWriter(context)));
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('Well: Alpha.');
  });

  test('that fails midway says so and ends', async () => {
    const writer = chatWriter(contextOf(PLAIN, 3, [0]));
    const error = { message: 'Internal server error', type: 'InternalServerError', param: null, code: 500 };
    const failed = writer.fail(error);
    expect(failed).toBe(`data: ${JSON.stringify({ error })}\n\ndata: [DONE]\n\n`);
    await expect(parsed(writer.open() + writer.token(0, 0) + failed)).rejects.toThrow('Internal server error');
  });
});

describe('log probabilities', () => {
  test('are of every token, in chunks as in the body, likeliest first, and certain at most', () => {
    fc.assert(
      fc.property(lengths, draws, fc.integer({ min: 0, max: 20 }), (tokens, numbers, top) => {
        const context = contextOf(PLAIN, tokens, numbers, { request: { logprobs: top } });
        const body = chatBody(context);
        const content = body.choices[0]!.logprobs!.content;
        expect(content.map(({ token }) => token).join('')).toBe(body.choices[0]!.message.content);
        for (const { token, logprob, bytes, top_logprobs } of content) {
          expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(token);
          expect(top_logprobs).toHaveLength(top);
          expect(new Set(top_logprobs.map((each) => each.token)).size).toBe(top);
          const sum = top_logprobs.reduce((total, each) => total + Math.exp(each.logprob), 0);
          expect(sum).toBeLessThan(1.0001);
          expect(logprob).toBeLessThanOrEqual(0);
          if (top > 0) expect(top_logprobs[0]).toEqual({ token, logprob, bytes });
        }
        const chunks = eventsOf<OpenAI.ChatCompletionChunk>(streamOf(context, chatWriter(context)));
        expect(chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.content ?? [])).toEqual(content);
      }),
      { numRuns: 40 },
    );
  });

  test('of a prompt leave out the first token', () => {
    const prompt = chatBody(contextOf(PLAIN, 1, [0], { request: { promptLogprobs: 1 } })).prompt_logprobs;
    expect(prompt?.[0]).toBeNull();
    expect(prompt).toHaveLength(4);
    for (const each of prompt!.slice(1)) {
      expect(
        Object.values(each!)
          .map(({ rank }) => rank)
          .sort(),
      ).toEqual([1, 2]);
    }
  });
});

describe('a completion stream', () => {
  test('joined is the body that is not streamed, echo, log probabilities and all', () => {
    fc.assert(
      fc.property(
        lengths,
        draws,
        choices,
        fc.boolean(),
        fc.option(fc.nat({ max: 4 }), { nil: undefined }),
        (tokens, numbers, n, echo, logprobs) => {
          const context = contextOf(PLAIN, tokens, numbers, { choices: n, request: { echo, logprobs } });
          const body = completionBody(context);
          const chunks = eventsOf<OpenAI.Completion>(streamOf(context, completionWriter(context)));
          for (const { index, text, finish_reason, logprobs: told } of body.choices) {
            const own = chunks.flatMap((chunk) => chunk.choices.filter((choice) => choice.index === index));
            expect(own).toHaveLength(tokens);
            expect(own.map((choice) => choice.text).join('')).toBe(text);
            expect(own.at(-1)?.finish_reason).toBe(finish_reason);
            if (told === null) continue;
            for (const key of ['tokens', 'text_offset', 'token_logprobs', 'top_logprobs'] as const) {
              expect(own.flatMap((choice) => choice.logprobs?.[key] as unknown[])).toEqual(told[key]);
            }
            for (const [at, token] of told.tokens.entries()) {
              expect(text.slice(told.text_offset[at], told.text_offset[at]! + token.length)).toBe(token);
            }
          }
          expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: n * tokens } });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('answers several prompts in their order, and shows a prompt alone', () => {
    const context = {
      ...contextOf(PLAIN, 2, [0], { choices: 4, request: { echo: true } }),
      promptTexts: ['One', 'Two'],
    };
    expect(completionBody(context).choices.map(({ text }) => text.slice(0, 3))).toEqual(['One', 'One', 'Two', 'Two']);
    const alone = { ...contextOf(PLAIN, 1, [0], { request: { echo: true } }), promptOnly: true };
    expect(completionBody(alone).choices[0]?.text).toBe('Hello, world!');
    expect(eventsOf(streamOf(alone, completionWriter(alone)))[0]).toMatchObject({
      choices: [{ text: 'Hello, world!' }],
    });
  });
});

describe('a response stream', () => {
  const context = (
    form: AnswerForm,
    tokens: number,
    numbers: readonly number[],
    finishReason: 'stop' | 'length' = 'stop',
  ) => ({ ...contextOf(form, tokens, numbers, { finishReason }), repeated: { tools: [] } }) satisfies AnyAnswerContext;
  const { body, writer } = ANSWER_DIALECTS.responses;

  test('is numbered without a gap and ends with the body that is not streamed', async () => {
    await fc.assert(
      fc.asyncProperty(forms, lengths, draws, async (form, tokens, numbers) => {
        const given = context(form, tokens, numbers);
        const events = await parsed<OpenAI.Responses.ResponseStreamEvent>(streamOf(given, writer(given)));
        expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, at) => at));
        expect(events.slice(0, 2).map(({ type }) => type)).toEqual(['response.created', 'response.in_progress']);
        const last = events.at(-1)!;
        expect(['response.completed', 'response.incomplete']).toContain(last.type);
        expect((last as { response: unknown }).response).toEqual(body(given));
        const text = events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
        const items = events.flatMap((event) => (event.type === 'response.output_item.done' ? [event.item] : []));
        expect(items).toEqual(body(given).output);
        const said = items
          .map((item) => (item.type === 'message' ? (item.content[0] as { text: string }).text : ''))
          .join('');
        expect(text).toBe(said);
        const args = events.map((event) =>
          event.type === 'response.function_call_arguments.delta' ? event.delta : '',
        );
        expect(args.join('')).toBe(items.map((item) => (item.type === 'function_call' ? item.arguments : '')).join(''));
      }),
      { numRuns: 60 },
    );
  });

  test('tells its kinds of events in order', () => {
    const given = context(PLAIN, 2, [0]);
    const stream = streamOf(given, writer(given));
    expect(eventsOf<{ type: string }>(stream).map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    for (const message of stream.split('\n\n').slice(0, -1)) {
      const [, name, data] = /^event: (\S+)\ndata: (.*)$/.exec(message)!;
      expect(JSON.parse(data!).type).toBe(name);
    }
  });

  test('is assembled by the openai client', async () => {
    const given = context(PLAIN, 12, [0.3, 0.6]);
    const final = await client(streamOf(given, writer(given)))
      .responses.stream({ model: 'qwen', input: 'Hi' })
      .finalResponse();
    const whole = await client(body(given)).responses.create({ model: 'qwen', input: 'Hi' });
    expect(final.output_text).toBe(whole.output_text);
    expect(final.output_text).not.toBe('');
    expect(final.usage).toMatchObject({ input_tokens: 11, output_tokens: 12, total_tokens: 23 });
  });

  test('of two calls, the second cut, is incomplete in the second', () => {
    const cut = context(CALLING, 10, [0.5, 0], 'length');
    expect(body(cut).output).toMatchObject([{ status: 'completed' }, { status: 'incomplete' }]);
  });

  test('that was cut is incomplete', () => {
    expect(body(context(PLAIN, 3, [0], 'length'))).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    });
  });
});
