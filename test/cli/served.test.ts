import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { compareLive } from '../../src/cli/compare-live.ts';
import { printAddresses } from '../../src/cli/serve-text.ts';
import { scratch } from '../support/cli.ts';
import { LiveLab } from '../support/live.ts';
import { chatService, scenario } from '../support/scenario.ts';

const folder = scratch();
const NONE = { kind: 'none' };

/** A unit with an application that takes no time, on one path. */
const own = { application: { routes: [{ path: '/x' }], startup: '1s' }, resources: { accelerators: 0, cpu: 1 } };
const deployed = (unit: object, more: object = {}) => [
  { name: 'main', pool: 'npu', instances: 1, units: [unit], ...more },
];
const TASKS = { mode: 'asynchronous', maxTasks: 5, auth: NONE };
const PLACES = { maxConcurrentTasks: 1 };

const SERVICES = [
  { ...chatService('chat', 1), auth: NONE },
  { ...chatService('with-token', 1), auth: { kind: 'token' } },
  { ...chatService('socket', 1), protocol: 'WS', auth: { kind: 'api-key', keys: ['ci', 'batch'] } },
  { name: 'own', auth: NONE, deployments: deployed(own) },
  { name: 'tasks', ...TASKS, deployments: deployed({ model: 'qwen3-8b' }, PLACES) },
  { name: 'own-tasks', ...TASKS, deployments: deployed(own, PLACES) },
];

/** @throws when the handshake is refused */
function opened(url: string, key: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${key}` } });
    socket.on('open', () => resolve(socket));
    socket.on('error', reject);
  });
}

/** What `serve` says of its services, and what others make of that. */
describe('services of every kind that are served', () => {
  let lab: LiveLab;
  beforeAll(async () => {
    lab = await LiveLab.open(scenario({ services: SERVICES }, 1), 20);
  });
  afterAll(() => lab.close());

  /** What a person is told, were a service the first. */
  const printed = (name: string): string => {
    const { services, ...rest } = lab.addresses;
    const first = services.filter((service) => service.name === name);
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      printAddresses({ ...rest, services: first });
      return write.mock.calls.map(([text]) => String(text)).join('');
    } finally {
      write.mockRestore();
    }
  };

  test.each([
    ['chat', '/v1', '/v1/chat/completions', 200],
    ['own', '', '/x', 200],
    ['tasks', '/tasks', '/tasks', 201],
    ['own-tasks', '/tasks', '/tasks', 201],
  ])('%s is tried as a person is told to', async (name, base, path, status) => {
    const text = printed(name);
    expect(text).toContain(`service  ${name}  ${lab.url(name)}${base}\n`);
    const [, url, body] = /curl -N (\S+)[\s\S]*-d '(.*)'/.exec(text)!;
    expect(url).toBe(lab.url(name) + path);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url!, { method: 'POST', headers, body: body! });
    expect(answer.status, await answer.text()).toBe(status);
  });

  test('a service that does not run is told apart', () => {
    expect(lab.addresses.services.map(({ status }) => status)).toEqual(SERVICES.map(() => 'RUNNING'));
    expect(printed('chat')).not.toContain('RUNNING');
    const { services, ...rest } = lab.addresses;
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    printAddresses({ ...rest, services: [{ ...services[0]!, status: 'DEPLOYING' }] });
    expect(write.mock.lastCall![0]).toContain('\n         is DEPLOYING\n');
    write.mockRestore();
  });

  test('every key that a service was made with is told, and opens it', async () => {
    const { apiKey, apiKeys, url } = lab.addresses.services.find(({ name }) => name === 'socket')!;
    expect(apiKeys.map(({ name }) => name)).toEqual(['ci', 'batch']);
    expect(apiKey).toBe(apiKeys[0]!.key);
    expect(printed('socket')).toContain(`API key batch: ${apiKeys[1]!.key}\n`);
    for (const { key } of apiKeys) {
      const socket = await opened(`${url}/v1/chat/completions`, key);
      socket.close();
    }
  });

  test('a key that the timeline creates is told, and opens what asks for keys once it is there', async () => {
    const services = [{ ...chatService('chat', 1), auth: { kind: 'api-key', keys: ['ci'] } }];
    const timeline = [{ at: '1s', do: 'create-key', key: 'guest', scope: 'user' }];
    const own = await LiveLab.open(scenario({ services, timeline }, 1), 20);
    try {
      const [guest, ...more] = own.addresses.createdKeys;
      expect([guest?.name, more]).toEqual(['guest', []]);
      const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
      printAddresses(own.addresses);
      expect(write.mock.lastCall![0]).toContain(`\nkey      guest: ${guest!.key}, once the timeline creates it\n`);
      write.mockRestore();
      const headers = { authorization: `Bearer ${guest!.key}` };
      const status = async (): Promise<number> => (await fetch(`${own.url('chat')}/v1/models`, { headers })).status;
      await vi.waitFor(async () => expect(await status()).toBe(200), 20_000);
    } finally {
      await own.close();
    }
  });

  test('a service that asks for no key any more still has those that it was made with', async () => {
    const services = [{ ...chatService('chat', 1), auth: { kind: 'api-key', keys: ['ci'] } }];
    const own = await LiveLab.open(scenario({ services }, 1));
    try {
      const change = (auth: 'none' | 'api-key'): void =>
        own.command({ kind: 'operate', operation: { kind: 'modify-service', service: 'chat', set: { auth } } });
      const [before] = own.addresses.services;
      expect(before!.apiKey).toMatch(/^sk-/);
      change('none');
      expect(own.addresses.services).toEqual([{ ...before, auth: 'none', apiKey: null }]);
      change('api-key');
      expect(own.addresses.services).toEqual([before]);
    } finally {
      await own.close();
    }
  });

  test('a comparison asks those that it is for, and says why not the others', async () => {
    const file = join(folder, 'serve.json');
    writeFileSync(file, JSON.stringify(lab.addresses));
    const question = { prompt: 'Why?', maxTokens: 3, timeoutMs: 60_000 };
    const rows = await compareLive(undefined, question, { serve: file });
    expect(rows.map(({ name, answered, failure }) => [name, answered, failure?.message])).toEqual([
      ['chat', true, undefined],
      ['with-token', false, 'it takes IAM tokens; over sockets a comparison shows API keys alone'],
      ['socket', false, 'it is called over WS; a comparison streams over HTTP'],
      ['own', false, 'it serves no language model; a comparison takes text generation services'],
      ['tasks', false, 'it is asynchronous; a comparison takes real-time services'],
      ['own-tasks', false, 'it is asynchronous; a comparison takes real-time services'],
    ]);
    expect(rows.slice(1).every(({ failure }) => failure?.kind === 'not-asked')).toBe(true);
  });
});
