import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';
import { applicationScenario } from '../support/applications.ts';
import { DOORS, type Within, withinOpened } from '../support/doors.ts';

const SLOT = 'app/main/0';
type Fetch = typeof globalThis.fetch;

const bytesOf = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer());
const post = (body: string | Uint8Array | FormData, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers,
  body: body as RequestInit['body'] & string,
});

const ROUTES = [
  { path: '/echo', methods: ['POST', 'PUT'] },
  {
    path: '/files/*',
    methods: ['GET', 'POST'],
    reply: { kind: 'text', body: '{{method}} {{path}}?{{query}} {{bytes}} {{header.x-who}} {{body}}' },
  },
  { path: '/files/one', methods: ['GET'], status: 203, reply: { kind: 'text', body: 'the one' } },
  {
    path: '/json',
    headers: { 'X-Kind': 'made' },
    reply: { kind: 'json', value: { said: '{{body}}', list: [1, null, '{{query}}'] } },
  },
  {
    path: '/binary',
    methods: ['GET'],
    headers: { 'content-type': 'image/png' },
    reply: { kind: 'binary', bytes: 4099 },
  },
  { path: '/chunks', reply: { kind: 'chunks', count: 5, every: '200ms', body: 'part {{n}};' }, latency: '1s' },
  {
    path: '/v1/sse',
    latency: '500ms',
    reply: { kind: 'sse', count: 3, every: '1s', event: 'tick', data: 'one {{n}}\ntwo', done: '[DONE]' },
  },
  { path: '/broken', methods: ['GET'], status: 503, reply: { kind: 'text', body: 'not today' } },
  { path: '/gone', methods: ['DELETE'], status: 204 },
  { path: '/slow', latency: '1h' },
  { path: '/drip', reply: { kind: 'chunks', count: 100_000, every: '100ms' } },
  { path: '/socket', reply: { kind: 'websocket' } },
];
const APPLICATION = {
  routes: ROUTES,
  startup: '1s',
  healthPaths: ['/healthz'],
  metrics: { path: '/metrics', text: '# mine\nwork{pod="{{pod}}"} {{running}}\nqueue {{waiting}}\n' },
};
const PROBES = { startup: { path: '/healthz', interval: '1s' } };

function probed(application: object, overrides: object = {}): object {
  const made = applicationScenario(application, overrides) as { services: { deployments: { units: object[] }[] }[] };
  Object.assign(made.services[0]!.deployments[0]!.units[0]!, { probes: PROBES });
  return made;
}

