import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { serviceId } from '../../src/scenario/index.ts';
import { DOORS, type OpenDoor } from '../support/doors.ts';
import { guideRule } from '../support/guide-rule.ts';
import { scenario } from '../support/scenario.ts';
import { post } from '../support/wire.ts';
import { type LiveAnswer, LivePlatform } from './live.ts';

/** Calls of a synchronous service (guide 977-1109) and what reaches its model (1156, 1191). */

const MODEL = 'qwen3-8b';
const HELLO = { model: MODEL, messages: [{ role: 'user', content: 'Hello there' }] };
const SLOT = 'chat/main/0';

describe.each(DOORS)('through $name', ({ open }) => {
  let door: OpenDoor;
  beforeAll(async () => {
    door = await open(scenario({}, 1));
  });
  afterAll(() => door.close());

  const asked = async (url: string, init: RequestInit): Promise<{ status: number; text: string }> => {
    let answer = { status: 0, text: '' };
    await door.within(async (fetch) => {
      const response = await fetch(url, init);
      answer = { status: response.status, text: await response.text() };
    });
    return answer;
  };
  const keyed = (body: unknown): RequestInit => post(body, door.apiKey('chat'));

  guideRule(988, 'a service is called at /v2/infer/ and its id', async () => {
    const url = `${door.gateway}/v2/infer/${serviceId('chat')}`;
    expect(door.url('chat')).toBe(url);
    expect(url).toMatch(/\/v2\/infer\/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    expect((await asked(`${url}/v1/chat/completions`, keyed(HELLO))).status).toBe(200);
    const other = `${door.gateway}/v2/infer/${serviceId('nobody')}/v1/chat/completions`;
    expect((await asked(other, keyed(HELLO))).status).toBe(404);
  });

  guideRule(1597, 'a service is reached at /v2/infers/ too', async () => {
    const url = `${door.gateway}/v2/infers/${serviceId('chat')}/v1/chat/completions`;
    expect((await asked(url, keyed(HELLO))).status).toBe(200);
  });

  guideRule(1156, 'what follows the URL of a service, path and query, reaches the model', async () => {
    const { headers } = keyed({});
    for (const path of ['/v1/models', '/version', '/metrics?compat=0.9', '/health']) {
      const [gateway, pod] = [
        await asked(door.url('chat') + path, { headers: headers! }),
        await asked(door.pod(SLOT) + path, {}),
      ];
      const plain = ({ text }: { text: string }): string => text.replaceAll(/[\d.e+-]+/g, '');
      expect([gateway.status, plain(gateway)], path).toEqual([pod.status, plain(pod)]);
      expect(gateway.status).toBe(200);
    }
    const body = { model: MODEL, prompt: 'one two' };
    const [gateway, pod] = [
      await asked(`${door.url('chat')}/tokenize`, keyed(body)),
      await asked(`${door.pod(SLOT)}/tokenize`, post(body)),
    ];
    expect(JSON.parse(gateway.text)).toEqual(JSON.parse(pod.text));
  });

  // An engine that is told to echo gives the prompt back, character for character.
  guideRule(1191, 'the platform does not touch a body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), async (prompt) => {
        const { status, text } = await asked(
          `${door.url('chat')}/v1/completions`,
          keyed({ model: MODEL, prompt, max_tokens: 0, echo: true }),
        );
        expect(status).toBe(200);
        expect(JSON.parse(text).choices[0].text).toBe(prompt);
      }),
      { numRuns: 25 },
    );
  });

  guideRule(998, 'a body may be sent in blocks', async () => {
    const bytes = new TextEncoder().encode(JSON.stringify(HELLO));
    const blocks = (size: number): ReadableStream<Uint8Array> => {
      let from = 0;
      return new ReadableStream({
        pull(controller) {
          if (from >= bytes.length) return controller.close();
          controller.enqueue(bytes.slice(from, from + size));
          from += size;
        },
      });
    };
    const init = keyed(HELLO);
    for (const size of [7, 40, bytes.length]) {
      const streamed = { ...init, body: blocks(size), duplex: 'half' } as RequestInit;
      const { status, text } = await asked(`${door.url('chat')}/v1/chat/completions`, streamed);
      expect(status, text).toBe(200);
      expect(JSON.parse(text).usage.prompt_tokens).toBe(9);
    }
  });
});

