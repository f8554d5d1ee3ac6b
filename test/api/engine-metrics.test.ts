import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';
import { scenario } from '../support/scenario.ts';
import { metric, post } from '../support/wire.ts';

const SLOT = 'chat/main/0';
const BODY = { model: 'qwen3-8b', ignore_eos: true };
const GAUGES = ['num_requests_running', 'num_requests_waiting', 'kv_cache_usage_perc'];

/** One pod, and what its `/metrics` says when asked. */
async function withPod(
  body: (
    ask: (path: string, body: object, signal?: AbortSignal) => Promise<Response>,
    read: (name: string) => Promise<number>,
  ) => Promise<void>,
  engine: object = {},
): Promise<Lab> {
  const units = [{ model: 'qwen3-8b', engine: { maxModelLen: 4_096, ...engine } }];
  const deployments = [{ name: 'main', pool: 'npu', instances: 1, units }];
  const lab = Lab.fromObject(scenario({ services: [{ name: 'chat', deployments }] }));
  await lab.run(() =>
    body(
      (path, asked, signal) =>
        lab.fetch(lab.podUrl(SLOT) + path, { ...post({ ...BODY, ...asked }), ...(signal && { signal }) }),
      async (name) => metric(await (await lab.fetch(`${lab.podUrl(SLOT)}/metrics`)).text(), `vllm:${name}`),
    ),
  );
  lab.simulate();
  return lab;
}

const prompt = (tokens: number): number[] => Array.from({ length: tokens }, (_, at) => at);

describe("an engine's metrics", () => {
  test('count R requests of P prompt and T output tokens as R, R(T-1), RP and RT', async () => {
    const counts = { requests: fc.integer({ min: 1, max: 6 }), input: fc.integer({ min: 1, max: 300 }) };
    const shape = fc.record({ ...counts, output: fc.integer({ min: 1, max: 20 }), stream: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(shape, async ({ requests: r, input: p, output: t, stream }) => {
        await withPod(async (ask, read) => {
          const body = { prompt: prompt(p), max_tokens: t, stream };
          await Promise.all(Array.from({ length: r }, async () => (await ask('/v1/completions', body)).text()));
          expect(await read('time_to_first_token_seconds_count')).toBe(r);
          expect(await read('inter_token_latency_seconds_count')).toBe(r * (t - 1));
          expect(await read('prompt_tokens_total')).toBe(r * p);
          expect(await read('generation_tokens_total')).toBe(r * t);
          expect(await read('iteration_tokens_total_sum')).toBe(r * (p + t));
          expect(await read('request_success_total')).toBe(r);
          for (const gauge of GAUGES) expect(await read(gauge)).toBe(0);
        });
      }),
      { numRuns: 12 },
    );
  });

  test('count every choice as a request, and the request once for its n', async () => {
    await withPod(async (ask, read) => {
      await (await ask('/v1/completions', { prompt: [prompt(7), prompt(9)], n: 3, max_tokens: 5 })).text();
      expect(await read('request_success_total')).toBe(6);
      expect(await read('prompt_tokens_total')).toBe(3 * (7 + 9));
      expect(await read('generation_tokens_total')).toBe(30);
      expect([await read('request_params_n_count'), await read('request_params_n_sum')]).toEqual([2, 6]);
      expect(await read('request_max_num_generation_tokens_sum')).toBe(2 * 5);
    });
  });

  test('count the prompts of embeddings, and no token of theirs', async () => {
    await withPod(async (ask, read) => {
      await (await ask('/v1/embeddings', { input: [prompt(7), prompt(9)] })).text();
      expect(await read('prompt_tokens_total')).toBe(16);
      expect(await read('generation_tokens_total')).toBe(0);
      expect(await read('iteration_tokens_total_sum')).toBe(16);
      expect(await read('request_generation_tokens_sum')).toBe(0);
      expect(await read('request_success_total')).toBe(2);
      expect(await read('time_to_first_token_seconds_count')).toBe(2);
      expect(await read('inter_token_latency_seconds_count')).toBe(0);
    });
  });

  test('of steps add up to those of prompts and answers, whenever somebody looks and whoever leaves', async () => {
    const shape = fc.record({
      requests: fc.array(
        fc.record({ input: fc.integer({ min: 1, max: 3_000 }), output: fc.integer({ min: 1, max: 60 }) }),
        { minLength: 1, maxLength: 6 },
      ),
      looks: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 }),
      leaves: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ requests, looks, leaves }) => {
        await withPod(async (ask, read) => {
          const controller = new AbortController();
          if (leaves !== undefined) setTimeout(() => controller.abort(), leaves);
          const asked = requests.map(async ({ input, output }) =>
            (await ask('/v1/completions', { prompt: prompt(input), max_tokens: output }, controller.signal)).text(),
          );
          const over = Promise.allSettled(asked);
          for (const ms of looks) {
            await new Promise((resolve) => setTimeout(resolve, ms));
            const [steps, prompts, answers] = await Promise.all(
              ['iteration_tokens_total_sum', 'prompt_tokens_total', 'generation_tokens_total'].map(read),
            );
            expect(steps).toBe(prompts! + answers!);
          }
          await over;
        });
      }),
      { numRuns: 15 },
    );
  });

  test('tell of drafts what came of them', async () => {
    await withPod(
      async (ask, read) => {
        const text = await (await ask('/v1/completions', { prompt: prompt(7), max_tokens: 41 })).text();
        expect(text).toContain('"completion_tokens":41');
        expect(await read('spec_decode_num_drafts_total')).toBe(10);
        expect(await read('spec_decode_num_draft_tokens_total')).toBe(30);
        expect(await read('spec_decode_num_accepted_tokens_total')).toBe(30);
        expect(await read('spec_decode_num_accepted_tokens_per_pos_total')).toBe(30);
        expect(await read('iteration_tokens_total_count')).toBe(11);
      },
      { speculation: { draftTokens: 3, acceptance: 1 } },
    );
  });

  test.each([
    ['/v1/completions', { prompt: prompt(50), max_tokens: 400, n: 4, stream: true }],
    ['/v1/chat/completions', { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 400, n: 2 }],
    ['/v1/embeddings', { input: Array.from({ length: 30 }, () => prompt(2_000)) }],
  ])('go back to zero after the client of %s has left', async (path, body) => {
    const lab = await withPod(async (ask, read) => {
      const controller = new AbortController();
      const asked = ask(path, body, controller.signal).then((response) => response.text());
      const lost = expect(asked).rejects.toThrow();
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await read('num_requests_running')).toBeGreaterThan(0);
      expect(await read('kv_cache_usage_perc')).toBeGreaterThan(0);
      controller.abort();
      await lost;
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      for (const gauge of GAUGES) expect(await read(gauge)).toBe(0);
      expect(await read('request_success_total')).toBeGreaterThan(0);
    });
    expect(lab.requests()).toMatchObject([{ status: 499 }]);
  });

  test('tell of the prefix cache, and the usage tells what was in it', async () => {
    await withPod(
      async (ask, read) => {
        const body = { prompt: prompt(200), max_tokens: 2 };
        const cached = async (): Promise<unknown> =>
          ((await (await ask('/v1/completions', body)).json()) as { usage: object }).usage;
        expect(await cached()).toMatchObject({ prompt_tokens_details: { cached_tokens: 0 } });
        expect(await cached()).toMatchObject({ prompt_tokens_details: { cached_tokens: 192 } });
        expect(await read('prefix_cache_queries_total')).toBe(400);
        expect(await read('prefix_cache_hits_total')).toBe(192);
        expect(await read('request_prefill_kv_computed_tokens_sum')).toBe(400 - 192);
      },
      { prefixUnitTokens: 64, blockSize: 16 },
    );
  });

  test('are in the names of their engine', async () => {
    const text = async (kind: string): Promise<string> => {
      let seen = '';
      const units = [{ model: 'qwen3-8b', engine: { kind, maxModelLen: 4_096 } }];
      const deployments = [{ name: 'main', pool: 'npu', instances: 1, units }];
      const lab = Lab.fromObject(scenario({ services: [{ name: 'chat', deployments }] }));
      await lab.run(async () => {
        seen = await (await lab.fetch(`${lab.podUrl(SLOT)}/metrics`)).text();
      });
      return seen;
    };
    expect(await text('mindie')).toContain('npu_cache_usage_perc{');
    expect(await text('sglang')).toContain('sglang:num_running_reqs{');
  });
});

