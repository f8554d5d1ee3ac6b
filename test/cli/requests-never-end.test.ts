import { describe, expect, test } from 'vitest';
import { inferlab } from '../support/cli.ts';

/** A pod hangs without a probe that would find out. @param probes of its unit */
const hanging = (probes: string, more = ''): string => `inferlab: 1
name: hang
duration: 30s
pools: [{ name: pool-a, nodes: [{ flavor: h100-8, count: 1 }] }]
services:
  - name: chat
${more}
    deployments:
      - { name: main, pool: pool-a, instances: 2, units: [{ model: qwen3-8b, probes: ${probes} }] }
traffic:
  - name: users
    service: chat
    arrivals: { kind: constant, rate: 2 }
    lengths: { prompt: { kind: fixed, tokens: 100 }, output: { kind: fixed, tokens: 50 } }
timeline:
  - { at: 10s, do: hang-container, service: chat, deployment: main, instance: 0 }
expect: [requests.failed == 0]
`;

interface Told {
  readonly verdict: string;
  readonly requestsNeverEnded: number;
  readonly requests: { readonly inFlight: number; readonly cut: number };
}

async function verdictOf(input: string): Promise<Told & { readonly code: number | null }> {
  const { code, stdout, stderr } = await inferlab(['run', '-', '--json'], { input });
  expect(stderr).toBe('');
  return { code, ...(JSON.parse(stdout) as Told) };
}

describe('requests that nothing ends', () => {
  test.each([
    ['nobody checks', '{}'],
    ['checks go on for ever', '{ readiness: { interval: 5s, delay: 5s } }'],
  ])('fail the verdict and end the run: %s', async (_name, probes) => {
    const { code, verdict, requestsNeverEnded, requests } = await verdictOf(hanging(probes));
    expect(requestsNeverEnded).toBeGreaterThan(0);
    expect(requests).toMatchObject({ inFlight: requestsNeverEnded, cut: 0 });
    expect([code, verdict]).toEqual([1, 'fail']);
  });

  test('are told in both texts', async () => {
    const input = hanging('{}');
    const { stdout } = await inferlab(['run', '-'], { input });
    expect(stdout).toMatch(/BROKEN {2}\d+ requests never ended: their pods do not answer/);
    const { stdout: story } = await inferlab(['explain', '-'], { input });
    expect(story).toMatch(/chat\/main\/0 {2}requests never end \(x\d+\)/);
  });

  test('are not confused with what comes too late', async () => {
    const { stdout } = await inferlab(['run', '-', '--set', 'timeline.0.at=10m'], { input: hanging('{}') });
    expect(stdout).toContain('NOTE  1 entry of the timeline never came: the run was over before\n');
    expect(stdout).not.toContain('never ended');
  });

  test('are none where the service has a timeout', async () => {
    const { requestsNeverEnded, requests } = await verdictOf(hanging('{}', '    requestTimeout: 20s'));
    expect(requestsNeverEnded).toBe(0);
    expect(requests.inFlight).toBe(0);
    expect(requests.cut).toBeGreaterThan(0);
  });
});
