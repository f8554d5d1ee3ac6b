import { describe, expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';

const SMALL = 'test/fixtures/small.yaml';
const quiet = (): Lab => Lab.fromFile(SMALL, { settings: ['traffic=[]', 'timeline=[]'] });

function ask(lab: Lab, maxTokens: number, init: RequestInit = {}): Promise<Response> {
  return lab.fetch(`${lab.url('chat')}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${lab.apiKey('chat')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], max_tokens: maxTokens, ignore_eos: true }),
    ...init,
  });
}

describe('the edges of lab.run', () => {
  test('code that waits for nothing beside a ticking timer fails, and the next lab runs', async () => {
    const waits = quiet().run(async () => {
      setInterval(() => {}, 60_000);
      await new Promise(() => {});
    });
    await expect(waits).rejects.toThrow('a day of simulated time has passed');
    await expect(quiet().run(async () => (await quiet().nowMs) >= 0)).resolves.toBe(true);
  });

  test('two labs at once are refused, and the first is not disturbed', async () => {
    const first = quiet();
    const running = first.run(async () => (await ask(first, 5)).status);
    await expect(quiet().run(async () => 1)).rejects.toThrow('lab.run is running already');
    await expect(running).resolves.toBe(200);
  });

  test('a signal aborted after its answer does nothing', async () => {
    const lab = quiet();
    const controller = new AbortController();
    await lab.run(async () => (await ask(lab, 5, { signal: controller.signal })).json());
    controller.abort();
    expect(lab.requests()).toHaveLength(1);
  });

  test("AbortSignal.timeout counts the lab's time", async () => {
    const lab = quiet();
    const took = await lab.run(async () => {
      const began = performance.now();
      const answer = ask(lab, 5_000, { signal: AbortSignal.timeout(100) });
      await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' });
      return performance.now() - began;
    });
    expect(took).toBeGreaterThanOrEqual(100);
    expect(took).toBeLessThan(102);
    expect(lab.figures().requests.aborted + lab.figures().requests.inFlight).toBe(1);
  });

  test('a fault that makes no sense is refused', () => {
    const lab = quiet();
    const target = { service: 'chat', deployment: 'main', instance: 0 } as const;
    expect(() => lab.fault({ kind: 'slow-engine', ...target, factor: -1 })).toThrow('got factor -1');
    expect(() => lab.fault({ kind: 'kill-pod', ...target, instance: 9 })).toThrow(
      'no such pod; there are chat/main/0, chat/main/1',
    );
    expect(() => lab.fault({ kind: 'refuse', service: 'caht', status: 503 })).toThrow(
      'no service "caht"; did you mean "chat"?',
    );
  });
});
