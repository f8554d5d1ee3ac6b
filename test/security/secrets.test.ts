import { readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadJournalled } from '../../src/files/index.ts';
import { Lab } from '../../src/index.ts';
import { World } from '../../src/lab/index.ts';
import { keyDigest } from '../../src/platform/index.ts';
import { inferlab, ROOT, Serving, scratch } from '../support/cli.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { post } from '../support/wire.ts';

const folder = scratch();
const HELLO = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 2 };
const SCENARIO = scenario({
  iam: { users: [{ name: 'ann' }] },
  services: [chatService('chat', 1), { ...chatService('tokens', 1), auth: { kind: 'token' } }],
});
/** Wrong ones may be right ones somewhere else. */
const MISTYPED = { key: 'sk-mistyped-0123456789', token: 'MIImistyped0123456789', password: 'pw-mistyped-0123456789' };

/** A request for a token. */
function wanted(user: string, password: string): object {
  const identity = { methods: ['password'], password: { user: { name: user, password } } };
  return { auth: { identity, scope: { project: { name: 'sim-region-1' } } } };
}

test('a secret is written nowhere but where its holder looks for it: no log, journal, figure, verdict or error has one', async () => {
  const [file, journal, requests] = ['lab.json', 'lab.journal', 'lab.requests'].map((name) => join(folder, name));
  writeFileSync(file!, JSON.stringify(SCENARIO));
  const serving = await Serving.start([
    file!,
    '--port',
    '0',
    '--log',
    'info',
    '--journal',
    journal!,
    '--requests',
    requests!,
  ]);
  const { gateway, services, iam } = serving.addresses;
  const [chat, tokens] = services;
  const [user] = iam.users;
  const answers: string[] = [];
  const say = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(path, init);
    answers.push(await response.clone().text());
    return response;
  };
  const issued = await say(`${gateway}${iam.path}`, post(wanted(user!.name, user!.password)));
  const token = issued.headers.get('x-subject-token')!;
  const chats = (url: string) => `${url}/v1/chat/completions`;
  const withToken = (text: string): RequestInit => {
    const init = post(HELLO);
    return { ...init, headers: { ...(init.headers as Record<string, string>), 'x-auth-token': text } };
  };
  const statuses = [
    await say(chats(chat!.url), post(HELLO, chat!.apiKey!)),
    await say(chats(chat!.url), post(HELLO, MISTYPED.key)),
    await say(chats(tokens!.url), withToken(token)),
    await say(chats(tokens!.url), withToken(MISTYPED.token)),
    await say(`${gateway}${iam.path}`, post(wanted(user!.name, MISTYPED.password))),
    await say(`${gateway}${iam.path}`, post({ auth: { identity: { methods: [MISTYPED.password] } } })),
    await say(`${chat!.url}/v1/models?key=${MISTYPED.key}`, { headers: { authorization: `Bearer ${chat!.apiKey!}` } }),
    await say(`${chat!.url}/${MISTYPED.key}`, { headers: { authorization: `Bearer ${chat!.apiKey!}` } }),
    await say(`${gateway}/metrics`),
    await say(`${chat!.url}/metrics`, { headers: { authorization: `Bearer ${chat!.apiKey!}` } }),
  ].map(({ status }) => status);
  expect(statuses).toEqual([200, 401, 200, 401, 401, 400, 200, 404, 200, 200]);
  const { stdout, stderr } = await serving.stop();
  const replayed = await inferlab(['replay', journal!, '--json']);
  expect(replayed.code).toBe(0);
  // The first line of standard output tells the addresses, and with them keys and passwords.
  const [addresses = '', ...verdict] = stdout.split('\n');
  expect(addresses).toContain(chat!.apiKey);
  expect(addresses).toContain(user!.password);
  const written = {
    answers: answers.join('\n'),
    verdict: verdict.join('\n'),
    log: stderr,
    journal: readFileSync(journal!, 'utf8'),
    requests: readFileSync(requests!, 'utf8'),
    replay: replayed.stdout + replayed.stderr,
  };
  for (const secret of [chat!.apiKey!, user!.password, token, ...Object.values(MISTYPED)]) {
    for (const [where, text] of Object.entries(written))
      expect(text.includes(secret), `${secret} in ${where}`).toBe(false);
  }
});

test('without --host only this machine is listened to', async () => {
  const serving = await Serving.start([join(ROOT, 'test/fixtures/small.yaml'), '--port', '0', '--no-traffic']);
  try {
    const { gateway, pods } = serving.addresses;
    for (const url of [gateway, ...pods.map((pod) => pod.url)]) expect(new URL(url).hostname).toBe('127.0.0.1');
    const outside = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    for (const { address } of outside) {
      const url = new URL(gateway);
      url.hostname = address;
      await expect(fetch(url)).rejects.toThrow('fetch failed');
    }
  } finally {
    await serving.stop();
  }
});

describe('a lab that is replayed', () => {
  test('comes to the same, with tokens, questions and refusals in it, from digests alone', async () => {
    const limited = { ...chatService('chat', 1), rateLimits: [{ requests: 2, per: 'second' }] };
    const lab = Lab.fromObject(
      scenario({ services: [limited, { ...chatService('tokens', 1), auth: { kind: 'token' } }] }),
    );
    const statuses: number[] = [];
    await lab.run(async () => {
      const key = { authorization: `Bearer ${lab.apiKey('chat')}` };
      // Questions count against rate limits as calls do.
      for (let time = 0; time < 3; time++) {
        statuses.push((await lab.fetch(`${lab.url('chat')}/models`, { headers: key })).status);
      }
      statuses.push((await lab.fetch(`${lab.url('chat')}/chat/completions`, post(HELLO, lab.apiKey('chat')))).status);
      const headers = { 'x-auth-token': lab.token() };
      statuses.push((await lab.fetch(`${lab.url('tokens')}/models`, { headers })).status);
    });
    expect(statuses).toEqual([200, 200, 429, 429, 200]);
    const lines = lab
      .journal()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ command }) => command?.kind === 'question')).toHaveLength(4);
    const world = new World(loadJournalled(lines[0]).description);
    for (const { at, command } of lines.slice(1, -1)) world.apply(at, command);
    world.runUntil(lines.at(-1).end);
    expect(world.kernel.trace.digest()).toBe(lab.traceHash);
    expect(world.platform.credentials.tokenProblem(keyDigest(7, lab.token()), world.now)).toBe('decrypt token fail');
  });
});
