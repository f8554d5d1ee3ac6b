import { describe, expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';
import { scenario } from '../support/scenario.ts';
import { post } from '../support/wire.ts';

const SLOT = 'chat/main/0';
const WORDS = { model: 'qwen3-8b', max_tokens: 4_000, ignore_eos: true };
const MESSAGES = { ...WORDS, messages: [{ role: 'user', content: 'Hello' }] };
const PROMPTS = Array.from({ length: 60 }, () => Array.from({ length: 2_000 }, (_, at) => at));
const ANSWERS: readonly (readonly [string, object])[] = [
  ['/v1/completions', { ...WORDS, prompt: 'Hello', n: 2 }],
  ['/v1/chat/completions', MESSAGES],
  ['/v1/responses', { ...WORDS, input: 'Hello', max_output_tokens: 4_000 }],
  ['/v1/messages', MESSAGES],
  ['/v1/embeddings', { model: 'qwen3-8b', input: PROMPTS }],
];

/** What a client saw of a call whose pod dies a second after it came; null where the connection broke. */
async function seenAndLogged(
  path: string,
  body: object,
  base: (lab: Lab) => string,
): Promise<{ seen: number | null; broke: boolean; logged: number | undefined }> {
  const timeline = [{ at: '1s', do: 'kill-pod', service: 'chat', deployment: 'main', instance: 0 }];
  const lab = Lab.fromObject(scenario({ timeline }));
  let seen: number | null = null;
  let broke = false;
  await lab.run(async () => {
    try {
      const response = await lab.fetch(base(lab) + path, post(body, lab.apiKey('chat')));
      seen = response.status;
      await response.text();
    } catch {
      broke = true;
    }
  });
  lab.simulate();
  return { seen, broke, logged: lab.requests()[0]!.status };
}

describe('of an answer whose pod dies, the log says what its client saw', () => {
  test.each(ANSWERS)('at the gateway, %s whole: 502', async (path, body) => {
    const atGateway = (lab: Lab): string => lab.url('chat').replace(/\/v1$/, '');
    expect(await seenAndLogged(path, body, atGateway)).toEqual({ seen: 502, broke: false, logged: 502 });
  });

  test.each(ANSWERS.slice(0, 4))('at the gateway, %s streamed: 200, and a broken connection', async (path, body) => {
    const atGateway = (lab: Lab): string => lab.url('chat').replace(/\/v1$/, '');
    const streamed = { ...body, stream: true };
    expect(await seenAndLogged(path, streamed, atGateway)).toEqual({ seen: 200, broke: true, logged: 200 });
  });

  test.each(ANSWERS)('at the pod, %s whole: a broken connection, and no status', async (path, body) => {
    expect(await seenAndLogged(path, body, (lab) => lab.podUrl(SLOT))).toEqual({ seen: null, broke: true, logged: 0 });
  });
});
