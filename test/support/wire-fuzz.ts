import { connect } from 'node:net';
import { Chance, type Uniform } from '../../src/kernel/index.ts';

/** What one hostile client does: writes these pieces, each in a turn of its own, and then goes in this way. */
export interface HostileStream {
  readonly pieces: readonly Buffer[];
  /** `end`: says that it is done and reads to the end; `reset`: breaks off at once; `linger`: writes no more, and waits. */
  readonly leaves: 'end' | 'reset' | 'linger';
}

/** Whole, well-formed streams of bytes that are then broken. */
export type Corpus = readonly Buffer[];

const LONGEST_HEAD = 40_000;
const ODD_BYTES = [0x00, 0x0a, 0x0d, 0x20, 0x22, 0x3a, 0x5c, 0x7b, 0x7f, 0x80, 0xc0, 0xed, 0xff];

/** Ways to break a stream of bytes. Each leaves something that a server may make sense of in part. */
const MUTATIONS: readonly ((bytes: Buffer, draw: Draw) => Buffer)[] = [
  (bytes) => bytes,
  // Truncated.
  (bytes, { below }) => bytes.subarray(0, below(bytes.length + 1)),
  // Bits turned.
  (bytes, { below }) => {
    const broken = Buffer.from(bytes);
    for (let count = 1 + below(8); count > 0; count--) broken[below(broken.length)]! ^= 1 << below(8);
    return broken;
  },
  // Bytes that mean something where they do not belong.
  (bytes, { below, one }) => {
    const broken = Buffer.from(bytes);
    for (let count = 1 + below(8); count > 0; count--) broken[below(broken.length)] = one(ODD_BYTES);
    return broken;
  },
  // A part twice, or left out.
  (bytes, { below }) => {
    const [from, to] = [below(bytes.length), below(bytes.length)].sort((one, other) => one - other) as [number, number];
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  (bytes, { below }) => {
    const [from, to] = [below(bytes.length), below(bytes.length)].sort((one, other) => one - other) as [number, number];
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  // Oversized: something that is repeated many times.
  (bytes, { below, one }) => {
    const at = below(bytes.length);
    const filler = Buffer.alloc(below(LONGEST_HEAD), one(ODD_BYTES.concat(0x61, 0x2c)));
    return Buffer.concat([bytes.subarray(0, at), filler, bytes.subarray(at)]);
  },
  // Numbers that are wrong: lengths above all.
  (bytes, { below, one }) =>
    Buffer.from(
      bytes.toString('latin1').replace(/\d+/g, (number) => {
        return below(4) > 0 ? number : one(['0', '-1', '1', `${number}0`, '99999999999999999999', '0x10', '']);
      }),
      'latin1',
    ),
  // The next one before this is over.
  (bytes) => Buffer.concat([bytes, bytes]),
  // Noise.
  (_, { below }) => Buffer.from(Array.from({ length: 1 + below(400) }, () => below(256))),
];

interface Draw {
  /** A whole number below `limit`; 0 when there is none. */
  below(limit: number): number;
  one<Some>(some: readonly Some[]): Some;
}

function drawsOf(uniform: Uniform): Draw {
  const below = (limit: number): number => Math.floor(uniform() * limit);
  return { below, one: (some) => some[below(some.length)]! };
}

/** The `number`-th hostile stream of a seed: told both, anybody makes it again. */
export function hostileStream(corpus: Corpus, seed: number, number: number): HostileStream {
  const draw = drawsOf(new Chance(seed).stream(`hostile/${number}`));
  let bytes = draw.one(corpus);
  for (let count = draw.below(3); count >= 0 && bytes.length > 0; count--) bytes = draw.one(MUTATIONS)(bytes, draw);
  const pieces: Buffer[] = [];
  const longest = draw.one([1 + bytes.length, 1_000, 40, 3]);
  for (let at = 0; at < bytes.length && pieces.length < 200; ) {
    const size = 1 + draw.below(longest);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return { pieces, leaves: draw.one(['end', 'end', 'reset', 'linger']) };
}

/**
 * Does what a hostile stream says, against a real port.
 * @param patience milliseconds that a client lingers before it goes by itself
 * @returns once the connection is over on this side
 */
export function attack(port: number, { pieces, leaves }: HostileStream, patience: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let next = 0;
    const goOn = (): void => {
      if (socket.destroyed) return;
      if (next < pieces.length) {
        socket.write(pieces[next++]!);
        setImmediate(goOn);
        return;
      }
      if (leaves === 'reset') socket.resetAndDestroy();
      else if (leaves === 'end') socket.end();
      setTimeout(() => socket.destroy(), patience).unref();
    };
    socket.on('connect', goOn);
    socket.on('data', () => {
      // Read, so that the server can go on.
    });
    socket.on('error', () => {
      // That is what it is for.
    });
    socket.on('close', () => resolve());
  });
}
