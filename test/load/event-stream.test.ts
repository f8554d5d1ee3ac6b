import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventStream, type StreamEvent } from '../../src/load/index.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All events of bytes that come in these pieces. */
function eventsOf(pieces: readonly Uint8Array[]): StreamEvent[] {
  const stream = new EventStream();
  return pieces.flatMap((piece) => stream.push(piece));
}

const read = (text: string): StreamEvent[] => eventsOf([bytesOf(text)]);
const data = (text: string): string[] => read(text).map((event) => event.data);

/** Cuts bytes at these places, in any order, some of them twice: a piece may be empty. */
function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index]!, edge));
}

/** Text of all that a stream's reader has to tell apart. */
const streamText = fc
  .array(
    fc.constantFrom(
      'data:',
      'data: ',
      'event: a',
      ': note',
      'id: 1',
      ':',
      ' ',
      '{"a":1}',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      'é漢😀',
    ),
  )
  .map((parts) => parts.join(''));
/** Data on one line. */
const line = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !/[\r\n]/.test(text));
const lineEnd = fc.constantFrom('\n', '\r', '\r\n');

describe('server-sent events', () => {
  test('are the same however the bytes are split', () => {
    fc.assert(
      fc.property(streamText, fc.array(fc.nat()), (text, places) => {
        const bytes = bytesOf(text);
        expect(eventsOf(cutAt(bytes, places))).toEqual(eventsOf([bytes]));
      }),
    );
  });

  test('are the same byte by byte', () => {
    fc.assert(
      fc.property(streamText, (text) => {
        const bytes = bytesOf(text);
        expect(eventsOf([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(eventsOf([bytes]));
      }),
    );
  });

  test('give back what was sent, whatever ends the lines and whether a space follows the colon', () => {
    const sent = fc.array(fc.record({ lines: fc.array(line, { minLength: 1, maxLength: 3 }), space: fc.boolean() }));
    fc.assert(
      fc.property(sent, lineEnd, fc.array(fc.nat()), (events, end, places) => {
        const text = events
          .map(({ lines, space }) => {
            // Without a space of its own, data that begins with one would lose it.
            const spaced = space || lines.some((each) => each.startsWith(' '));
            return lines.map((each) => `data:${spaced ? ' ' : ''}${each}${end}`).join('') + end;
          })
          .join('');
        const found = eventsOf(cutAt(bytesOf(text), places)).map((event) => event.data);
        expect(found).toEqual(events.map(({ lines }) => lines.join('\n')));
      }),
    );
  });

  test('come as soon as their last byte has', () => {
    const stream = new EventStream();
    expect(stream.push(bytesOf('data: 1\r\n'))).toEqual([]);
    expect(stream.push(bytesOf('\r'))).toEqual([{ name: 'message', data: '1' }]);
    expect(stream.push(bytesOf('\ndata: 2\n\n'))).toEqual([{ name: 'message', data: '2' }]);
  });

  test('have names; comments, other fields and events without data are passed over', () => {
    expect(read(': ping\n\nevent: error\nid: 7\nretry: 10\ndata: {}\n\nevent: empty\n\ndata\n\n')).toEqual([
      { name: 'error', data: '{}' },
      { name: 'message', data: '' },
    ]);
  });

  test('that the end cuts off are none, and a byte order mark is no text', () => {
    expect(data('\uFEFFdata: whole\n\ndata: half\n')).toEqual(['whole']);
  });
});
