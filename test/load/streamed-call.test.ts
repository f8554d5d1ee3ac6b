import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchModels, type StreamedAnswer, streamedCall, tpotMs } from '../../src/load/index.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const STREAM_TYPE = { 'content-type': 'text/event-stream' };

const chunk = (content: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;
const usage = (prompt: number, completion: number): string =>
  `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: prompt, completion_tokens: completion } })}\n\n`;
const DONE = 'data: [DONE]\n\n';

/** What a server does with a call, by its path. */
const BEHAVIOUR: Readonly<Record<string, (response: ServerResponse) => void>> = {
  '/whole': (response) => {
    response.writeHead(200, STREAM_TYPE);
    response.end(`: ping\r\n\r\n${chunk('')}${chunk('Guten ')}${chunk('Tag 😀', 'length')}${usage(5, 3)}${DONE}`);
  },
  '/bytes': (response) => {
    response.writeHead(200, STREAM_TYPE);
    const bytes = Buffer.from(`${chunk('漢')}${chunk('😀', 'stop')}${usage(1, 2)}${DONE}`);
    for (const byte of bytes) response.write(Uint8Array.of(byte));
    response.end();
  },
  '/text': (response) => {
    response.writeHead(200, STREAM_TYPE);
    response.end(`data: {"choices":[{"text":"Hi","finish_reason":"stop"}],"usage":{"completion_tokens":1}}\n\n${DONE}`);
  },
  '/reasoning': (response) => {
    response.writeHead(200, STREAM_TYPE);
    response.end(`data: {"choices":[{"delta":{"reasoning_content":"Hm. "}}]}\n\n${chunk('Yes', 'stop')}${DONE}`);
  },
  '/choices': (response) => {
    response.writeHead(200, STREAM_TYPE);
    const other = `data: ${JSON.stringify({ choices: [{ index: 1, delta: { content: 'b' } }] })}\n\n`;
    response.end(`${chunk('a', 'stop')}${other}${DONE}`);
  },
  '/no-usage': (response) => {
    response.writeHead(200, STREAM_TYPE);
    response.end(`${chunk('a')}${chunk('b', 'stop')}`);
  },
  '/no-finish': (response) => {
    response.writeHead(200, STREAM_TYPE);
    response.end(`${chunk('a')}${chunk('b')}`);
  },
  '/empty': (response) => {
    response.writeHead(200, STREAM_TYPE);
    response.end(DONE);
  },
  '/reset': (response) => {
    response.writeHead(200, STREAM_TYPE);
    response.write(chunk('a'), () => response.destroy());
  },
  '/error-chunk': (response) => {
    response.writeHead(200, STREAM_TYPE);
    response.end(`${chunk('a')}data: {"error":{"message":"engine died","code":500}}\n\n${DONE}`);
  },
  '/error-event': (response) => {
    response.writeHead(200, STREAM_TYPE);
    response.end(`event: error\ndata: {"message":"overloaded"}\n\n`);
  },
  '/null-error': (response) => {
    response.writeHead(200, STREAM_TYPE);
    response.end(`data: {"error":null,"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n${DONE}`);
  },
  '/garbage': (response) => {
    response.writeHead(200, STREAM_TYPE);
    response.end('data: <html>\n\n');
  },
  '/no-stream': (response) => {
    response.writeHead(200, JSON_TYPE).end('{"choices":[{"message":{"content":"whole"}}]}');
  },
  '/stall': (response) => {
    response.writeHead(200, STREAM_TYPE);
    response.write(chunk('a'));
  },
  '/429-openai': (response) => {
    response.writeHead(429, JSON_TYPE).end('{"error":{"message":"too many"}}');
  },
  '/401-vllm': (response) => {
    response.writeHead(401, JSON_TYPE).end('{"error":"Unauthorized"}');
  },
  '/429-gateway': (response) => {
    response.writeHead(429, JSON_TYPE).end('{"error_code":"APIG.0308","error_msg":"throttled"}');
  },
  '/502-page': (response) => {
    response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>');
  },
  '/503-bare': (response) => {
    response.writeHead(503).end();
  },
  '/listing/models': (response) => {
    response.writeHead(200, JSON_TYPE).end('{"data":[{"id":"first"},null,{"id":"second"}]}');
  },
  '/closed/models': (response) => {
    response.writeHead(401, JSON_TYPE).end('{"error":"Unauthorized"}');
  },
};

describe('a measured call', () => {
  let server: Server;
  let base: string;
  const bodies: Record<string, unknown>[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (part: Buffer) => (text += part));
      request.on('end', () => {
        if (text !== '') bodies.push(JSON.parse(text));
        BEHAVIOUR[request.url!]!(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const call = (path: string, timeoutMs?: number): Promise<StreamedAnswer> =>
    streamedCall(
      { url: base + path, body: { model: 'm', max_tokens: 3 }, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
      { fetch, now: () => performance.now() },
    );

  test('gathers the answer, and asks for a stream with its usage', async () => {
    expect(await call('/whole')).toMatchObject({
      status: 200,
      text: 'Guten Tag 😀',
      finishReason: 'length',
      promptTokens: 5,
      outputTokens: 3,
      failure: null,
    });
    expect(bodies.at(-1)).toEqual({
      model: 'm',
      max_tokens: 3,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test('reads bytes that come one by one', async () => {
    expect(await call('/bytes')).toMatchObject({ text: '漢😀', outputTokens: 2, failure: null });
  });

  test('has one gap for each chunk with a choice after the first, and they add up', async () => {
    const answer = await call('/bytes');
    expect(answer.itlMs).toHaveLength(1);
    expect(answer.ttftMs! + answer.itlMs.reduce((sum, gap) => sum + gap, 0)).toBeCloseTo(answer.e2eMs, 6);
    expect(tpotMs(answer)).toBeCloseTo(answer.itlMs[0]!, 6);
  });

  test('measures by the clock that it is handed', async () => {
    // Sent, then one reading each time that bytes have come.
    const moments = [1_000, 1_250, 1_300, 1_400];
    const parts = [chunk('a'), chunk('b'), chunk('c', 'stop') + usage(1, 3) + DONE];
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const part = parts.shift();
        if (part === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(part));
      },
    });
    const answer = await streamedCall(
      { url: 'http://x', body: {} },
      { fetch: async () => new Response(body, { headers: STREAM_TYPE }), now: () => moments.shift()! },
    );
    expect(answer).toMatchObject({ sentAt: 1_000, ttftMs: 250, itlMs: [50, 100], e2eMs: 400 });
    expect(tpotMs(answer)).toBe(75);
  });

  test('takes text completions and what a model thinks aloud', async () => {
    expect(await call('/text')).toMatchObject({ text: 'Hi', outputTokens: 1, failure: null });
    expect(await call('/reasoning')).toMatchObject({ text: 'Yes', reasoning: 'Hm. ', failure: null });
  });

  test('has no TPOT of an answer of one token, of unknown length, or that failed', async () => {
    for (const path of ['/text', '/no-usage', '/no-finish']) expect(tpotMs(await call(path))).toBeNull();
  });

  test.each([
    ['/no-finish', 'cut', 'the stream ended without a finish reason', 'ab'],
    ['/choices', 'cut', 'the stream ended without a finish reason', 'a'],
    ['/empty', 'cut', 'the stream ended before its first token', ''],
    ['/error-chunk', 'error', 'engine died', 'a'],
    ['/error-event', 'error', 'overloaded', ''],
    ['/garbage', 'malformed', 'expected a chunk of a completion, got <html>', ''],
    ['/429-openai', 'refused', 'too many', ''],
    ['/401-vllm', 'refused', 'Unauthorized', ''],
    ['/429-gateway', 'refused', 'APIG.0308: throttled', ''],
    ['/502-page', 'refused', '<html>Bad Gateway</html>', ''],
    ['/503-bare', 'refused', 'Service Unavailable', ''],
  ])('%s: %s', async (path, kind, message, text) => {
    expect(await call(path)).toMatchObject({ failure: { kind, message }, text });
  });

  test('keeps what came before the connection broke', async () => {
    const answer = await call('/reset');
    expect(answer).toMatchObject({ status: 200, text: 'a', failure: { kind: 'cut' } });
    expect(answer.failure!.message).toMatch(/^the connection was cut: /);
  });

  test('is given up after its time', async () => {
    expect(await call('/stall', 50)).toMatchObject({ failure: { kind: 'timeout', message: 'no end within 0.05 s' } });
  });

  test('says what it got instead of a stream', async () => {
    expect((await call('/no-stream')).failure).toMatchObject({
      kind: 'malformed',
      message: expect.stringContaining('application/json'),
    });
  });

  test('takes an error of null for none', async () => {
    expect(await call('/null-error')).toMatchObject({ text: 'a', failure: null });
  });

  test('finds nobody at a port that is closed', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const wire = { fetch, now: () => performance.now() };
    const { status, failure } = await streamedCall({ url: `http://127.0.0.1:${port}/`, body: {} }, wire);
    expect(status).toBeNull();
    expect(failure).toEqual({ kind: 'unreachable', message: `connect ECONNREFUSED 127.0.0.1:${port}` });
  });

  test('the models that a server lists', async () => {
    expect(await fetchModels(`${base}/listing`, {}, fetch)).toEqual({ names: ['first', 'second'], failure: null });
    expect(await fetchModels(`${base}/closed`, {}, fetch)).toEqual({ names: [], failure: '401 Unauthorized' });
  });
});
