import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';
import { type Seen, streamChat, tpotMs, ttftMs } from '../support/openai.ts';
import { scenario } from '../support/scenario.ts';
import { metric } from '../support/wire.ts';

const SLOT = 'chat/main/0';
const MODEL = 'qwen3-8b';

function clientOf(lab: Lab, options: object = {}): OpenAI {
  return new OpenAI({ baseURL: lab.url('chat'), apiKey: lab.apiKey('chat'), fetch: lab.fetch, ...options });
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Microseconds, from a clock in milliseconds. */
const micros = (milliseconds: number): number => Math.round(milliseconds * 1_000);

describe('the real openai client in lab.run', () => {
  test('gets the tokens, the finish reason and the usage of a stream', async () => {
    const lab = Lab.fromObject(scenario());
    await lab.run(async () => {
      const { tokenAt, text, finishReason, usage } = await streamChat(clientOf(lab), {
        model: MODEL,
        content: 'Hello there',
        maxTokens: 12,
      });
      expect(tokenAt).toHaveLength(12);
      expect(text.trim()).not.toBe('');
      expect(finishReason).toBe('length');
      expect(usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 });
    });
  });

  test('gets a whole answer with the same text that a stream gives', async () => {
    const ask = async (stream: boolean): Promise<string> => {
      const lab = Lab.fromObject(scenario());
      return lab.run(async () => {
        if (stream) return (await streamChat(clientOf(lab), { model: MODEL, content: 'Hello' })).text;
        const messages = [{ role: 'user' as const, content: 'Hello' }];
        const answer = await clientOf(lab).chat.completions.create({ model: MODEL, messages });
        expect(answer.choices[0]!.finish_reason).toBe('stop');
        expect(answer.usage!.completion_tokens).toBe(20);
        return answer.choices[0]!.message.content!;
      });
    };
    expect(await ask(false)).toBe(await ask(true));
  });

  test('measures the TTFT, TPOT and every token of the simulation, to the microsecond', async () => {
    const lab = Lab.fromObject(scenario());
    const seen: Seen[] = [];
    await lab.run(async () => {
      const client = clientOf(lab);
      const one = async (index: number): Promise<void> => {
        await pause(index * 37.123);
        seen[index] = await streamChat(client, {
          model: MODEL,
          content: 'word '.repeat(1 + index * 40),
          maxTokens: 19,
        });
      };
      await Promise.all(Array.from({ length: 40 }, (_, index) => one(index)));
    });
    const records = lab.requests();
    expect(records).toHaveLength(40);
    for (const [index, each] of seen.entries()) {
      const { number, arrivedAt, firstTokenAt, endedAt, outputTokens, promptTokens } = records[index]!;
      expect(micros(ttftMs(each))).toBe(firstTokenAt - arrivedAt);
      expect(tpotMs(each) * 1_000).toBeCloseTo((endedAt - firstTokenAt) / (outputTokens - 1), 1);
      const own = each.tokenAt.map((at) => micros(at - each.sentAt));
      expect(own).toEqual(lab.tokenMicros(number).map((at) => at - arrivedAt));
      expect(each.usage).toMatchObject({ prompt_tokens: promptTokens, completion_tokens: 19 });
    }
  });

  test('gives one trace hash in a hundred runs', async () => {
    const hashes = new Set<string>();
    for (let run = 0; run < 100; run++) {
      const lab = Lab.fromObject(scenario());
      await lab.run(async () => {
        const client = clientOf(lab);
        await Promise.all(
          [0, 5, 40].map(async (wait) => {
            await pause(wait);
            await streamChat(client, { model: MODEL, content: 'Hello', maxTokens: 5 });
          }),
        );
      });
      hashes.add(lab.traceHash);
    }
    expect(hashes.size).toBe(1);
  });

  test('obeys a Retry-After of 90 seconds in simulated time', async () => {
    const lab = Lab.fromObject(scenario());
    const wallBegan = performance.now();
    await lab.run(async () => {
      lab.fault({ kind: 'refuse', service: 'chat', status: 429, retryAfterSeconds: 90, lastingSeconds: 30 });
      const began = { date: Date.now(), monotonic: performance.now(), lab: lab.nowMs };
      const { tokenAt } = await streamChat(clientOf(lab, { maxRetries: 1 }), {
        model: MODEL,
        content: 'Hello',
        maxTokens: 2,
      });
      expect(tokenAt).toHaveLength(2);
      for (const took of [Date.now() - began.date, performance.now() - began.monotonic, lab.nowMs - began.lab]) {
        expect(took).toBeGreaterThanOrEqual(90_000);
        expect(took).toBeLessThan(91_000);
      }
    });
    console.log(`429 with Retry-After 90: ${(performance.now() - wallBegan).toFixed(0)} ms of wall time`);
    expect(lab.requests().map(({ status }) => status)).toEqual([429, 200]);
  });

  test('sees a 429 as a rate limit error with its Retry-After when it does not retry', async () => {
    const lab = Lab.fromObject(scenario());
    await lab.run(async () => {
      lab.fault({ kind: 'refuse', service: 'chat', status: 429, retryAfterSeconds: 90 });
      const error = await streamChat(clientOf(lab, { maxRetries: 0 }), { model: MODEL, content: 'Hello' }).catch(
        (each) => each,
      );
      expect(error).toBeInstanceOf(OpenAI.RateLimitError);
      expect(error.headers.get('retry-after')).toBe('90');
    });
  });

  test('frees its place and its KV blocks when it aborts a stream', async () => {
    const lab = Lab.fromObject(scenario({}, 1));
    await lab.run(async () => {
      const gauges = async (): Promise<number[]> => {
        const text = await (await lab.fetch(`${lab.podUrl(SLOT)}/metrics`)).text();
        return ['vllm:num_requests_running', 'vllm:kv_cache_usage_perc'].map((name) => metric(text, name));
      };
      const stream = await clientOf(lab).chat.completions.create({
        model: MODEL,
        messages: [{ role: 'user', content: 'Hello' }],
        max_tokens: 20,
        stream: true,
      });
      let chunks = 0;
      for await (const _ of stream) {
        if (++chunks < 4) continue;
        const [running, kv] = await gauges();
        expect(running).toBe(1);
        expect(kv).toBeGreaterThan(0);
        stream.controller.abort();
      }
      expect(chunks).toBe(4);
      await pause(1_000);
      expect(await gauges()).toEqual([0, 0]);
    });
    expect(lab.requests()).toMatchObject([{ status: 499, outputTokens: expect.any(Number) }]);
    expect(lab.requests()[0]!.outputTokens).toBeLessThan(20);
  });

  test('sees an error when the pod dies in mid-stream, and the tokens before it', async () => {
    const lab = Lab.fromObject(scenario({}, 1));
    await lab.run(async () => {
      let tokens = 0;
      const stream = await clientOf(lab).chat.completions.create({
        model: MODEL,
        messages: [{ role: 'user', content: 'Hello' }],
        stream: true,
      });
      const read = (async () => {
        for await (const chunk of stream) if (chunk.choices[0]?.delta.content) tokens++;
      })();
      setTimeout(() => lab.fault({ kind: 'kill-pod', service: 'chat', deployment: 'main', instance: 0 }), 200);
      await expect(read).rejects.toThrow('terminated');
      expect(tokens).toBeGreaterThan(1);
      expect(tokens).toBe(lab.requests()[0]!.outputTokens);
    });
  });

  test('gives up at its own timeout, in simulated time', async () => {
    const lab = Lab.fromObject(scenario());
    await lab.run(async () => {
      const began = performance.now();
      const client = clientOf(lab, { timeout: 100, maxRetries: 0 });
      const asked = client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: 'Hello' }] });
      await expect(asked).rejects.toBeInstanceOf(OpenAI.APIConnectionTimeoutError);
      expect(performance.now() - began).toBeGreaterThanOrEqual(100);
      expect(performance.now() - began).toBeLessThan(101);
    });
  });
});

