import { describe, expect, test } from 'vitest';
import { DOORS, type OpenDoor } from '../support/doors.ts';
import { scenario } from '../support/scenario.ts';
import { events, metric, post } from '../support/wire.ts';

const SLOT = 'chat/main/0';
const PROMPT_TOKENS = 300;
const OUTPUT_TOKENS = 11;
const BODY = { model: 'qwen3-8b', prompt: Array(PROMPT_TOKENS).fill(7), max_tokens: OUTPUT_TOKENS, ignore_eos: true };

describe.each(DOORS)("a pod's own endpoint through $name", ({ open }) => {
  const withDoor = async (body: (door: OpenDoor, fetch: typeof globalThis.fetch) => Promise<void>): Promise<void> => {
    const door = await open(scenario({}, 1));
    try {
      await door.within((fetch) => body(door, fetch));
    } finally {
      door.close();
    }
  };

  test('it is healthy, lists its model and answers without a key', () =>
    withDoor(async (door, fetch) => {
      const health = await fetch(`${door.pod(SLOT)}/health`);
      expect([health.status, await health.text()]).toEqual([200, '']);
      const models = await fetch(`${door.pod(SLOT)}/v1/models`);
      expect(await models.json()).toMatchObject({ data: [{ id: 'qwen3-8b' }] });
      const answer = await fetch(`${door.pod(SLOT)}/v1/completions`, post(BODY));
      expect(await answer.json()).toMatchObject({ usage: { completion_tokens: OUTPUT_TOKENS } });
    }));

  test('it streams', () =>
    withDoor(async (door, fetch) => {
      const answer = await fetch(`${door.pod(SLOT)}/v1/completions`, post({ ...BODY, stream: true }));
      expect(await events(answer)).toHaveLength(OUTPUT_TOKENS + 1);
    }));

  test('unknown paths are 404 and wrong methods 405', () =>
    withDoor(async (door, fetch) => {
      expect((await fetch(`${door.pod(SLOT)}/v1/nothing`)).status).toBe(404);
      expect((await fetch(`${door.pod(SLOT)}/v1/completions`)).status).toBe(405);
      expect((await fetch(`${door.pod(SLOT)}/health`, { method: 'POST' })).status).toBe(405);
    }));

  test('its metrics count every request, prompt token and output token, whichever way they came', () =>
    withDoor(async (door, fetch) => {
      const ways = [
        () => fetch(`${door.pod(SLOT)}/v1/completions`, post(BODY)),
        () => fetch(`${door.pod(SLOT)}/v1/completions`, post({ ...BODY, stream: true })),
        () => fetch(`${door.url('chat')}/v1/completions`, post(BODY, door.apiKey('chat'))),
      ];
      const requests = 12;
      await Promise.all(
        Array.from({ length: requests }, async (_, index) => (await ways[index % ways.length]!()).text()),
      );
      const response = await fetch(`${door.pod(SLOT)}/metrics`);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      const text = await response.text();
      const read = (name: string): number => metric(text, `vllm:${name}`);
      expect(read('prompt_tokens_total')).toBe(requests * PROMPT_TOKENS);
      expect(read('generation_tokens_total')).toBe(requests * OUTPUT_TOKENS);
      expect(read('time_to_first_token_seconds_count')).toBe(requests);
      expect(read('request_time_per_output_token_seconds_count')).toBe(requests);
      expect(read('e2e_request_latency_seconds_count')).toBe(requests);
      expect(read('request_queue_time_seconds_count')).toBe(requests);
      expect(read('request_inference_time_seconds_count')).toBe(requests);
      expect(read('request_params_n_sum')).toBe(requests);
      expect(read('request_params_max_tokens_sum')).toBe(requests * OUTPUT_TOKENS);
      expect(read('inter_token_latency_seconds_count')).toBe(requests * (OUTPUT_TOKENS - 1));
      expect(read('request_prompt_tokens_sum')).toBe(requests * PROMPT_TOKENS);
      expect(read('request_generation_tokens_sum')).toBe(requests * OUTPUT_TOKENS);
      expect(read('request_success_total')).toBe(requests);
      expect(text).toMatch(new RegExp(`request_success_total{[^}]*finished_reason="length"[^}]*} ${requests}\\.0`));
      expect([read('num_requests_running'), read('num_requests_waiting'), read('kv_cache_usage_perc')]).toEqual([
        0, 0, 0,
      ]);
    }));

  test('what it refuses leaves its counts alone', () =>
    withDoor(async (door, fetch) => {
      const refused = await fetch(`${door.pod(SLOT)}/v1/completions`, post({ ...BODY, model: 'gpt-9' }));
      expect(refused.status).toBe(404);
      const text = await (await fetch(`${door.pod(SLOT)}/metrics`)).text();
      expect(metric(text, 'vllm:time_to_first_token_seconds_count')).toBe(0);
      expect(metric(text, 'vllm:prompt_tokens_total')).toBe(0);
    }));
});
