import { randomBytes } from 'node:crypto';
import OpenAI from 'openai-v6';
import { afterEach, describe, expect, test } from 'vitest';
import { OPENAI_CLIENTS } from '../clients/openai.ts';
import { liteLlmProxy } from '../support/lite-llm-proxy.ts';
import { describeWith, python, which } from '../support/needs.ts';
import { portkeyTarget, portkey as startPortkey } from '../support/portkey.ts';
import { type Program, type Running, run } from '../support/process.ts';
import { MODEL, pod, type World } from '../support/scenario.ts';
import { type Entry, Simulator } from '../support/simulator.ts';
import { pause, until } from '../support/until.ts';

const client = OPENAI_CLIENTS[0]!;
const open: { stop(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop();
});

async function simulate(world: World): Promise<Simulator> {
  const simulator = await Simulator.start(world);
  open.push(simulator);
  return simulator;
}

async function start(program: Program): Promise<Running> {
  return opened(await run(program));
}

/** To be stopped when the case is over. */
function opened(running: Running): Running {
  open.push(running);
  return running;
}

/** How a client reaches something in front of the pods. */
const through = (url: string) => ({ baseURL: `${url}/v1`, apiKey: 'none', model: MODEL });
const host = (url: string): string => new URL(url).host;
const slots = (entries: readonly Entry[]): (string | undefined)[] =>
  entries.map(({ command }) => command.call?.to.slot);

/** Both pods get a share, and a pod that dies makes no client see an error. */
async function failsOver(start: (simulator: Simulator) => Promise<Running>): Promise<void> {
  const simulator = await simulate({ instances: 2 });
  const { url } = await start(simulator);
  for (let count = 0; count < 4; count++) {
    expect(await client.ask({ ...through(url), maxTokens: 2, retries: 0 })).toMatchObject({ error: null });
  }
  const before = slots(simulator.journal()).filter((slot) => slot !== undefined);
  expect(before.toSorted()).toEqual([...Array(2).fill('chat/main/0'), ...Array(2).fill('chat/main/1')]);
}

async function survivesADeath(start: (simulator: Simulator) => Promise<Running>): Promise<void> {
  const simulator = await simulate({ instances: 2, timeline: [{ do: 'kill-pod', ...pod(0), at: '5s' }] });
  const { url } = await start(simulator);
  await until(() =>
    fetch(`${simulator.pod(0)}/health`).then(
      () => false,
      () => true,
    ),
  );
  simulator.journal();
  for (let count = 0; count < 4; count++) {
    expect(await client.ask({ ...through(url), maxTokens: 2, retries: 0 })).toMatchObject({ error: null });
  }
  expect(slots(simulator.journal())).toEqual(Array(4).fill('chat/main/1'));
}

async function passesStreams(start: (simulator: Simulator) => Promise<Running>, toldOfLeaving = true): Promise<void> {
  const simulator = await simulate({ replyTokens: 100 });
  const { url } = await start(simulator);
  const { baseURL, apiKey, model } = through(url);
  const openai = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const messages = [{ role: 'user' as const, content: 'Hello there' }];
  const asked = performance.now();
  const stream = await openai.chat.completions.create({ model, messages, stream: true });
  const at: number[] = [];
  for await (const _ of stream) at.push(performance.now() - asked);
  // Nothing is held back: of two seconds of tokens, the first came early.
  expect(at[5]! - at[0]!).toBeLessThan(600);
  expect(at.at(-1)! - at[0]!).toBeGreaterThan(1_200);
  expect(simulator.kinds()).toEqual(['call']);

  await client.ask({ ...through(url), stream: true, leaveAfter: 3 });
  await pause(500);
  expect(simulator.kinds()).toEqual(toldOfLeaving ? ['call', 'disconnect'] : ['call']);
  if (!toldOfLeaving) expect(await simulator.metric('vllm:num_requests_running')).toBe(1);
  await simulator.idle();
}

/** A pod that says nothing becomes a 504 that is no JSON. */
async function givesUp(start: (simulator: Simulator) => Promise<Running>): Promise<void> {
  const simulator = await simulate({ timeline: [{ do: 'hang-container', ...pod(), at: '0s' }] });
  const { url } = await start(simulator);
  const seen = await client.ask({ ...through(url), retries: 0 });
  expect(seen.error).toMatchObject({ name: 'InternalServerError', status: 504 });
  await pause(200);
  expect(simulator.kinds()).toEqual(['call', 'disconnect']);
}

/** A stream that falls silent is cut, and its pod told so. */
async function cutsASilence(start: (simulator: Simulator) => Promise<Running>): Promise<void> {
  const timeline = [{ do: 'hang-container', ...pod(), at: '4s' }];
  const simulator = await simulate({ replyTokens: 2_000, timeline });
  const { url } = await start(simulator);
  const seen = await client.ask({ ...through(url), stream: true, retries: 0 });
  expect(seen.error).toMatchObject({ name: 'TypeError', message: 'terminated' });
  expect(seen.pieces).toBeGreaterThan(1);
  await pause(200);
  expect(simulator.kinds()).toEqual(['call', 'disconnect']);
}

