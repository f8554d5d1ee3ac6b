import { execFile } from 'node:child_process';
import OpenAI from 'openai-v6';
import { expect, test } from 'vitest';
import { OPENAI_CLIENTS } from '../clients/openai.ts';
import { describeWith, which } from '../support/needs.ts';
import { run } from '../support/process.ts';
import { withSimulator } from '../support/simulator.ts';
import { until } from '../support/until.ts';

const client = OPENAI_CLIENTS[0]!;

test('a client that tries again gets through an upgrade without spare instances', async () => {
  const requests = await withSimulator(
    {
      timeline: [
        {
          do: 'upgrade',
          service: 'chat',
          deployment: 'main',
          at: '1s',
          set: { units: [{ name: 'role-0', image: { name: 'vllm-2' } }] },
        },
      ],
      deployment: { maxSurge: '1%', maxUnavailable: '100%' },
      unit: { probes: { startup: { path: '/health', interval: '1s', delay: '1s' } } },
    },
    async (simulator) => {
      // Twenty simulated seconds a second: the pod is gone for a minute or two.
      await until(
        async () => (await client.ask({ ...simulator.gateway, maxTokens: 1, retries: 0 })).error?.status === 503,
      );
      simulator.journal();
      const seen = await client.ask({ ...simulator.gateway, maxTokens: 1, retries: 10 });
      expect(seen).toMatchObject({ error: null });
      expect(simulator.kinds().length).toBeGreaterThan(1);
    },
    ['--speed', '20'],
  );
  expect(requests.some(({ status }) => status === 503)).toBe(true);
  expect(requests.at(-1)).toMatchObject({ status: 200, outcome: 'completed' });
});

const GAUGES = ['vllm:num_requests_running', 'vllm:num_requests_waiting', 'vllm:kv_cache_usage_perc'];

test('after R requests of P prompt and T output tokens the counters of vLLM are R, R(T-1), RP and RT', async () => {
  const [r, p, t] = [8, 40, 12];
  await withSimulator({}, async (simulator) => {
    const openai = new OpenAI({ baseURL: `${simulator.pod(0)}/v1`, apiKey: 'none', maxRetries: 0 });
    const prompt = Array.from({ length: p }, (_, at) => at);
    const { model } = simulator.gateway;
    await Promise.all(
      Array.from({ length: r }, async (_, index) => {
        const body = { model, prompt, max_tokens: t };
        if (index % 2 === 0) return openai.completions.create(body);
        for await (const { choices } of await openai.completions.create({ ...body, stream: true })) void choices;
        return undefined;
      }),
    );
    await simulator.idle();
    const figures = {
      'vllm:request_success_total': r,
      'vllm:time_to_first_token_seconds_count': r,
      'vllm:inter_token_latency_seconds_count': r * (t - 1),
      'vllm:prompt_tokens_total': r * p,
      'vllm:generation_tokens_total': r * t,
      'vllm:iteration_tokens_total_sum': r * (p + t),
    };
    for (const [name, value] of Object.entries(figures)) expect(await simulator.metric(name), name).toBe(value);
    for (const gauge of GAUGES) expect(await simulator.metric(gauge), gauge).toBe(0);
    const calls = simulator.journal();
    expect(calls.map(({ command }) => command.call?.promptTokens)).toEqual(Array(r).fill(p));

    await client.ask({ ...simulator.gateway, stream: true, maxTokens: 2_000, leaveAfter: 3 });
    await simulator.idle();
    for (const gauge of GAUGES) expect(await simulator.metric(gauge), gauge).toBe(0);
    expect(simulator.kinds()).toEqual(['call', 'disconnect']);
  });
});

describeWith(which('promtool'), 'promtool', (command) => {
  test("finds nothing wrong with what a pod exposes, but for two habits of vLLM's names", async () => {
    await withSimulator({}, async (simulator) => {
      await client.ask({ ...simulator.gateway, maxTokens: 3 });
      const text = await (await fetch(`${simulator.pod(0)}/metrics`)).text();
      const lint = await new Promise<string>((resolve) => {
        const child = execFile(command, ['check', 'metrics'], (_, stdout, stderr) => resolve(stdout + stderr));
        child.stdin!.end(text);
      });
      const lines = lint.split('\n').filter((line) => line !== '' && !line.endsWith("should not contain ':'"));
      expect(lines).toEqual(['vllm:iteration_tokens_total non-counter metrics should not have "_total" suffix']);
      expect(simulator.kinds()).toEqual(['call']);
    });
  });
});

describeWith(which('prometheus'), 'Prometheus', (command) => {
  test('scrapes a pod, and its alert fires', async () => {
    await withSimulator({ replyTokens: 2_000 }, async (simulator) => {
      const prometheus = await run({
        command,
        config: (_, folder) =>
          JSON.stringify({
            global: { scrape_interval: '1s', evaluation_interval: '1s' },
            rule_files: [`${folder}/config.rules`],
            scrape_configs: [{ job_name: 'pods', static_configs: [{ targets: [new URL(simulator.pod(0)).host] }] }],
          }),
        more: {
          'config.rules': JSON.stringify({
            groups: [{ name: 'busy', rules: [{ alert: 'Busy', expr: 'vllm:num_requests_running > 0' }] }],
          }),
        },
        args: (port, config, folder) => [
          `--config.file=${config}`,
          `--storage.tsdb.path=${folder}/data`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
      });
      try {
        const leaving = client.ask({ ...simulator.gateway, stream: true, leaveAfterMs: 15_000 });
        await until(async () => {
          const answer = await fetch(`${prometheus.url}/api/v1/alerts`);
          // It listens before it is ready.
          if (!answer.ok) return false;
          const { data } = (await answer.json()) as { data?: { alerts: { state: string }[] } };
          return data?.alerts[0]?.state === 'firing';
        });
        expect(simulator.kinds()).toEqual(['call']);
        await leaving;
      } finally {
        await prometheus.stop();
      }
    });
  });
});
