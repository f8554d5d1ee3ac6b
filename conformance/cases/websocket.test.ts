import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { HELLO, MODEL, pod, REPLY_TOKENS } from '../support/scenario.ts';
import { Simulator } from '../support/simulator.ts';
import { until } from '../support/until.ts';

const CHAT = '/v1/chat/completions';
const BODY = { model: MODEL, messages: [{ role: 'user', content: HELLO }], stream: true };

/** A service that is called over WebSocket, and ws, a client of it. */
describe('ws 8.23.0', () => {
  let simulator: Simulator;
  afterEach(() => simulator?.stop());

  async function serve(timeline: readonly object[] = [], replyTokens = REPLY_TOKENS): Promise<void> {
    simulator = await Simulator.start({ timeline, replyTokens, service: { protocol: 'WS' } });
  }

  function connect({ apiKey = simulator.gateway.apiKey, path = CHAT } = {}): WebSocket {
    const url = simulator.addresses.services[0]!.url.replace(/^http/, 'ws');
    return new WebSocket(url + path, { headers: { authorization: `Bearer ${apiKey}` } });
  }

  /** What came until it was over, or until a stream was. */
  function messagesOf(socket: WebSocket): Promise<string[]> {
    const messages: string[] = [];
    return new Promise((resolve) => {
      socket.on('message', (data) => {
        messages.push(String(data));
        if (messages.at(-1) === '[DONE]') resolve(messages);
      });
      socket.once('close', () => resolve(messages));
    });
  }

  test('gets an event of the stream a message', async () => {
    await serve();
    const socket = connect();
    socket.once('open', () => socket.send(JSON.stringify(BODY)));
    const messages = await messagesOf(socket);
    expect(messages.pop()).toBe('[DONE]');
    const reasons = messages.map((message) => JSON.parse(message).choices[0].finish_reason ?? null);
    expect(reasons).toEqual([...Array(REPLY_TOKENS).fill(null), 'stop']);
    expect(simulator.kinds()).toEqual(['connect', 'call']);
    socket.close();
    await until(() => simulator.kinds().includes('hang-up'));
  });

  test('is refused before its upgrade for a wrong key', async () => {
    await serve();
    const socket = connect({ apiKey: 'sk-wrong' });
    const status = await new Promise((resolve) => {
      socket.once('unexpected-response', (_, { statusCode }) => resolve(statusCode));
      socket.on('error', () => {});
    });
    expect(status).toBe(401);
    expect(simulator.kinds()).toEqual(['connect']);
  });

  test('stops the computing when it leaves', async () => {
    await serve([], 2_000);
    const socket = connect();
    socket.once('open', () => socket.send(JSON.stringify(BODY)));
    socket.once('message', () => socket.close());
    let kinds: string[] = [];
    await until(() => (kinds = [...kinds, ...simulator.kinds()]).includes('hang-up'));
    expect(kinds).toEqual(['connect', 'call', 'hang-up']);
    await simulator.idle();
    expect(await simulator.metric('vllm:kv_cache_usage_perc')).toBe(0);
  });

  test('loses its connection when its pod dies', async () => {
    await serve([{ do: 'kill-pod', ...pod(), at: '4s' }], 2_000);
    const socket = connect();
    socket.once('open', () => socket.send(JSON.stringify(BODY)));
    // No frame says so: the code is the client's own.
    expect(await new Promise((resolve) => socket.once('close', resolve))).toBe(1_006);
    expect(simulator.kinds()).toEqual(['connect', 'call']);
  });

  test('is left when it does not read what it has asked for', async () => {
    await serve();
    const socket = connect({ path: '/v1/embeddings' });
    await new Promise((resolve) => socket.once('open', resolve));
    socket.pause();
    const input = Array.from({ length: 64 }, (_, index) => `text ${index}`);
    for (let sent = 0; sent < 16; sent++) socket.send(JSON.stringify({ model: MODEL, input }));
    await until(() => simulator.kinds().includes('hang-up'));
    socket.terminate();
  });
});
