import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { LiveLab } from '../support/live.ts';
import { scenario } from '../support/scenario.ts';

/** A call as its bytes. */
function call(url: string, apiKey: string, asked: object): string {
  const { pathname } = new URL(url);
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], ignore_eos: true, ...asked });
  const head = [`POST ${pathname}/v1/chat/completions HTTP/1.1`, 'host: x', `authorization: Bearer ${apiKey}`];
  return `${head.join('\r\n')}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

describe('calls that follow each other on a connection before they are answered', () => {
  let lab: LiveLab;
  let socket: Socket;
  afterEach(() => {
    socket.destroy();
    lab.close();
  });
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await setTimeout(5);
  };
  const open = async (asked: readonly object[]): Promise<string[]> => {
    lab = await LiveLab.open(scenario());
    const { port } = new URL(lab.addresses.gateway);
    const told: string[] = [];
    socket = connect(Number(port), '127.0.0.1');
    socket
      .on('data', (bytes) => told.push(bytes.toString()))
      .on('error', (error) => told.push(`lost: ${error.message}`));
    socket.write(asked.map((each) => call(lab.url('chat'), lab.apiKey('chat'), each)).join(''));
    await until(() => lab.world.requests.size === asked.length);
    return told;
  };

  test('all end when their client leaves, those that wait for the one before them too', async () => {
    await open([{ max_tokens: 2_000, stream: true }, { max_tokens: 2_000, stream: true }, { max_tokens: 2_000 }]);
    socket.destroy();
    await until(() => lab.world.requests.inFlight === 0);
    const left = lab.journal.flatMap(({ command }) => (command.kind === 'disconnect' ? [command.request] : []));
    expect(left.toSorted()).toEqual([0, 1, 2]);
  });

  test('are cut in their turn when their backend is lost before it', async () => {
    const told = await open([{ max_tokens: 100 }, { max_tokens: 2_000, stream: true }]);
    await until(() => lab.world.gateway.work.attempts === 2 && lab.world.engines.all.every(({ alive }) => alive));
    await setTimeout(50);
    lab.command({ kind: 'fault', fault: { kind: 'kill-pod', service: 'chat', deployment: 'main', instance: 1 } });
    await until(() => socket.closed);
    const [first, ...others] = told.join('').split('HTTP/1.1 ').slice(1);
    expect(first).toContain('"completion_tokens":100');
    expect(others.join('')).not.toContain('[DONE]');
  });
});
