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
