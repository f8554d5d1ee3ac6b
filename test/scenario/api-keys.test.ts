import { describe, expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import { apiKeyFor } from '../../src/platform/index.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { post } from '../support/wire.ts';

/** API keys that operators create, from the timeline or a test to a client that calls with them. */

const HELLO = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 1 };
const keyed = (name: string, keys: readonly string[]): object => ({
  ...chatService(name, 1),
  auth: { kind: 'api-key', keys },
});
const SERVICES = [keyed('chat', ['ci', 'batch']), keyed('code', ['ci'])];

const pass = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

async function status(lab: Lab, service: string, key: string): Promise<number> {
  const response = await lab.fetch(`${lab.url(service)}/chat/completions`, post(HELLO, key));
  await response.arrayBuffer();
  return response.status;
}

describe('API keys of the timeline', () => {
  const timeline = [
    { at: '10s', do: 'create-key', key: 'guest', description: 'for guests' },
    { at: '20s', do: 'bind-key', key: 'guest', service: 'chat' },
    { at: '30s', do: 'delete-key', key: 'guest' },
    { at: '40s', do: 'unbind-key', key: 'guest', service: 'chat' },
    { at: '50s', do: 'delete-key', key: 'guest' },
    { at: '60s', do: 'bind-key', key: 'guest', service: 'chat' },
    { at: '70s', do: 'create-key', key: 'hour', scope: 'user', for: '20s' },
    { at: '80s', do: 'unbind-key', key: 'chat-ci', service: 'chat' },
  ];

  test('a key is created, bound, used, unbound, refused and deleted', async () => {
    const lab = Lab.fromObject(scenario({ services: SERVICES, timeline }));
    // Clients can be told it before it is there.
    const guest = lab.createdKey('guest');
    const seen: [chat: number, code: number][] = [];
    const look = async (key: string): Promise<void> => {
      seen.push([await status(lab, 'chat', key), await status(lab, 'code', key)]);
    };
    await lab.run(async () => {
      for (let step = 0; step < 6; step++) {
        await pass(step === 0 ? 5 : 9);
        await look(guest);
      }
    });
    // Not there; created; bound; not deleted while it is bound; unbound; deleted.
    expect(seen).toEqual([401, 401, 200, 200, 401, 401].map((chat) => [chat, 401]));
    await lab.run(async () => {
      await pass(25);
      await look(lab.createdKey('hour'));
      await pass(20);
      await look(lab.createdKey('hour'));
    });
    // Of all services, until its time is over.
    expect(seen.slice(6)).toEqual([
      [200, 200],
      [401, 401],
    ]);
    // A key that a service was made with may be unbound like any other; its second one still opens it.
    await lab.run(async () => {
      expect(await status(lab, 'chat', lab.apiKey('chat'))).toBe(401);
      expect(await status(lab, 'chat', lab.apiKey('chat', 'batch'))).toBe(200);
    });
    expect(lab.journal()).not.toContain(guest);
    expect(lab.events().filter(({ reason }) => reason === 'apiKeyBindingFailed')).toHaveLength(1);
  });
});

describe('API keys that a test asks for', () => {
  test('are created by their names, and told by them', async () => {
    const lab = Lab.fromObject(scenario({ services: SERVICES }));
    expect(() => lab.createdKey('made')).toThrow('No API key "made" is created; there are none');
    expect(lab.operate({ kind: 'create-key', name: 'made', scope: 'USER', validFor: fromSeconds(60) })).toBeUndefined();
    expect(lab.operate({ kind: 'create-key', name: 'made', scope: 'USER' })).toMatch(/already an API key "made"/);
    // Whoever brings a digest knows its text.
    expect(lab.operate({ kind: 'create-key', name: 'own', scope: 'USER', digest: 'd' })).toBeUndefined();
    expect(() => lab.createdKey('own')).toThrow('No API key "own" is created; there are made');
    expect(lab.createdKey('made')).toBe(apiKeyFor(lab.seed, null, 'made'));
    const never = { kind: 'create-key', name: 'never', scope: 'USER', validFor: 0 as Micros } as const;
    expect(lab.operate(never)).toMatch(/good for more than no time/);
  });

  test('are those of a service by their names, or the first', () => {
    const lab = Lab.fromObject(
      scenario({ services: [...SERVICES, { ...chatService('open', 1), auth: { kind: 'none' } }] }),
    );
    expect(lab.apiKey('chat')).toBe(lab.apiKey('chat', 'ci'));
    expect(lab.apiKey('chat', 'batch')).not.toBe(lab.apiKey('chat', 'ci'));
    expect(() => lab.apiKey('chat', 'bach')).toThrow('No API key "bach" of "chat"; there are ci, batch');
    expect(() => lab.apiKey('open', 'ci')).toThrow('No API key "ci" of "open"; there are none');
    expect(lab.apiKey('open')).toBe('');
  });

  test('are known and good whatever the service asks for meanwhile', async () => {
    const lab = Lab.fromObject(scenario({ services: SERVICES }));
    const keys = [lab.apiKey('chat'), lab.apiKey('chat', 'batch')];
    await lab.run(async () => {
      for (const auth of ['none', 'token', 'api-key'] as const) {
        expect(lab.operate({ kind: 'modify-service', service: 'chat', set: { auth } })).toBeUndefined();
        expect([lab.apiKey('chat'), lab.apiKey('chat', 'batch')]).toEqual(keys);
      }
      for (const key of keys) expect(await status(lab, 'chat', key)).toBe(200);
    });
  });

  test('are none of a timeline that is left out', () => {
    const timeline = [{ at: '1s', do: 'create-key', key: 'guest' }];
    const loaded = scenario({ services: SERVICES, timeline });
    expect(Lab.fromObject(loaded).createdKey('guest')).toMatch(/^sk-/);
    expect(() => Lab.fromObject(loaded, { noTraffic: true }).createdKey('guest')).toThrow('there are none');
  });
});