describeWith(which('nginx'), 'nginx', (command) => {
  const nginx = (simulator: Simulator): Promise<Running> =>
    start({
      command,
      args: (_, config, folder) => ['-c', config, '-p', folder, '-e', 'stderr'],
      config: (port, folder) => `
        daemon off; master_process off; pid ${folder}/pid; error_log stderr;
        events {}
        http {
          access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
          uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
          upstream pods { ${simulator.addresses.pods.map(({ url }) => `server ${host(url)};`).join(' ')} }
          server {
            listen 127.0.0.1:${port};
            location / { proxy_pass http://pods; proxy_http_version 1.1; proxy_read_timeout 2s;
              proxy_next_upstream error timeout http_503 non_idempotent; }
          }
        }`,
    });
  test('spreads requests over the pods', () => failsOver(nginx));
  test('turns to the other pod when one dies', () => survivesADeath(nginx));
  test('passes streams as they come, and tells of a client that left', () => passesStreams(nginx));
  test('answers 504 for a pod that hangs', () => givesUp(nginx));
  test('cuts a stream that falls silent', () => cutsASilence(nginx));

  test('sets a pod aside for its first silence, whatever it could do since', async () => {
    const simulator = await simulate({ instances: 2, timeline: [{ do: 'hang-container', ...pod(0), at: '0s' }] });
    const { url } = await nginx(simulator);
    for (let count = 0; count < 6; count++) {
      expect(await client.ask({ ...through(url), maxTokens: 2, retries: 0 })).toMatchObject({ error: null });
    }
    const called = slots(simulator.journal()).filter((slot) => slot !== undefined);
    expect(called.filter((slot) => slot === 'chat/main/0')).toHaveLength(1);
    expect(called.filter((slot) => slot === 'chat/main/1')).toHaveLength(6);
  });
});

describeWith(which('haproxy'), 'haproxy', (command) => {
  const haproxy = (simulator: Simulator): Promise<Running> =>
    start({
      command,
      args: (_, config) => ['-db', '-f', config],
      config: (port) => `
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 2s
  retries 2
  retry-on conn-failure 503
  option redispatch 1
listen pods
  bind 127.0.0.1:${port}
  balance roundrobin
  option httpchk GET /health
${simulator.addresses.pods.map(({ url }, index) => `  server pod${index} ${host(url)} check inter 200ms`).join('\n')}
`,
    });
  test('spreads requests over the pods', () => failsOver(haproxy));
  test('turns to the other pod when one dies', () => survivesADeath(haproxy));
  test('passes streams as they come, and tells of a client that left', () => passesStreams(haproxy));
  test('answers 504 for a pod that hangs', () => givesUp(haproxy));
  test('cuts a stream that falls silent', () => cutsASilence(haproxy));
});