describe('lab.run, waiting for what is outside the lab', () => {
  const silent = async (body: (port: number) => Promise<void>): Promise<void> => {
    const server = createServer(() => {
      // Never answers.
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await body((server.address() as AddressInfo).port);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  };

  test('a promise that nothing resolves is a clear error, not a hang', async () => {
    const lab = Lab.fromObject(scenario());
    await expect(lab.run(() => new Promise(() => {}))).rejects.toThrow(
      "nothing is left to happen in the lab, and the code still waits; in lab time only the lab's own fetch and timers can be awaited",
    );
  });

  test('a real socket that never answers is a clear error, not a hang', () =>
    silent(async (port) => {
      const lab = Lab.fromObject(scenario());
      await expect(lab.run(() => fetch(`http://127.0.0.1:${port}/`))).rejects.toThrow(
        /lab\.run: .*outside the lab|still waits/,
      );
    }));

  test('the lab can be run again afterwards, and the clocks are the real ones', async () => {
    const lab = Lab.fromObject(scenario());
    const clocks = () => [setTimeout, clearTimeout, setInterval, clearInterval, Date, performance.now, Math.random];
    const real = clocks();
    await expect(lab.run(() => new Promise(() => {}))).rejects.toThrow('still waits');
    for (const [index, clock] of clocks().entries()) expect(clock).toBe(real[index]);
    expect(Math.abs(Date.now() - (performance.timeOrigin + performance.now()))).toBeLessThan(60_000);
    await lab.run(async () => {
      expect((await streamChat(clientOf(lab), { model: MODEL, content: 'Hello', maxTokens: 3 })).tokenAt).toHaveLength(
        3,
      );
    });
  });

  test('lab.fetch outside lab.run says that no time passes there', async () => {
    const lab = Lab.fromObject(scenario());
    await expect(lab.fetch(lab.url('chat'))).rejects.toThrow('lab.fetch works inside lab.run only');
  });

  test('an unknown host is the error that a real fetch gives', async () => {
    const lab = Lab.fromObject(scenario());
    await lab.run(() => expect(lab.fetch('http://elsewhere.invalid/')).rejects.toThrow('fetch failed'));
  });
});
