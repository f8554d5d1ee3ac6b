import { get, type RequestOptions, request } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadJournalled } from '../../src/files/index.ts';
import { Lab } from '../../src/index.ts';
import { World } from '../../src/lab/index.ts';
import {
  CONNECTION_ALLOWED,
  type ConnectionOperation,
  customUrlsProblem,
  parseCustomUrl,
  type ServiceSpec,
} from '../../src/platform/index.ts';
import { applicationScenario } from '../support/applications.ts';
import { ask, callLab } from '../support/calls.ts';
import { DOORS } from '../support/doors.ts';
import { Quick } from '../support/quick.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { SERVICE } from '../support/world.ts';

const VPCS = [
  { name: 'vpc-a', subnets: ['s1', 's2'] },
  { name: 'vpc-b', subnets: ['s1'] },
  { name: 'vpc-guest', account: 'guest', subnets: ['s1'] },
  { name: 'vpc-guest-2', account: 'guest', subnets: ['s1'] },
];

function connected(settings: Partial<ServiceSpec> = {}): Quick {
  return Quick.ready(callLab(settings, undefined, { vpcs: VPCS }));
}

function take(
  lab: Quick,
  kind: ConnectionOperation['kind'],
  connection: string,
  more: object = {},
): string | undefined {
  const operation = { kind, service: SERVICE, connection, ...more } as ConnectionOperation;
  lab.world.apply(lab.world.now, { kind: 'operate', operation });
  return lab.world.operations.at(-1)!.refusal;
}

/** What is answered over a socket of its own. */
function textOf(url: string, options: RequestOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, ...options }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => {
        text += part.toString();
      });
      response.on('end', () => resolve(text));
    });
    asked.on('error', reject);
    asked.end();
  });
}

const OURS = { vpc: 'vpc-a', subnet: 's1' };
const GUESTS = { vpc: 'vpc-guest', subnet: 's1', account: 'guest' };
const status = (lab: Quick): string => lab.world.platform.connections.all.at(-1)!.status;
const opens = (lab: Quick, connection = 'office'): boolean =>
  ask(lab, { privateConnection: `${SERVICE}/${connection}` }).refusal === undefined;