describe('Portkey 1.15.2', () => {
  const portkey = async (): Promise<Running> => opened(await startPortkey());
  /** A client of Portkey's, with the targets in its own headers. */
  const asker = (url: string, config: object): OpenAI =>
    new OpenAI({
      baseURL: `${url}/v1`,
      apiKey: 'none',
      maxRetries: 0,
      defaultHeaders: { 'x-portkey-config': JSON.stringify(config) },
    });
  const target = (podUrl: string, more: object = {}): object => portkeyTarget(`${podUrl}/v1`, 'none', more);
  const body = { model: MODEL, messages: [{ role: 'user' as const, content: 'Hello there' }], max_tokens: 2 };

  test('balances by weight', async () => {
    const simulator = await simulate({ instances: 2 });
    const { url } = await portkey();
    const openai = asker(url, {
      strategy: { mode: 'loadbalance' },
      targets: [target(simulator.pod(0), { weight: 0.7 }), target(simulator.pod(1), { weight: 0.3 })],
    });
    for (let count = 0; count < 40; count++) await openai.chat.completions.create(body);
    const called = slots(simulator.journal());
    expect(called).toHaveLength(40);
    const first = called.filter((slot) => slot === 'chat/main/0').length;
    // Four standard deviations of a coin of 0.7.
    expect(Math.abs(first - 28)).toBeLessThan(12);
  });

  test('falls back when the platform refuses, and the platform sees both', async () => {
    const simulator = await simulate({
      timeline: [{ do: 'refuse', service: 'chat', status: 503, at: '0s' }],
    });
    const { url } = await portkey();
    const { baseURL, apiKey } = simulator.gateway;
    const openai = asker(url, {
      strategy: { mode: 'fallback' },
      targets: [portkeyTarget(baseURL, apiKey), target(simulator.pod(0))],
    });
    const answer = await openai.chat.completions.create(body);
    expect(answer.usage!.completion_tokens).toBe(2);
    expect(simulator.journal().map(({ command }) => command.call?.to)).toEqual([
      { service: 'chat' },
      { slot: 'chat/main/0' },
    ]);
  });

  test('gives up on a pod that hangs with a 408, and tells it', async () => {
    const simulator = await simulate({ timeline: [{ do: 'hang-container', ...pod(), at: '0s' }] });
    const { url } = await portkey();
    const openai = asker(url, target(simulator.pod(0), { request_timeout: 1_000 }));
    await expect(openai.chat.completions.create(body)).rejects.toMatchObject({ status: 408 });
    await pause(200);
    expect(simulator.kinds()).toEqual(['call', 'disconnect']);
  });

  test('asks again as it was told to', async () => {
    const simulator = await simulate({
      timeline: [{ do: 'refuse', service: 'chat', status: 503, at: '0s', for: '5s' }],
    });
    const { url } = await portkey();
    const { baseURL, apiKey } = simulator.gateway;
    const retry = { attempts: 5, on_status_codes: [503] };
    const openai = asker(url, portkeyTarget(baseURL, apiKey, { retry }));
    const answer = await openai.chat.completions.create(body);
    expect(answer.usage!.completion_tokens).toBe(2);
    expect(simulator.kinds().length).toBeGreaterThan(1);
  });

  test("passes refusals on in words of its own: a status stays, and the platform's words are lost", async () => {
    const simulator = await simulate({ timeline: [{ do: 'refuse', service: 'chat', status: 429, at: '0s' }] });
    const { url } = await portkey();
    const { baseURL, apiKey } = simulator.gateway;
    const atPod = asker(url, target(simulator.pod(0)));
    await expect(atPod.chat.completions.create({ ...body, model: 'gpt-9' })).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('openai error: The model `gpt-9` does not exist.'),
    });
    const atPlatform = asker(url, portkeyTarget(baseURL, apiKey));
    await expect(atPlatform.chat.completions.create(body)).rejects.toMatchObject({
      status: 429,
      message: expect.not.stringContaining('APIG'),
    });
    expect(simulator.kinds()).toEqual(['call', 'call']);
  });

  test('passes models and embeddings', async () => {
    const simulator = await simulate({});
    const { url } = await portkey();
    const openai = asker(url, target(simulator.pod(0)));
    expect((await openai.models.list()).data).toMatchObject([{ id: MODEL }]);
    const { data } = await openai.embeddings.create({ model: MODEL, input: ['Hello there', 'and more'] });
    expect(data.map(({ index }) => index)).toEqual([0, 1]);
    expect(data[0]!.embedding.length).toBeGreaterThan(100);
    expect(slots(simulator.journal())).toEqual(['chat/main/0']);
  });

  test('passes streams, and does not tell of a client that left: the answer is computed to its end', async () => {
    const tokens = 100;
    const simulator = await simulate({ replyTokens: tokens });
    const { url } = await portkey();
    const openai = asker(url, target(simulator.pod(0)));
    const stream = await openai.chat.completions.create({ ...body, max_tokens: tokens, stream: true });
    let pieces = 0;
    for await (const { choices } of stream) {
      if (choices[0]?.delta.content) pieces++;
      if (pieces === 3) stream.controller.abort();
    }
    expect(pieces).toBeLessThan(tokens);
    await simulator.idle();
    expect(simulator.kinds()).toEqual(['call']);
    expect(await simulator.metric('vllm:generation_tokens_total')).toBe(tokens);
  });
});

describeWith(python('litellm', 'litellm'), 'the LiteLLM proxy', () => {
  const key = `sk-${randomBytes(32).toString('hex')}`;
  const proxy = async (simulator: Simulator, names: readonly string[], fallbacks: object[] = []): Promise<Running> =>
    opened(
      await liteLlmProxy(
        simulator.addresses.pods.map(({ url }) => url),
        key,
        names,
        fallbacks,
      ),
    );

  test('answers whole and streamed, and both pods get a share', { timeout: 240_000 }, async () => {
    const simulator = await simulate({ instances: 2 });
    const { url } = await proxy(simulator, [MODEL, MODEL]);
    for (let count = 0; count < 20; count++) {
      const seen = await client.ask({ ...through(url), apiKey: key, stream: count % 2 === 0, maxTokens: 3 });
      expect(seen).toMatchObject({ finishReason: 'length', usage: { completion: 3 }, error: null });
    }
    const called = new Set(slots(simulator.journal()));
    expect([...called].sort()).toEqual(['chat/main/0', 'chat/main/1']);
  });

  test('falls back from a pod that is dead', { timeout: 240_000 }, async () => {
    const simulator = await simulate({ instances: 2, timeline: [{ do: 'kill-pod', ...pod(0), at: '0s' }] });
    const { url } = await proxy(simulator, [MODEL, 'spare'], [{ [MODEL]: ['spare'] }]);
    for (let count = 0; count < 4; count++) {
      const seen = await client.ask({ ...through(url), apiKey: key, maxTokens: 2, retries: 0 });
      expect(seen).toMatchObject({ usage: { completion: 2 }, error: null });
    }
    expect(slots(simulator.journal())).toEqual(Array(4).fill('chat/main/1'));
  });
});
