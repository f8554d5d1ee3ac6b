import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { whileBusy } from '../support/busy.ts';
import { inferlab, readLines, Serving, scratch } from '../support/cli.ts';
import { streamChat } from '../support/openai.ts';
import { scenario } from '../support/scenario.ts';

const folder = scratch();
const STREAMS = 50;
const ABORTED = 10;
const REFUSED = 10;
const WHOLE = 40;

/** A scenario with traffic of its own, and a pod that is killed while the clients are busy. */
function write(name: string, killAt: string): string {
  const file = join(folder, `${name}.yaml`);
  const lengths = {
    prompt: { kind: 'lognormal', median: 200, sigma: 0.8, max: 2000 },
    output: { kind: 'lognormal', median: 60, sigma: 0.6, max: 200 },
  };
  const content = scenario(
    {
      duration: '10m',
      traffic: [{ name: 'users', service: 'chat', arrivals: { kind: 'poisson', rate: 30 }, lengths }],
      timeline: [{ at: killAt, do: 'kill-pod', service: 'chat', deployment: 'main', instance: 0 }],
      expect: ['requests.total > 110'],
    },
    3,
  );
  writeFileSync(file, JSON.stringify(content));
  return file;
}

/** What real clients do: streams, some left in the middle, wrong keys, whole answers. What they get is not judged. */
async function clients(serving: Serving): Promise<void> {
  const { baseURL, apiKey, model } = serving.client;
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const stranger = new OpenAI({ baseURL, apiKey: 'sk-wrong', maxRetries: 0 });
  const messages = [{ role: 'user' as const, content: 'Hello there' }];
  const stream = (index: number) =>
    streamChat(client, { model, content: 'word '.repeat(index * 5 + 1), maxTokens: 12 + (index % 9) });
  const leave = async (index: number): Promise<void> => {
    const long = { max_tokens: 600, ignore_eos: true } as object;
    const answer = await client.chat.completions.create({ model, messages, stream: true, ...long });
    let chunks = 0;
    for await (const _ of answer) if (++chunks === 2 + (index % 4)) break;
  };
  const refused = async (): Promise<void> => {
    await expect(client.models.list()).resolves.toBeDefined();
    await expect(streamChat(stranger, { model, content: 'Hello' })).rejects.toMatchObject({ status: 401 });
  };
  const whole = async (): Promise<unknown> => client.chat.completions.create({ model, messages, max_tokens: 9 });
  const after = async (milliseconds: number, work: () => Promise<unknown>): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    await work();
  };
  await Promise.allSettled([
    ...Array.from({ length: STREAMS }, (_, index) => stream(index)),
    ...Array.from({ length: ABORTED }, (_, index) => after(index * 60, () => leave(index))),
    ...Array.from({ length: REFUSED }, (_, index) => after(index * 50, refused)),
    ...Array.from({ length: WHOLE }, (_, index) => after(index * 25, whole)),
  ]);
}

