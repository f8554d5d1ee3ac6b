import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ResponseCarrier } from '../../src/api/response-carrier.ts';
import type { Micros } from '../../src/kernel/index.ts';

const AT = 0 as Micros;
/** What is due at one moment. */
type Moment = readonly (string | Uint8Array)[];
type Answering = (response: ServerResponse) => void;

/** A date that stands still: two answers can be compared byte by byte. */
const HEADERS = { 'content-type': 'text/event-stream', date: 'Thu, 01 Jan 1970 00:00:00 GMT' };

const piece = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.uint8Array({ maxLength: 40 }));
const moments = fc.array(fc.array(piece, { maxLength: 4 }), { maxLength: 5 });

describe('an answer over HTTP', () => {
  let answer: Answering = () => {};
  const server = createServer((_, response) => answer(response));
  beforeAll(() => once(server.listen(0, '127.0.0.1'), 'listening'));
  afterAll(() => server.close());

  /** Every byte that comes back for requests sent at once on one connection. */
  const bytesOf = async (answering: Answering, requests = 1, version = '1.1'): Promise<string> => {
    answer = answering;
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const ask = (connection: string): string => `GET / HTTP/${version}\r\nhost: x\r\nconnection: ${connection}\r\n\r\n`;
    socket.write(ask('keep-alive').repeat(requests - 1) + ask('close'));
    const parts: Buffer[] = [];
    for await (const part of socket) parts.push(part);
    return Buffer.concat(parts).toString('latin1');
  };
  const carried =
    (all: readonly Moment[]): Answering =>
    (response) => {
      const carrier = new ResponseCarrier(response);
      carrier.deliver({ at: AT, kind: 'head', status: 200, headers: HEADERS });
      for (const due of all) {
        for (const data of due) carrier.deliver({ at: AT, kind: 'body', data });
        carrier.flush();
      }
      carrier.deliver({ at: AT, kind: 'end' });
      carrier.flush();
    };
  const written =
    (all: readonly Moment[]): Answering =>
    (response) => {
      response.writeHead(200, HEADERS);
      for (const data of all.flat()) response.write(data);
      response.end();
    };

  test.each([
    ['alone', 1, '1.1'],
    ['one of three that were asked for at once', 3, '1.1'],
    ['to a client that knows no chunks', 1, '1.0'],
  ])('is byte for byte what node makes of its pieces one by one: %s', async (_, requests, version) => {
    await fc.assert(
      fc.asyncProperty(moments, async (all) => {
        const [ours, nodes] = [
          await bytesOf(carried(all), requests, version),
          await bytesOf(written(all), requests, version),
        ];
        expect(ours).toBe(nodes);
      }),
      { numRuns: 30 },
    );
  });

  test('has what is due at one moment in one write, before the turn is over, and each piece in a chunk of its own', async () => {
    const sent: number[] = [];
    const text = await bytesOf((response) => {
      const carrier = new ResponseCarrier(response);
      const socket = response.socket!;
      const flush = (): void => {
        carrier.flush();
        sent.push(socket.bytesWritten);
      };
      carrier.deliver({ at: AT, kind: 'head', status: 200, headers: HEADERS });
      carrier.deliver({ at: AT, kind: 'body', data: 'one' });
      flush();
      for (const data of ['two', 'three']) carrier.deliver({ at: AT, kind: 'body', data });
      flush();
      expect(socket.writableLength).toBe(0);
      carrier.deliver({ at: AT, kind: 'end' });
      flush();
    });
    expect(text.endsWith('\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n')).toBe(true);
    expect(sent[1]! - sent[0]!).toBe('3\r\ntwo\r\n5\r\nthree\r\n'.length);
    expect(sent[2]).toBe(text.length);
  });
});
