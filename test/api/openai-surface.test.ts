import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';
import { scenario } from '../support/scenario.ts';
import { metric } from '../support/wire.ts';

const model = 'qwen3-8b';
const messages = [{ role: 'user' as const, content: 'Hello there' }];
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tools = [{ type: 'function' as const, function: { name: 'look_up', parameters } }];

/** The real client, as it is, in a lab of one pod. */
async function withClient(body: (client: OpenAI, lab: Lab) => Promise<void>): Promise<void> {
  const lab = Lab.fromObject(scenario({}, 1));
  await lab.run(() => {
    const client = new OpenAI({ baseURL: lab.url('chat'), apiKey: lab.apiKey('chat'), fetch: lab.fetch });
    return body(client, lab);
  });
  lab.simulate();
}

describe('the real openai client', () => {
  test('gets two choices, and streams them side by side', () =>
    withClient(async (client) => {
      const whole = await client.chat.completions.create({ model, messages, n: 2, seed: 3 });
      const texts = ['', ''];
      const order: number[] = [];
      for await (const { choices } of await client.chat.completions.create({
        model,
        messages,
        n: 2,
        seed: 3,
        stream: true,
      })) {
        const [choice] = choices;
        texts[choice!.index] += choice!.delta.content ?? '';
        order.push(choice!.index);
      }
      expect(texts).toEqual(whole.choices.map(({ message }) => message.content));
      expect(order.indexOf(1)).toBeLessThan(order.lastIndexOf(0));
    }));

  test('gets log probabilities of a chat and of a completion', () =>
    withClient(async (client) => {
      const chat = await client.chat.completions.create({
        model,
        messages,
        max_tokens: 4,
        logprobs: true,
        top_logprobs: 2,
      });
      const { content } = chat.choices[0]!.logprobs!;
      expect(content).toHaveLength(4);
      expect(content!.map(({ token }) => token).join('')).toBe(chat.choices[0]!.message.content);
      for (const { logprob, top_logprobs } of content!) {
        expect(logprob).toBeLessThanOrEqual(0);
        expect(top_logprobs).toHaveLength(2);
      }
      const text = await client.completions.create({ model, prompt: 'Hello', max_tokens: 4, logprobs: 1 });
      expect(text.choices[0]!.logprobs!.tokens!.join('')).toBe(text.choices[0]!.text);
    }));

  test('runs a tool, as its own helper does, to the answer', () =>
    withClient(async (client) => {
      const asked: unknown[] = [];
      const look_up = (given: { city: string }): string => {
        asked.push(given);
        return 'sunny';
      };
      const runner = client.chat.completions.runTools({
        model,
        messages,
        tools: [
          {
            type: 'function',
            function: {
              name: 'look_up',
              description: 'The weather',
              parse: (text: string): { city: string } => JSON.parse(text),
              function: look_up,
              parameters,
            },
          },
        ],
        stream: true,
      });
      expect(await runner.finalContent()).toMatch(/./);
      expect(asked).toEqual([{ city: expect.any(String) }]);
    }));

  test('gets a call of the tool that it names', () =>
    withClient(async (client) => {
      const tool_choice = { type: 'function' as const, function: { name: 'look_up' } };
      const { choices } = await client.chat.completions.create({ model, messages, tools, tool_choice });
      expect(choices[0]!.finish_reason).toBe('stop');
      expect(choices[0]!.message.tool_calls).toMatchObject([{ type: 'function', function: { name: 'look_up' } }]);
    }));

  test('parses a structured answer', () =>
    withClient(async (client) => {
      const json_schema = { name: 'place', strict: true, schema: parameters };
      const response_format = { type: 'json_schema' as const, json_schema };
      const { choices } = await client.chat.completions.parse({ model, messages, response_format });
      expect(choices[0]!.message.parsed).toMatchObject({ city: expect.any(String) });
    }));

  test('gets embeddings of the same text as the same numbers', () =>
    withClient(async (client) => {
      const { data, usage } = await client.embeddings.create({ model, input: ['one two', 'one two', 'three'] });
      expect(data[0]!.embedding).toEqual(data[1]!.embedding);
      expect(data[0]!.embedding).not.toEqual(data[2]!.embedding);
      expect(usage).toMatchObject({ prompt_tokens: 5, total_tokens: 5 });
    }));

  test('gets a response, whole and by its own stream helper', () =>
    withClient(async (client) => {
      const whole = await client.responses.create({ model, input: 'Hello there' });
      expect(whole.status).toBe('completed');
      expect(whole.output_text).toMatch(/./);
      const stream = client.responses.stream({ model, input: 'Hello there' });
      let text = '';
      stream.on('response.output_text.delta', ({ delta }) => (text += delta));
      const final = await stream.finalResponse();
      expect(final.status).toBe('completed');
      expect(text).toBe(final.output_text);
      expect(final.usage).toMatchObject({ input_tokens: 9, output_tokens: 20 });
    }));

  test('frees both places when it leaves a stream of two choices', () =>
    withClient(async (client, lab) => {
      const stream = await client.chat.completions.create({ model, messages, n: 2, max_tokens: 300, stream: true });
      const running = async (): Promise<number> => {
        const text = await (await lab.fetch(`${lab.podUrl('chat/main/0')}/metrics`)).text();
        return metric(text, 'vllm:num_requests_running');
      };
      let chunks = 0;
      for await (const _ of stream) {
        if (++chunks < 6) continue;
        expect(await running()).toBe(2);
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(await running()).toBe(0);
      expect(lab.requests()).toMatchObject([{ status: 499 }]);
    }));

  test('sees what it did wrong as the errors that it knows', () =>
    withClient(async (client) => {
      const wrong = client.chat.completions.create({ model: 'gpt-9', messages });
      await expect(wrong).rejects.toBeInstanceOf(OpenAI.NotFoundError);
      await expect(wrong).rejects.toMatchObject({ requestID: expect.stringMatching(/^[0-9a-f]{32}$/) });
      const greedy = client.chat.completions.create({ model, messages, n: 2, temperature: 0 });
      await expect(greedy).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    }));
});
