import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ComparedService } from '../../src/cli/compare-targets.ts';
import { comparisonText } from '../../src/cli/compare-text.ts';
import { Lab } from '../../src/index.ts';
import { inferlab, Serving, SMALL, scratch } from '../support/cli.ts';
import { chatService, scenario } from '../support/scenario.ts';

const folder = scratch();
const ASK = ['--prompt', 'Why is the sky blue?', '--max-tokens', '16'];

/** Within which a server has started, on a machine that is busy. */
const START_MS = 60_000;

interface Told {
  readonly scenario?: string;
  readonly seed?: number;
  readonly simulatedSeconds?: number;
  readonly prompt: string;
  readonly maxTokens: number | null;
  readonly services: readonly ComparedService[];
}

const told = (stdout: string): Told => JSON.parse(stdout) as Told;

/** Three services on one node; `idle` is stopped five seconds after all are ready. */
function three(name: string): string {
  const file = join(folder, name);
  const services = ['chat', 'other', 'idle'].map((each) => chatService(each, 1));
  const timeline = [{ at: '5s', do: 'stop', service: 'idle' }];
  const traffic = [
    {
      name: 'users',
      service: 'other',
      arrivals: { kind: 'poisson', rate: 5 },
      lengths: { prompt: { kind: 'fixed', tokens: 500 }, output: { kind: 'fixed', tokens: 100 } },
    },
  ];
  writeFileSync(file, JSON.stringify(scenario({ services, traffic, timeline, duration: '2m' })));
  return file;
}