describe('a private connection (guide 2649-2746)', () => {
  test('whatever is done to it, opens its service while it is CONNECTED and never else', () => {
    const kinds = Object.keys(CONNECTION_ALLOWED) as (keyof typeof CONNECTION_ALLOWED)[];
    const step = fc.tuple(fc.constantFrom('create-connection' as const, ...kinds), fc.constantFrom(0, 3, 10));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
        const lab = connected();
        for (const [kind, seconds] of steps) {
          const before = lab.world.platform.connections.all.at(-1)?.status;
          const refusal = take(lab, kind, 'office', { ...GUESTS, customUrls: [] });
          if (kind !== 'create-connection') {
            expect(refusal === undefined).toBe(before !== undefined && CONNECTION_ALLOWED[kind].includes(before));
          }
          lab.pass(seconds);
          if (lab.world.platform.connections.all.length > 0) expect(opens(lab)).toBe(status(lab) === 'CONNECTED');
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('custom URLs (guide Table 1-31)', () => {
  test.each<[string, object]>([
    ['http://llm.example.com', { host: 'llm.example.com', path: '' }],
    ['https://LLM.example.com/', { host: 'llm.example.com', path: '' }],
    ['wss://llm.example.com/chat/v2/', { host: 'llm.example.com', path: '/chat/v2' }],
    ['ws://10.0.0.7:8080/chat', { host: '10.0.0.7:8080', path: '/chat' }],
  ])('%s is one', (url, parsed) => {
    expect(parseCustomUrl(url)).toEqual(parsed);
  });

  test.each([
    'ftp://llm.example.com',
    'llm.example.com',
    'http://',
    'http://llm.example.com:8080',
    'http://10.0.0.7',
    'http://10.0.0.7:0',
    'http://10.0.0.7:65536',
    'http://10.0.0.256:80',
    'http://-llm.example.com',
    'http://llm-.example.com',
    'http://llm.example.c0m',
    `http://${'a'.repeat(64)}`,
    'http://llm.example.com/ä',
    'http://llm.example.com/a?b',
    'http://llm.example.com/a#b',
    'http://user@llm.example.com/',
    `http://llm.example.com/${'a'.repeat(1_024)}`,
  ])('%s is none', (url) => {
    expect(parseCustomUrl(url)).toBeUndefined();
  });

  test('are told apart by host and path', () => {
    expect(customUrlsProblem(['http://a.example.com/x', 'https://a.example.com/x/'])).toMatch(/two custom URLs/);
    expect(customUrlsProblem(['http://a.example.com/x', 'http://a.example.com/y'])).toBeUndefined();
  });
});

const SECRET = scenario({
  vpcs: VPCS,
  services: [
    {
      ...chatService('chat', 1),
      auth: { kind: 'none' },
      access: { publicAccess: false, blacklist: ['192.0.2.0/24'] },
      privateConnections: [{ name: 'office', ...OURS, customUrls: ['http://llm.example.com/team/chat'] }],
    },
    { ...chatService('other', 1), auth: { kind: 'none' } },
  ],
});

describe('calls over a private connection', () => {
  const statusOf = async (
    lab: Lab,
    url: string,
    headers: Record<string, string> = {},
    method = 'GET',
  ): Promise<number> => {
    const statuses: number[] = [];
    await lab.run(async () => {
      statuses.push((await lab.fetch(url, { method, headers })).status);
    });
    return statuses[0]!;
  };

  test('come in with public access off, by its address, and reach no other service', async () => {
    const lab = Lab.fromObject(SECRET);
    expect(await statusOf(lab, `${lab.url('chat')}/models`)).toBe(403);
    expect(await statusOf(lab, `${lab.privateUrl('office', 'chat')}/models`)).toBe(200);
    // Lists hold there, too.
    expect(await statusOf(lab, `${lab.privateUrl('office', 'chat')}/models`, { 'x-forwarded-for': '192.0.2.1' })).toBe(
      403,
    );
    // To its own service alone.
    const other = new URL(lab.url('other')).pathname;
    expect(await statusOf(lab, `${new URL(lab.privateUrl('office', 'chat')).origin}${other}/models`)).toBe(403);
    expect(await statusOf(lab, `${lab.url('other')}/models`)).toBe(200);
  });

  test('come in by a custom URL; by its host alone they are private, too', async () => {
    const lab = Lab.fromObject(SECRET);
    expect(await statusOf(lab, 'http://llm.example.com/team/chat/v1/models')).toBe(200);
    expect(await statusOf(lab, 'http://LLM.example.com/team/chat/health')).toBe(200);
    expect(await statusOf(lab, 'http://llm.example.com/team/chatter/v1/models')).toBe(404);
    expect(await statusOf(lab, 'http://llm.example.com/v1/models')).toBe(200);
  });

  test('are refused once it is revoked, whoever asks', async () => {
    const lab = Lab.fromObject(SECRET);
    lab.runUntilReady();
    const preflight = { origin: 'https://page.example', 'access-control-request-method': 'POST' };
    const ask = () => statusOf(lab, `${lab.privateUrl('office', 'chat')}/models`, preflight, 'OPTIONS');
    expect(await ask()).toBe(200);
    expect(lab.operate({ kind: 'revoke-connection', service: 'chat', connection: 'office' })).toBeUndefined();
    // A preflight as well, which passes no gate else.
    expect(await ask()).toBe(403);
    expect(await statusOf(lab, `${lab.privateUrl('office', 'chat')}/models`)).toBe(403);
    expect(await statusOf(lab, 'http://llm.example.com/team/chat/v1/models')).toBe(403);
    expect(lab.operate({ kind: 'modify-service', service: 'chat', set: { access: null } })).toBeUndefined();
    expect(await statusOf(lab, `${lab.url('chat')}/models`)).toBe(200);
    expect(await statusOf(lab, `${lab.privateUrl('office', 'chat')}/models`)).toBe(403);
  });

  test('over sockets are known by the Host header', async () => {
    const door = await DOORS[0]!.open(SECRET);
    try {
      const service = new URL(door.url('chat')).pathname;
      const id = service.split('/').at(-1)!;
      const asked = (host: string | undefined, path: string): Promise<number> =>
        new Promise((resolve, reject) => {
          const headers = host === undefined ? {} : { host };
          get(`${door.gateway}${path}`, { headers, agent: false }, (response) => {
            response.resume();
            resolve(response.statusCode!);
          }).on('error', reject);
        });
      expect(await asked(undefined, `${service}/v1/models`)).toBe(403);
      expect(await asked(`office.${id}.private.inferlab`, `${service}/v1/models`)).toBe(200);
      expect(await asked(`OFFICE.${id}.private.inferlab:8080`, `${service}/v1/models`)).toBe(200);
      expect(await asked(`home.${id}.private.inferlab`, `${service}/v1/models`)).toBe(403);
      expect(await asked('llm.example.com', '/team/chat/v1/models')).toBe(200);
      expect(await asked('example.com', '/team/chat/v1/models')).toBe(404);
    } finally {
      door.close();
    }
  });

  test('reach nothing of the gateway itself: its metrics and IAM are at its own hosts', async () => {
    const routes = [{ path: '/*', methods: ['GET', 'POST'], reply: { kind: 'text', body: 'mine: {{path}}' } }];
    const privateConnections = [{ name: 'office', ...OURS, customUrls: ['http://apps.example.com'] }];
    const door = await DOORS[0]!.open(applicationScenario({ routes }, { vpcs: VPCS }, { privateConnections }));
    try {
      const id = new URL(door.url('app')).pathname.split('/').at(-1)!;
      for (const host of ['apps.example.com', `office.${id}.private.inferlab`]) {
        for (const [method, path] of [
          ['GET', '/metrics'],
          ['GET', '/v3/projects'],
          ['POST', '/v3/auth/tokens'],
        ] as const) {
          expect(await textOf(`${door.gateway}${path}`, { method, headers: { host } })).toBe(`mine: ${path}`);
        }
      }
      expect(await textOf(`${door.gateway}/metrics`)).toContain('inferlab_');
      expect(await textOf(`${door.gateway}/v3/projects`)).toContain('"projects"');
    } finally {
      door.close();
    }
  });

  test('replay exactly', async () => {
    const lab = Lab.fromObject(SECRET);
    await statusOf(lab, `${lab.privateUrl('office', 'chat')}/models`);
    lab.operate({ kind: 'revoke-connection', service: 'chat', connection: 'office' });
    lab.operate({ kind: 'create-connection', service: 'other', connection: 'pool', pool: 'npu' });
    await statusOf(lab, `${lab.privateUrl('office', 'chat')}/models`);
    lab.runUntil(lab.nowMs + 60_000);
    expect(await statusOf(lab, `${lab.privateUrl('pool', 'other')}/models`)).toBe(200);
    const lines = lab
      .journal()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const world = new World(loadJournalled(lines[0]).description);
    for (const { at, command } of lines.slice(1, -1)) world.apply(at, command);
    world.runUntil(lines.at(-1).end);
    expect(world.kernel.trace.digest()).toBe(lab.traceHash);
  });
});