describe('an image that answers with what it is sent', () => {
  let platform: LivePlatform;
  beforeAll(async () => {
    const units = [{ application: 'other', resources: { cpu: 4, memoryGiB: 8 } }];
    const deployments = [{ name: 'main', pool: 'npu', instances: 1, units }];
    platform = await LivePlatform.open(scenario({ services: [{ name: 'echo', auth: { kind: 'none' }, deployments }] }));
  });
  afterAll(() => platform.close());

  const echoed = (type: string, body: string | Uint8Array, path = '/'): Promise<LiveAnswer> =>
    platform.call({ secure: true, path: platform.pathOf('echo', path), headers: { 'content-type': type }, body });

  guideRule(996, 'a body is text: JSON, XML or whatever the model takes', async () => {
    const bodies = [
      ['application/json', '{ "a" :1,\n"b": [ ] }'],
      ['application/xml', '<a b="1"/>'],
      ['text/plain; charset=utf-8', ' Who are you? \r\n'],
    ] as const;
    for (const [type, text] of bodies) {
      const { status, headers, body } = await echoed(type, text);
      expect([status, headers['content-type'], body.toString()]).toEqual([200, type, text]);
    }
  });

  guideRule(997, 'a body is bytes: images, sound, video, files of models', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5_000 }), async (bytes) => {
        const { status, body } = await echoed('application/octet-stream', bytes);
        expect([status, Uint8Array.from(body)]).toEqual([200, bytes]);
      }),
      { numRuns: 20 },
    );
  });

  guideRule(999, 'a body is a form, with files and other fields', async () => {
    const form = new FormData();
    const image = Uint8Array.from({ length: 3_000 }, (_, index) => index % 256);
    form.set('images', new Blob([image], { type: 'image/png' }), 'test.png');
    form.set('prompt', 'What is this?');
    const sent = new Response(form);
    const type = sent.headers.get('content-type')!;
    const { status, headers, body } = await echoed(type, new Uint8Array(await sent.arrayBuffer()));
    expect([status, headers['content-type']]).toEqual([200, type]);
    const back = await new Response(Uint8Array.from(body), { headers: { 'content-type': type } }).formData();
    expect(back.get('prompt')).toBe('What is this?');
    expect(new Uint8Array(await (back.get('images') as File).arrayBuffer())).toEqual(image);
    expect((back.get('images') as File).name).toBe('test.png');
  });
});

describe('an image with paths of its own', () => {
  guideRule(2908, 'an image may have paths of its own, such as /v1/sse', async () => {
    const application = {
      routes: [
        { path: '/v1/sse', reply: { kind: 'sse', count: 3, every: '10ms', data: 'event {{n}}' } },
        { path: '/predict', methods: ['GET'], reply: { kind: 'text', body: 'predicted' } },
      ],
    };
    const units = [{ application, resources: { cpu: 4, memoryGiB: 8 } }];
    const deployments = [{ name: 'main', pool: 'npu', instances: 1, units }];
    const platform = await LivePlatform.open(
      scenario({ services: [{ name: 'own', auth: { kind: 'none' }, deployments }] }),
    );
    try {
      const at = (path: string, method: string): Promise<LiveAnswer> =>
        platform.call({ secure: true, method, path: platform.pathOf('own', path) });
      const stream = await at('/v1/sse', 'POST');
      expect(stream.headers['content-type']).toBe('text/event-stream;charset=UTF-8');
      expect(stream.body.toString().match(/^data: event \d$/gm)).toHaveLength(3);
      expect((await at('/predict?input=1', 'GET')).body.toString()).toBe('predicted');
      expect((await at('/v1/chat/completions', 'POST')).status).toBe(404);
    } finally {
      await platform.close();
    }
  });
});