describe('a live session, replayed from its journal alone', () => {
  test.each([
    ['1', '600ms'],
    ['20', '8s'],
  ])('at speed %s, on a busy machine, gives the same trace hash and the same token times', async (speed, killAt) => {
    const file = write(`speed-${speed}`, killAt);
    const [journal, live, again] = ['journal', 'live.jsonl', 'again.jsonl'].map((name) =>
      join(folder, `${speed}-${name}`),
    ) as [string, string, string];
    const ended = await whileBusy(async () => {
      const serving = await Serving.start([
        file,
        '--speed',
        speed,
        '--journal',
        journal,
        '--requests',
        live,
        '--tokens',
      ]);
      await clients(serving);
      return serving.stop();
    });
    // The journal has all that it needs.
    writeFileSync(file, 'not a scenario any more');
    const replayed = await inferlab(['replay', journal, '--requests', again, '--tokens', '--json']);
    const session = JSON.parse(ended.stdout.trimEnd().split('\n').at(-1)!);
    const replay = JSON.parse(replayed.stdout);

    const commands = readLines(journal)
      .map((line) => JSON.parse(line))
      .filter(({ command }) => command !== undefined);
    const calls = commands.filter(({ command: { kind } }) => kind === 'call');
    expect(calls.length).toBe(STREAMS + ABORTED + REFUSED + WHOLE);
    expect(commands.filter(({ command: { kind } }) => kind === 'disconnect').length).toBeGreaterThan(0);
    expect(session.requests.total).toBeGreaterThan(calls.length);
    expect(session.requests.refused).toBe(REFUSED);
    expect(session.requests.cut).toBeGreaterThan(0);
    expect(session.eventLog.some(({ object }: { object: string }) => object.startsWith('chat-main'))).toBe(true);

    expect(replay.replay).toEqual({ commands: commands.length, recordedTraceHash: session.traceHash, same: true });
    expect(replay.traceHash).toBe(session.traceHash);
    expect(readLines(again)).toEqual(readLines(live));
    expect(readLines(live).some((line) => JSON.parse(line).tokenMicros.length > 10)).toBe(true);
    expect([ended.code, replayed.code]).toEqual([0, 0]);
  });

  test('that was killed without warning replays as far as it came', async () => {
    const journal = join(folder, 'killed.journal');
    const serving = await Serving.start([write('killed', '1h'), '--journal', journal]);
    const { baseURL, apiKey, model } = serving.client;
    await streamChat(new OpenAI({ baseURL, apiKey }), { model, content: 'Hello', maxTokens: 3 });
    serving.signal('SIGKILL');
    await serving.ended();
    const { code, stdout, stderr } = await inferlab(['replay', journal, '--json']);
    expect(stderr).toBe('');
    const verdict = JSON.parse(stdout);
    expect(verdict.replay).toEqual({ commands: 1, recordedTraceHash: null, same: null });
    expect(verdict.requests.total).toBeGreaterThanOrEqual(1);
    expect(code).toBe(verdict.verdict === 'pass' ? 0 : 1);
  });
});

describe('a journal that is not what serve wrote', () => {
  const journal = async (): Promise<string[]> => {
    const file = join(folder, 'whole.journal');
    const serving = await Serving.start([write('whole', '1h'), '--no-traffic', '--journal', file]);
    const { baseURL, apiKey, model } = serving.client;
    const client = new OpenAI({ baseURL, apiKey });
    for (let count = 0; count < 3; count++) await streamChat(client, { model, content: 'Hello', maxTokens: 2 });
    await serving.stop();
    expect(readFileSync(file, 'utf8')).not.toMatch(/Hello|sk-/);
    return readLines(file);
  };
  let lines: Promise<string[]> | undefined;
  const replay = async (change: (lines: string[]) => string[]) => {
    const file = join(folder, 'tampered.journal');
    writeFileSync(file, `${change([...(await (lines ??= journal()))]).join('\n')}\n`);
    const { code, stdout, stderr } = await inferlab(['replay', file]);
    return { code, stdout, said: stderr.replaceAll(file, 'FILE') };
  };

  test.each<[string, (lines: string[]) => string[], string]>([
    ['a broken line', (all) => all.with(2, all[2]!.slice(0, 20)), 'FILE:3: not a line of a journal'],
    [
      'a stamp that goes back',
      (all) => all.with(2, all[2]!.replace(/"at":\d+/, '"at":1')),
      'FILE:3: expected a command stamped no earlier than the one before it',
    ],
    [
      'a command of no known kind',
      (all) => all.with(1, all[1]!.replace('"kind":"call"', '"kind":"cull"')),
      'FILE:2: unknown command "cull"',
    ],
    [
      'a call to no service of the scenario',
      (all) => all.with(1, all[1]!.replace('{"service":"chat"}', '{"service":"chut"}')),
      'FILE:2: a call to {"service":"chut"}, which the scenario does not have',
    ],
    [
      'a call without its token count',
      (all) => all.with(1, all[1]!.replace(/"promptTokens":\d+,?/, '')),
      'FILE:2: a call without its number of prompt tokens',
    ],
    ['lines after the end', (all) => [...all, all[1]!], 'FILE:7: nothing may follow the end'],
    ['no header', (all) => all.slice(1), 'FILE:1: not an InferLab journal of format 1'],
    ['nothing at all', () => [], 'FILE:1: not a line of a journal'],
  ])('with %s is refused with its line', async (_, change, message) => {
    const { code, said } = await replay(change);
    expect(said).toContain(message);
    expect(code).toBe(2);
  });

  test('with a call changed differs from the session, and says so', async () => {
    const { code, stdout, said } = await replay((all) =>
      all.with(1, all[1]!.replace(/"promptTokens":\d+/, '"promptTokens":99')),
    );
    expect(stdout).toContain("the trace hash is NOT the live session's");
    expect(said).toContain('the replay differs from the session');
    expect(code).toBe(3);
  });
});
