import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DOORS, type OpenDoor } from '../support/doors.ts';
import { scenario } from '../support/scenario.ts';

const ASK_PATH = '/v1/chat/completions';
const ASK = { model: 'qwen3-8b', max_tokens: 3, messages: [{ role: 'user', content: 'Hello' }] };

interface Raw {
  readonly status: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** What is on the wire, byte by byte: no client has touched it. */
describe('on the wire', () => {
  let door: OpenDoor;
  beforeAll(async () => {
    door = await DOORS.find(({ name }) => name === 'live sockets')!.open(scenario({}, 1));
  });
  afterAll(() => door.close());

  const exchange = async (base: string, path: string, body: object, key = '', target?: string): Promise<Raw> => {
    const { hostname, port, pathname } = new URL(base + path);
    const text = JSON.stringify(body);
    const head = [
      `POST ${target ?? pathname} HTTP/1.1`,
      'host: x',
      `authorization: Bearer ${key}`,
      'content-type: application/json',
      `content-length: ${text.length}`,
      'connection: close',
    ];
    const socket = connect(Number(port), hostname);
    socket.write(`${head.join('\r\n')}\r\n\r\n${text}`);
    let raw = '';
    for await (const part of socket.setEncoding('utf8')) raw += part;
    const [top, ...rest] = raw.split('\r\n\r\n');
    const [status, ...lines] = top!.split('\r\n');
    const headers = lines.map(
      (line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()).split(/: (.*)/s, 2) as [string, string],
    );
    return { status: status!, headers: new Map(headers), body: rest.join('\r\n\r\n') };
  };
  /** The chunks of a chunked body; its last one, of length 0, ends it. */
  const chunksOf = (body: string): string[] => {
    const chunks: string[] = [];
    for (let rest = Buffer.from(body); ; ) {
      const line = rest.indexOf('\r\n');
      const length = Number.parseInt(rest.subarray(0, line).toString(), 16);
      if (length === 0) return chunks;
      chunks.push(rest.subarray(line + 2, line + 2 + length).toString());
      rest = rest.subarray(line + 2 + length + 2);
    }
  };

  test.each([
    ['/v1/chat/completions', /^(data: \{.*\}\n\n)+$/, true],
    ['/v1/completions', /^(data: \{.*\}\n\n)+$/, true],
    ['/v1/messages', /^(event: \w+\ndata: \{.*\}\n\n)+$/, true],
    ['/v1/responses', /^(event: [\w.]+\ndata: \{.*\}\n\n)+$/, false],
  ])('a stream of %s is chunks of whole events', async (path, form, done) => {
    const asked = { ...ASK, prompt: 'Hello', input: 'Hello', max_output_tokens: 3, stream: true };
    const { status, headers, body } = await exchange(door.pod('chat/main/0'), path, asked);
    expect(status).toBe('HTTP/1.1 200 OK');
    expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(headers.get('transfer-encoding')).toBe('chunked');
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    const chunks = chunksOf(body);
    const DONE = 'data: [DONE]\n\n';
    const last = chunks.at(-1)!;
    expect(last.endsWith(DONE)).toBe(done);
    const told = done ? [...chunks.slice(0, -1), last.slice(0, -DONE.length)] : chunks;
    for (const chunk of told.filter((each) => each !== '')) expect(chunk).toMatch(form);
  });

  test('the role comes in one chunk with the first token, then one chunk a token', async () => {
    const { body } = await exchange(door.url('chat'), ASK_PATH, { ...ASK, n: 2, stream: true }, door.apiKey('chat'));
    const chunks = chunksOf(body);
    const deltas = chunks.map((chunk) => [...chunk.matchAll(/"delta":\{("role"|"content")/g)].map(([, kind]) => kind));
    expect(deltas[0]).toEqual(['"role"', '"role"', '"content"']);
    expect(deltas.slice(1).flat()).toEqual(Array(5).fill('"content"'));
  });

  test('a target may be a whole URL, as clients of proxies write it', async () => {
    const { pathname } = new URL(door.url('chat'));
    for (const [target, status] of [
      [`http://llm.example.com${pathname}${ASK_PATH}`, 'HTTP/1.1 200 OK'],
      [`HTTPS://llm.example.com:8443${pathname}${ASK_PATH}?a=http://b/`, 'HTTP/1.1 200 OK'],
      ['http://llm.example.com', 'HTTP/1.1 404 Not Found'],
      ['http://llm.example.com?a=1', 'HTTP/1.1 404 Not Found'],
    ] as const) {
      const answer = await exchange(door.url('chat'), ASK_PATH, ASK, door.apiKey('chat'), target);
      expect(answer.status, target).toBe(status);
    }
  });

  test('a whole answer and a refusal tell their length', async () => {
    for (const [key, expected] of [
      [door.apiKey('chat'), 'HTTP/1.1 200 OK'],
      ['sk-wrong', 'HTTP/1.1 401 Unauthorized'],
    ] as const) {
      const { status, headers, body } = await exchange(door.url('chat'), ASK_PATH, ASK, key);
      expect(status).toBe(expected);
      expect(headers.get('content-type')).toBe('application/json');
      expect(headers.get('content-length')).toBe(String(Buffer.byteLength(body)));
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    }
  });
});