test('both engines of a hand-off tell of it: the prompt of one, the answer of the other', async () => {
  const units = [
    { role: 'prefill', model: 'qwen3-8b', engine: { maxModelLen: 4_096 } },
    { role: 'decode', model: 'qwen3-8b', engine: { maxModelLen: 4_096 } },
  ];
  const kvTransfer = { gigabytesPerSecond: 25, mode: 'pull', firstToken: 'decode' };
  const deployments = [{ name: 'main', pool: 'npu', instances: 1, units, kvTransfer }];
  const lab = Lab.fromObject(scenario({ services: [{ name: 'chat', deployments }] }));
  await lab.run(async () => {
    const body = { ...BODY, prompt: prompt(50), max_tokens: 6, n: 2 };
    const answer = await lab.fetch(`${lab.url('chat')}/completions`, post(body, lab.apiKey('chat')));
    expect(await answer.json()).toMatchObject({ usage: { prompt_tokens: 50, completion_tokens: 12 } });
    const slots = ['chat/main/0/prefill-0', 'chat/main/0/decode-0'];
    const texts = await Promise.all(slots.map(async (slot) => (await lab.fetch(`${lab.podUrl(slot)}/metrics`)).text()));
    const [prefill, decode] = texts.map((text) => (name: string) => metric(text, `vllm:${name}`)) as [
      (name: string) => number,
      (name: string) => number,
    ];
    expect([prefill('prompt_tokens_total'), decode('prompt_tokens_total')]).toEqual([100, 100]);
    expect(texts[1]).toMatch(/prompt_tokens_by_source_total{[^}]*source="external_kv_transfer"} 100\.0/);
    expect([prefill('request_success_total'), decode('request_success_total')]).toEqual([2, 2]);
    expect([prefill('e2e_request_latency_seconds_count'), decode('e2e_request_latency_seconds_count')]).toEqual([2, 2]);
    expect([prefill('time_to_first_token_seconds_count'), decode('time_to_first_token_seconds_count')]).toEqual([2, 2]);
    expect(decode('generation_tokens_total')).toBe(12);
    expect(prefill('iteration_tokens_total_sum')).toBe(100 + 2);
    expect(decode('iteration_tokens_total_sum')).toBe(100 + 12);
    expect([decode('external_prefix_cache_queries_total'), decode('external_prefix_cache_hits_total')]).toEqual([
      100, 100,
    ]);
    expect(decode('prompt_tokens_cached_total')).toBe(100);
    for (const gauge of GAUGES) expect([prefill(gauge), decode(gauge)]).toEqual([0, 0]);
  });
  lab.simulate();
});
