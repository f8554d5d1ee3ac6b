import { describe, expect, test } from 'vitest';
import { DOORS } from '../support/doors.ts';
import { scenario } from '../support/scenario.ts';
import { post } from '../support/wire.ts';

const SLOT = 'chat/main/0';
const LONG = { model: 'qwen3-8b', prompt: 'Hello', max_tokens: 4_000, ignore_eos: true, n: 2, stream: true };
/** When its client comes, and how often it looks at the pod: by its own clock, which runs 50 times slower with sockets. */
const CLIENT: Readonly<Record<string, { comesMs: number; looksMs: number }>> = {
  'live sockets': { comesMs: 0, looksMs: 2 },
  'lab.fetch': { comesMs: 39_000, looksMs: 300 },
};

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe.each(DOORS)('a pod that is killed, through $name', ({ name, open }) => {
  test('cuts its streams, refuses, answers 503 while it loads, and is healthy again', async () => {
    const timeline = [{ at: '40s', do: 'kill-pod', service: 'chat', deployment: 'main', instance: 0 }];
    const door = await open(scenario({ timeline }, 1));
    try {
      await door.within(async (fetch) => {
        const { comesMs, looksMs } = CLIENT[name]!;
        await pause(comesMs);
        const cut = async (base: string, key?: string): Promise<void> => {
          const response = await fetch(`${base}/v1/completions`, post(LONG, key));
          expect(response.status).toBe(200);
          await expect(response.text()).rejects.toThrow();
        };
        const look = async (): Promise<number | 'refused'> => {
          const health = fetch(`${door.pod(SLOT)}/health`);
          return health.then(
            async (response) => {
              await response.text();
              return response.status;
            },
            () => 'refused',
          );
        };
        const seen: (number | 'refused')[] = [];
        const watch = async (): Promise<void> => {
          // Until it is healthy again.
          while (!(seen.includes(503) && seen.at(-1) === 200)) {
            const next = await look();
            if (next !== seen.at(-1)) seen.push(next);
            await pause(looksMs);
          }
        };
        await Promise.all([watch(), cut(door.pod(SLOT)), cut(door.url('chat'), door.apiKey('chat'))]);
        // By the wall clock the port is closed for some hundredths of a second: a busy machine may look past them.
        const refused = name === 'lab.fetch' || seen.includes('refused') ? ['refused'] : [];
        expect(seen).toEqual([200, ...refused, 503, 200]);
      });
    } finally {
      door.close();
    }
  });
});