describe('inferlab compare, in virtual time', () => {
  test('measures what the simulation knows of these requests', async () => {
    const file = three('figures.json');
    const { code, stdout, stderr } = await inferlab(['compare', file, ...ASK, '--at', '3s', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { services, ...rest } = told(stdout);
    const lab = Lab.fromFile(file);
    lab.runUntilReady();
    lab.runUntil(lab.nowMs + 3_000);
    expect(rest).toEqual({
      scenario: 'test',
      seed: 7,
      simulatedSeconds: expect.closeTo(lab.nowMs / 1_000, 6),
      prompt: 'Why is the sky blue?',
      maxTokens: 16,
    });
    // The same requests, by hand.
    const before = lab.requests().length;
    await lab.run(() => Promise.all(['chat', 'other', 'idle'].map((service) => ask(lab, service))));
    const asked = lab
      .requests()
      .slice(before)
      .filter(({ outputTokensDue }) => outputTokensDue === 16);
    expect(new Set(asked.map(({ arrivedAt }) => arrivedAt / 1e6))).toEqual(new Set([rest.simulatedSeconds]));
    expect(services.map(({ name }) => name)).toEqual(['chat', 'other', 'idle']);
    for (const { service, arrivedAt, firstTokenAt, endedAt, promptTokens } of asked) {
      const { ttftMs, tpotMs, e2eMs, itlMs, tokensPerSecond, ...figures } = services[service]!;
      expect(ttftMs).toBeCloseTo((firstTokenAt - arrivedAt) / 1_000, 3);
      expect(e2eMs).toBeCloseTo((endedAt - arrivedAt) / 1_000, 3);
      expect(tpotMs).toBeCloseTo((endedAt - firstTokenAt) / 15 / 1_000, 2);
      expect(tokensPerSecond).toBeCloseTo(16 / ((endedAt - arrivedAt) / 1e6), 2);
      expect(ttftMs! + itlMs.reduce((sum, each) => sum + each, 0)).toBeCloseTo(e2eMs!, 1);
      expect(figures).toMatchObject({ state: 'RUNNING', answered: true, httpStatus: 200, promptTokens });
      expect(figures).toMatchObject({ model: 'qwen3-8b', outputTokens: 16, finishReason: 'length', failure: null });
      expect(figures.text.split(' ').length).toBeGreaterThan(3);
    }
    // The traffic of the scenario goes on beside it.
    expect(services[1]!.tpotMs).toBeGreaterThan(services[0]!.tpotMs!);
  });

  test('prints the same twice, and something else for another seed', async () => {
    const file = three('twice.json');
    const print = async (...args: string[]): Promise<string> => {
      const { code, stdout } = await inferlab(['compare', file, ...ASK, '--at', '2s', ...args]);
      expect(code).toBe(0);
      return stdout;
    };
    const once = await print();
    expect(await print()).toBe(once);
    expect(await print('--seed', '8')).not.toBe(once);
    expect(once).toMatch(/^test {2}seed 7, asked at .* of simulated time\nprompt {2}Why is the sky blue\?\n\nservice /);
  });

  test('asks the services that are named, in their order, and no others', async () => {
    const args = ['compare', three('named.json'), ...ASK, '--services', 'other,chat,other', '--no-traffic', '--json'];
    const { code, stdout } = await inferlab(args);
    expect(code).toBe(0);
    expect(told(stdout).services.map(({ name }) => name)).toEqual(['other', 'chat']);
  });

  test('a service that is stopped is not asked, the others are, and the exit code tells', async () => {
    const { code, stdout, stderr } = await inferlab(['compare', three('stopped.json'), ...ASK, '--at', '5m', '--json']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const { services } = told(stdout);
    expect(services.map(({ answered }) => answered)).toEqual([true, true, false]);
    expect(services[2]).toMatchObject({ state: 'STOPPED', httpStatus: null, ttftMs: null, e2eMs: null, text: '' });
    expect(services[2]!.failure).toEqual({
      kind: 'not-asked',
      message: 'it is STOPPED; a comparison takes services that are RUNNING, CONCERNING (Alarm) or UPGRADING',
    });
  });

  test('only real-time text generation is compared, however its callers prove who they are', async () => {
    const [deployment] = (chatService('chat', 1) as { deployments: object[] }).deployments;
    const own = [{ application: { routes: [{ path: '/x', reply: 'echo' }] } }];
    const services = [
      { ...chatService('with-token', 1), auth: { kind: 'token' } },
      { ...chatService('open', 1), auth: { kind: 'none' } },
      { ...chatService('socket', 1), protocol: 'WSS' },
      {
        ...chatService('tasks', 1),
        mode: 'asynchronous',
        maxTasks: 10,
        deployments: [{ ...deployment, maxConcurrentTasks: 1 }],
      },
      { name: 'own', deployments: [{ name: 'main', pool: 'npu', instances: 1, units: own }] },
    ];
    const file = join(folder, 'kinds.json');
    writeFileSync(file, JSON.stringify(scenario({ services })));
    // Whatever state they were in, three of these could not be asked: that alone is no failure, unless they are named.
    const { code, stdout, stderr } = await inferlab(['compare', file, ...ASK, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(told(stdout).services.map(({ comparable }) => comparable)).toEqual([true, true, false, false, false]);
    expect((await inferlab(['compare', file, ...ASK, '--services', 'open,tasks'])).code).toBe(1);
    expect(told(stdout).services.map(({ name, answered, failure }) => [name, answered, failure?.message])).toEqual([
      ['with-token', true, undefined],
      ['open', true, undefined],
      ['socket', false, 'it is called over WSS; a comparison streams over HTTP'],
      ['tasks', false, 'it is asynchronous; a comparison takes real-time services'],
      ['own', false, 'it serves no language model; a comparison takes text generation services'],
    ]);
  });

  test('a service whose pod dies under its answer has a row that says so', async () => {
    const file = join(folder, 'cut.json');
    const timeline = [{ at: '5100ms', do: 'kill-pod', service: 'chat', deployment: 'main', instance: 0 }];
    const services = [chatService('chat', 1), chatService('other', 1)];
    writeFileSync(file, JSON.stringify(scenario({ services, timeline, duration: '1m' })));
    const { code, stdout } = await inferlab(['compare', file, ...ASK, '--at', '5s', '--json']);
    expect(code).toBe(1);
    const [chat, other] = told(stdout).services;
    expect(chat).toMatchObject({ answered: false, httpStatus: 200, e2eMs: null, failure: { kind: 'cut' } });
    expect(chat!.ttftMs).toBeGreaterThan(0);
    expect(other).toMatchObject({ answered: true, outputTokens: 16 });
  });

  test.each([
    ['a service that is none', [SMALL, ...ASK, '--services', 'chta'], 'no service "chta"; did you mean "chat"?'],
    ['services without a name', [SMALL, ...ASK, '--services', 'chat,'], 'names no service'],
    ['no prompt', [SMALL], '--prompt'],
    ['an empty prompt', [SMALL, '--prompt', ' '], 'the prompt is empty'],
    ['nothing to ask', [...ASK], 'expected a scenario, --url or --serve'],
    ['two ways at once', [SMALL, ...ASK, '--url', 'http://x/v1'], 'got a scenario and --url'],
    [
      'a moment for a server',
      [...ASK, '--url', 'http://x/v1', '--at', '1s'],
      '--at goes with a scenario, not with --url',
    ],
    ['a seed for a server', [...ASK, '--url', 'http://x/v1', '--seed', '1'], '--seed goes with a scenario'],
    ['a model of a scenario', [SMALL, ...ASK, '--model', 'm'], '--model goes with --url'],
    ['a moment that is none', [SMALL, ...ASK, '--at', 'soon'], 'expected a duration'],
    ['a URL that is none', [...ASK, '--url', 'localhost'], '"localhost" is no base URL'],
    ['a URL of files', [...ASK, '--url', 'file:///v1'], 'its protocol is file:'],
    ['a key in a URL', [...ASK, '--url', 'http://me:secret@x/v1'], 'expected --api-key-env'],
    [
      'a variable that is not set',
      [...ASK, '--url', 'http://x/v1', '--api-key-env', 'NO_SUCH_KEY'],
      '"NO_SUCH_KEY" is not set',
    ],
    ['keys of other servers', [...ASK, '--url', 'http://x/v1', '--api-key', 'a', '--api-key', 'b'], 'given 2 times'],
    ['addresses that are none', [...ASK, '--serve', SMALL], 'expected what inferlab serve --json prints'],
    ['a file that is none', ['no-such.yaml', ...ASK], 'there is no such file'],
  ])('%s is bad usage', async (_, args, message) => {
    const { code, stdout, stderr } = await inferlab(['compare', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret');
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

/** Asks with nothing of InferLab's but its fetch, to the end. */
async function ask(lab: Lab, service: string): Promise<void> {
  const response = await lab.fetch(`${lab.url(service)}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${lab.apiKey(service)}` },
    body: JSON.stringify({
      model: 'qwen3-8b',
      messages: [{ role: 'user', content: 'Why is the sky blue?' }],
      max_tokens: 16,
      stream: true,
      stream_options: { include_usage: true },
    }),
  });
  await response.text();
}

describe('inferlab compare, over sockets', () => {
  let serving: Serving | undefined;
  const addresses = join(folder, 'serve.json');
  beforeAll(async () => {
    serving = await Serving.start([three('live.json'), '--no-traffic', '--speed', '20']);
    writeFileSync(addresses, `${JSON.stringify(serving.addresses)}\n`);
  }, START_MS);
  afterAll(async () => {
    await serving?.stop();
  });

  test('selects services of a running serve by name', async () => {
    const { code, stdout, stderr } = await inferlab([
      'compare',
      '--serve',
      addresses,
      '--services',
      'other,chat',
      ...ASK,
      '--json',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { services, ...rest } = told(stdout);
    expect(rest).toEqual({ prompt: 'Why is the sky blue?', maxTokens: 16 });
    expect(services.map(({ name }) => name)).toEqual(['other', 'chat']);
    for (const { ttftMs, tpotMs, e2eMs, itlMs, ...figures } of services) {
      expect(figures).toMatchObject({ state: null, answered: true, outputTokens: 16, finishReason: 'length' });
      expect(ttftMs).toBeGreaterThan(0);
      expect(tpotMs).toBeCloseTo((e2eMs! - ttftMs!) / 15, 2);
      expect(itlMs.length).toBeGreaterThanOrEqual(15);
    }
  });

  test('asks any server: finds its model out, takes keys from the environment, and gives each its row', async () => {
    const [chat] = serving!.addresses.services;
    process.env.COMPARE_TEST_KEY = chat!.apiKey!;
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const urls = [`${chat!.url}/v1`, `${chat!.url}/v1#no-such-model`, `http://127.0.0.1:${port}/v1#m`];
    const args = ['--api-key-env', 'COMPARE_TEST_KEY', ...ASK];
    const { code, stdout } = await inferlab(['compare', ...urls.flatMap((url) => ['--url', url]), ...args, '--json']);
    expect(code).toBe(1);
    const { services } = told(stdout);
    expect(services.map(({ name }) => name)).toEqual(['qwen3-8b', 'no-such-model', 'm']);
    expect(services[0]).toMatchObject({ answered: true, httpStatus: 200, outputTokens: 16 });
    expect(services[1]).toMatchObject({ answered: false, httpStatus: 404, failure: { kind: 'refused' } });
    expect(services[2]).toMatchObject({ answered: false, httpStatus: null, failure: { kind: 'unreachable' } });
    expect(stdout).not.toContain(chat!.apiKey!);
  });

  test('says why a model could not be found out', async () => {
    const { code, stdout } = await inferlab(['compare', '--url', `${serving!.addresses.services[0]!.url}/v1`, ...ASK]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/not asked: no model is named, and its list of models cannot be used: 401 /);
  });
});

describe('the page of a comparison', () => {
  const answered = (name: string, text: string): ComparedService => ({
    name,
    url: 'http://x/v1',
    model: 'm',
    state: 'RUNNING',
    comparable: true,
    answered: true,
    httpStatus: 200,
    ttftMs: 12.5,
    tpotMs: 3,
    e2eMs: 1_234.5,
    promptTokens: 4,
    outputTokens: 30,
    tokensPerSecond: 24.3,
    finishReason: 'stop',
    itlMs: [],
    text,
    reasoning: '',
    failure: null,
  });
  const page = (services: readonly ComparedService[], width: number): string[] =>
    comparisonText({ prompt: 'Hi', maxTokens: null, lab: undefined, services }, width, false).split('\n');

  test('has the answers side by side where there is room, below each other elsewhere', () => {
    const services = [answered('a', 'one two three '.repeat(5)), answered('b', '1 2 3\n\n4')];
    const wide = page(services, 80);
    expect(wide.slice(6)).toEqual([
      `a${' '.repeat(37)} | b`,
      'one two three one two three one two    | 1 2 3',
      'three one two three one two three      |',
      `${' '.repeat(38)} | 4`,
      '',
    ]);
    expect(page(services, 40).slice(6)).toEqual([
      'a',
      'one two three one two three one two',
      'three one two three one two three',
      '',
      'b',
      '1 2 3',
      '',
      '4',
      '',
    ]);
  });

  test('counts wide characters as two, breaks long words, and lets nothing move the cursor', () => {
    const lines = page([answered('a', '漢'.repeat(40)), answered('b', `a\u001b[2J ${'x'.repeat(50)}\u0007!`)], 63);
    expect(lines.slice(7)).toEqual([
      `${'漢'.repeat(15)} | a [2J`,
      `${'漢'.repeat(15)} | ${'x'.repeat(30)}`,
      `${'漢'.repeat(10)}${' '.repeat(10)} | ${'x'.repeat(20)} !`,
      '',
    ]);
  });

  test('lines its table up, and ends a row with what went wrong', () => {
    const failed = { ...answered('broken', ''), answered: false, failure: { kind: 'cut', message: 'gone' } as const };
    expect(page([answered('a', ''), { ...failed, tpotMs: null, e2eMs: null, tokensPerSecond: null }], 80)).toEqual([
      'prompt  Hi',
      '',
      'service  HTTP  TTFT ms  TPOT ms   E2E ms  tokens  tokens/s  end',
      'a         200     12.5      3.0  1,234.5      30      24.3  stop',
      'broken    200     12.5        -        -      30         -  cut: gone',
      '',
      '',
    ]);
  });
});
