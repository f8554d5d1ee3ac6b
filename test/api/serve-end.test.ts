import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { Serving, SMALL } from '../support/cli.ts';
import { streamChat } from '../support/openai.ts';

const QUIET = [SMALL, '--no-traffic', '--set', 'services.0.replies={"output":{"kind":"fixed","tokens":60}}'];

function clientOf(serving: Serving): OpenAI {
  const { baseURL, apiKey } = serving.client;
  return new OpenAI({ baseURL, apiKey, maxRetries: 0 });
}

async function firstToken(serving: Serving) {
  const stream = await clientOf(serving).chat.completions.create({
    model: serving.client.model,
    messages: [{ role: 'user', content: 'Hello' }],
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = stream[Symbol.asyncIterator]();
  await chunks.next();
  return chunks;
}

const verdictOf = (stdout: string) => JSON.parse(stdout.trimEnd().split('\n').at(-1)!);

describe('the end of inferlab serve', () => {
  test('SIGTERM lets a stream finish, refuses new requests, and exits with the verdict', async () => {
    const serving = await Serving.start([...QUIET, '--set', 'expect=["requests.completed == 1"]']);
    const chunks = await firstToken(serving);
    serving.signal('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const late = streamChat(clientOf(serving), { model: serving.client.model, content: 'Late' });
    await expect(late).rejects.toMatchObject({ status: 503 });
    let usage: unknown;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next())
      usage = next.value.usage ?? usage;
    expect(usage).toMatchObject({ completion_tokens: 60 });
    const { code, stdout } = await serving.ended();
    expect(verdictOf(stdout)).toMatchObject({ verdict: 'pass', requests: { completed: 1, refused: 1 } });
    expect(code).toBe(0);
  });

  test('a verdict that fails is exit code 1', async () => {
    const serving = await Serving.start([...QUIET, '--set', 'expect=["requests.completed == 1"]']);
    const { code, stdout } = await serving.stop();
    expect(verdictOf(stdout).verdict).toBe('fail');
    expect(code).toBe(1);
  });

  test('a second signal cuts what is in flight and stops at once', async () => {
    const long = 'services.0.replies={"output":{"kind":"fixed","tokens":4000}}';
    const serving = await Serving.start([...QUIET, '--set', long, '--set', 'expect=["requests.cut == 1"]']);
    const chunks = await firstToken(serving);
    serving.signal('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(serving.child.exitCode).toBeNull();
    serving.signal('SIGTERM');
    await expect(
      (async () => {
        for (let next = await chunks.next(); next.done !== true; next = await chunks.next());
      })(),
    ).rejects.toThrow();
    const { code, stdout } = await serving.ended();
    expect(verdictOf(stdout)).toMatchObject({ verdict: 'pass', requests: { cut: 1, inFlight: 0 } });
    expect(code).toBe(0);
  });

  test('a slow reader gets its whole answer before a drained session ends', async () => {
    const long = 'services.0.replies={"output":{"kind":"fixed","tokens":16000}}';
    const serving = await Serving.start([...QUIET, '--set', long, '--speed', '100']);
    const { baseURL, apiKey } = serving.client;
    const response = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], stream: true }),
    });
    serving.signal('SIGTERM');
    const { hostname, port } = new URL(baseURL);
    const refused = (): Promise<boolean> =>
      fetch(`http://${hostname}:${port}/v1/models`).then(
        () => false,
        () => true,
      );
    // The answer is complete, and mostly unread, once the session listens no more.
    while (!(await refused())) await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await response.text()).endsWith('data: [DONE]\n\n')).toBe(true);
    await serving.ended();
  });

  test('--until-end ends with the scenario', async () => {
    const serving = await Serving.start([SMALL, '--until-end', '--speed', '100']);
    const { code, stdout } = await serving.ended();
    expect(code).toBe(0);
    expect(verdictOf(stdout)).toMatchObject({
      scenario: 'small',
      verdict: 'pass',
      requests: { total: 36, inFlight: 0 },
    });
  });

  test("a pod's port is closed while nobody runs there and taken over by its replacement", async () => {
    const serving = await Serving.start([SMALL, '--speed', '100', '--set', 'traffic=[]', '--set', 'duration=10m']);
    const { url } = serving.addresses.pods[0]!;
    const alive = (): Promise<boolean> =>
      fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
    const wait = async (until: boolean): Promise<void> => {
      const giveUp = Date.now() + 20_000;
      while ((await alive()) !== until) {
        expect(Date.now(), `the pod at ${url} never became ${until ? 'healthy' : 'dead'}`).toBeLessThan(giveUp);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    await wait(true);
    await wait(false);
    await wait(true);
    await serving.stop();
  });
});