describe.each(DOORS)('an application through $name', ({ open }) => {
  const within = (made: object, body: Within): Promise<void> => withinOpened(open(made), body);
  /** At the gateway and at the pod's own port alike. */
  const withApplication = (body: (base: string, fetch: Fetch) => Promise<void>): Promise<void> =>
    within(probed(APPLICATION), async (door, fetch) => {
      for (const base of [door.url('app'), door.pod(SLOT)]) await body(base, fetch);
    });

  test('gives the very bytes back, whatever they are, with their type', () =>
    withApplication(async (base, fetch) => {
      for (const size of [0, 1, 1_000, 300_000]) {
        const body = randomBytes(size);
        const answer = await fetch(`${base}/echo`, post(body, { 'content-type': 'image/x-raw' }));
        expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/x-raw']);
        expect(answer.headers.get('content-length')).toBe(String(size));
        expect((await bytesOf(answer)).equals(body)).toBe(true);
      }
    }));

  test('gives a form back as it came, files and all', () =>
    withApplication(async (base, fetch) => {
      const file = randomBytes(5_000);
      const form = new FormData();
      form.set('name', 'grün');
      form.set('images', new Blob([file], { type: 'image/png' }), 'test.png');
      const sent = new Request('http://a/', { method: 'POST', body: form });
      const type = sent.headers.get('content-type')!;
      const body = await sent.arrayBuffer();
      const answer = await fetch(`${base}/echo`, post(new Uint8Array(body), { 'content-type': type }));
      const back = await new Response(await bytesOf(answer), {
        headers: { 'content-type': answer.headers.get('content-type')! },
      }).formData();
      expect(back.get('name')).toBe('grün');
      expect(Buffer.from(await (back.get('images') as File).arrayBuffer()).equals(file)).toBe(true);
    }));

  test('refuses a body that is too large itself, at its own port', () =>
    within(probed(APPLICATION), async (door, fetch) => {
      const answer = await fetch(`${door.pod(SLOT)}/echo`, post(Buffer.alloc(51 * 2 ** 20)));
      expect([answer.status, await answer.json()]).toEqual([413, { detail: 'Request Entity Too Large' }]);
      const atGateway = await fetch(`${door.url('app')}/echo`, post(Buffer.alloc(51 * 2 ** 20)));
      expect([atGateway.status, await atGateway.json()]).toMatchObject([413, { error_code: 'APIG.0201' }]);
    }));

  test('sees path, query, headers and body as they came', () =>
    withApplication(async (base, fetch) => {
      const path = '/files/a%2Fb/%E4%B8%AD;v=1/';
      const query = 'x=1&x=2&q=%3F+%26?again=?';
      const body = Buffer.concat([Buffer.from('ünï '), randomBytes(40)]);
      const answer = await fetch(`${base}${path}?${query}`, post(body, { 'X-Who': 'me' }));
      const expected = Buffer.concat([Buffer.from(`POST ${path}?${query} ${body.length} me `), body]);
      expect((await bytesOf(answer)).equals(expected)).toBe(true);
    }));

  test('answers with the most specific path, its status and its headers', () =>
    withApplication(async (base, fetch) => {
      const one = await fetch(`${base}/files/one`);
      expect([one.status, await one.text()]).toEqual([203, 'the one']);
      expect((await fetch(`${base}/files/one`, post(''))).status).toBe(405);
      const json = await fetch(`${base}/json?a="b"`, post('say "hi"'));
      expect([json.headers.get('x-kind'), json.headers.get('content-type')]).toEqual(['made', 'application/json']);
      expect(await json.json()).toEqual({ said: 'say "hi"', list: [1, null, 'a=%22b%22'] });
    }));

  test('answers the bare URL of its service as its root, a form as well', () =>
    within(
      probed({ ...APPLICATION, routes: [{ path: '/', reply: { kind: 'text', body: 'at {{path}}?{{query}}' } }] }),
      async (door, fetch) => {
        for (const base of [door.url('app'), door.pod(SLOT)]) {
          for (const [tail, query] of [
            ['', ''],
            ['?', ''],
            ['?a=1', 'a=1'],
            ['/', ''],
          ] as const) {
            const answer = await fetch(
              `${base}${tail}`,
              post('a=b', { 'content-type': 'multipart/form-data; boundary=x' }),
            );
            expect([answer.status, await answer.text()]).toEqual([200, `at /?${query}`]);
          }
        }
      },
    ));

  test('answers 404 and 405 itself, tells its methods, and has a head without a body', () =>
    withApplication(async (base, fetch) => {
      const none = await fetch(`${base}/nothing`);
      expect([none.status, await none.json()]).toEqual([404, { detail: 'Not Found' }]);
      const wrong = await fetch(`${base}/echo`);
      expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST, PUT, OPTIONS']);
      await wrong.text();
      const options = await fetch(`${base}/binary`, { method: 'OPTIONS' });
      expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
      const head = await fetch(`${base}/binary`, { method: 'HEAD' });
      expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '4099', '']);
      const deleted = await fetch(`${base}/gone`, { method: 'DELETE' });
      expect([deleted.status, await deleted.text()]).toEqual([204, '']);
      const broken = await fetch(`${base}/broken`);
      expect([broken.status, await broken.text()]).toEqual([503, 'not today']);
      const socket = await fetch(`${base}/socket`);
      expect([socket.status, socket.headers.get('upgrade')]).toEqual([426, 'websocket']);
      await socket.text();
    }));

  test('makes bytes of chance of its own type', () =>
    withApplication(async (base, fetch) => {
      const answer = await fetch(`${base}/binary`);
      expect(answer.headers.get('content-type')).toBe('image/png');
      const body = await bytesOf(answer);
      expect([body.length, new Set(body).size > 200]).toEqual([4099, true]);
    }));

  test('sends pieces in chunks', () =>
    withApplication(async (base, fetch) => {
      const answer = await fetch(`${base}/chunks`, post(''));
      expect(answer.headers.get('content-length')).toBeNull();
      expect(await answer.text()).toBe('part 1;part 2;part 3;part 4;part 5;');
    }));

  test('sends events', () =>
    within(probed(APPLICATION), async (door, fetch) => {
      const event = (n: number): string => `event: tick\ndata: one ${n}\ndata: two\n\n`;
      for (const [base, type] of [
        // Guide 2882.
        [door.url('app'), 'text/event-stream;charset=UTF-8'],
        [door.pod(SLOT), 'text/event-stream; charset=utf-8'],
      ]) {
        const answer = await fetch(`${base}/v1/sse`, post('{}'));
        expect(answer.headers.get('content-type')).toBe(type);
        expect(await answer.text()).toBe(`${event(1)}${event(2)}${event(3)}data: [DONE]\n\n`);
      }
    }));

  test('answers its own health path and its metrics', () =>
    within(probed({ ...APPLICATION, concurrency: 1 }), async (door, fetch) => {
      const leaving = new AbortController();
      const [one, two] = [1, 2].map(() =>
        fetch(`${door.url('app')}/slow`, { ...post(''), signal: leaving.signal }).catch(() => 'gone'),
      );
      for (const base of [door.url('app'), door.pod(SLOT)]) {
        const health = await fetch(`${base}/healthz`);
        expect([health.status, await health.text()]).toEqual([200, '']);
      }
      const told = async (): Promise<string> => {
        const metrics = await fetch(`${door.pod(SLOT)}/metrics`);
        expect(metrics.headers.get('content-type')).toMatch(/^text\/plain/);
        return metrics.text();
      };
      let text = await told();
      // Connections of their own: when the two arrive is the network's.
      for (let tries = 0; !text.includes('queue 1') && tries < 100; tries++) text = await told();
      expect(text).toMatch(/^# mine\nwork\{pod="app-main-\S+"\} 1\nqueue 1\n$/);
      leaving.abort();
      expect(await Promise.all([one, two])).toEqual(['gone', 'gone']);
    }));

  test('has its place again as soon as a client leaves, and turns away whom it has no room for', () =>
    within(probed({ ...APPLICATION, concurrency: 1, queue: 0 }), async (door, fetch) => {
      const base = door.url('app');
      const leaving = new AbortController();
      const slow = fetch(`${base}/slow`, { ...post(''), signal: leaving.signal }).catch(() => 'gone');
      let full = await fetch(`${base}/echo`, post('one'));
      // Two connections: which request is first is the network's.
      for (let tries = 0; full.status === 200 && tries < 100; tries++) full = await fetch(`${base}/echo`, post('one'));
      expect([full.status, await full.json()]).toEqual([503, { detail: 'Service Unavailable' }]);
      leaving.abort();
      expect(await slow).toBe('gone');
      let free = await fetch(`${base}/echo`, post('two'));
      for (let tries = 0; free.status === 503 && tries < 100; tries++) free = await fetch(`${base}/echo`, post('two'));
      expect(await free.text()).toBe('two');
    }));

  test('is cut off where its pod is killed', () => {
    const kill = { at: '60s', do: 'kill-pod', service: 'app', deployment: 'main', instance: 0 };
    return within(probed(APPLICATION, { timeline: [kill] }), async (door, fetch) => {
      const answer = await fetch(`${door.url('app')}/drip`, post(''));
      expect(answer.status).toBe(200);
      let received = 0;
      const reading = (async () => {
        for await (const chunk of answer.body!) received += (chunk as Uint8Array).length;
      })();
      await expect(reading).rejects.toThrow();
      expect(received).toBeGreaterThan(0);
    });
  });

  test('gives back a body as large as the gateway takes', () =>
    within(probed(APPLICATION), async (door, fetch) => {
      const body = randomBytes(40 * 2 ** 20);
      const answer = await fetch(`${door.url('app')}/echo`, post(body));
      expect((await bytesOf(answer)).equals(body)).toBe(true);
    }));

  test.each<[string, string, (answer: unknown) => unknown]>([
    ['text-generation', '/v1/chat/completions', (made) => (made as { choices: unknown[] }).choices[0]],
    ['image-understanding', '/v1/chat/completions', (made) => (made as { choices: unknown[] }).choices[0]],
    ['video-generation', '/v1/videos', (made) => (made as { status: string }).status],
    ['image-generation', '/v1/images/generations', (made) => (made as { data: unknown[] }).data[0]],
    ['reranking', '/v1/rerank', (made) => (made as { results: unknown[] }).results[0]],
    ['vector', '/v1/embeddings', (made) => (made as { data: unknown[] }).data[0]],
    ['embedding', '/v1/embeddings', (made) => (made as { data: unknown[] }).data[0]],
    ['other', '/whatever/it/is', (made) => (made as { model: string }).model],
  ])('of type %s answers %s', (type, path, part) =>
    within(applicationScenario(type), async (door, fetch) => {
      const answer = await fetch(
        `${door.url('app')}${path}`,
        post('{"model":"m"}', { 'content-type': 'application/json' }),
      );
      expect(answer.status).toBe(200);
      expect(part(await answer.json())).toBeTruthy();
    }),
  );
});

describe('in lab time', () => {
  test('pieces come at their moments: the latency, then evenly', async () => {
    const lab = Lab.fromObject(probed(APPLICATION));
    await lab.run(async () => {
      const began = performance.now();
      const answer = await lab.fetch(`${lab.url('app').replace(/\/v1$/, '')}/chunks`, post(''));
      const times = [performance.now() - began];
      for await (const _ of answer.body!) times.push(performance.now() - began);
      expect(times.map(Math.round)).toEqual([1_000, 1_000, 1_200, 1_400, 1_600, 1_800]);
    });
  });

  test('whatever a client sends comes back', async () => {
    const lab = Lab.fromObject(applicationScenario('other'));
    const base = lab.url('app').replace(/\/v1$/, '');
    await lab.run(() =>
      fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (body) => {
          const answer = await lab.fetch(`${base}/any`, post(body));
          expect(new Uint8Array(await answer.arrayBuffer())).toEqual(body);
        }),
        { numRuns: 50 },
      ),
    );
  });
});
