import { connect, type Socket } from 'node:net';

/** What a raw client needs to know to ask: plain values, so that they travel to its process. */
export interface Target {
  readonly port: number;
  /** The whole request, head and body. */
  readonly request: string;
}

/** Whom a raw client asks: what is below its URL is OpenAI's. */
export interface Asked {
  readonly url: string;
  readonly apiKey: string | null;
  readonly model: string;
}

/** A chat completion of exactly so many tokens, as the bytes that go over the wire. */
export function chatTarget({ url, apiKey, model }: Asked, options: { tokens: number; stream: boolean }): Target {
  const { host, pathname, port } = new URL(url);
  const body = JSON.stringify({
    model,
    messages: [{ role: 'user', content: 'Say something of the given length, whatever it is.' }],
    max_tokens: options.tokens,
    ignore_eos: true,
    stream: options.stream,
  });
  const head = [
    `POST ${pathname.replace(/\/$/, '')}/v1/chat/completions HTTP/1.1`,
    `host: ${host}`,
    `authorization: Bearer ${apiKey}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return { port: Number(port), request: `${head.join('\r\n')}\r\n\r\n${body}` };
}

/** Read by every connection in turn: what is in it counts until the callback returns. */
const BUFFER = Buffer.alloc(1 << 18);

/**
 * A kept-alive connection that costs its process as little as possible: one buffer for all, no parser and no objects.
 * @param onBytes what has come; it is overwritten afterwards
 */
export function rawConnection(port: number, onBytes: (bytes: Buffer) => void): Promise<Socket> {
  const callback = (count: number): boolean => {
    onBytes(BUFFER.subarray(0, count));
    return true;
  };
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: BUFFER, callback } });
    socket.once('connect', () => resolve(socket)).once('error', reject);
  });
}

const EVENT_END = Buffer.from('\n\n');
const STREAM_END = Buffer.from('\r\n0\r\n\r\n');
const LINE_FEED = 0x0a;

/** Counts the events of a stream of answers, however they are cut into reads. */
export class EventCounter {
  #halfEnd = false;

  /** Events that ended with these bytes. */
  count(bytes: Buffer): number {
    let events = this.#halfEnd && bytes[0] === LINE_FEED ? 1 : 0;
    let at = events;
    for (;;) {
      const end = bytes.indexOf(EVENT_END, at);
      if (end < 0) break;
      events++;
      at = end + EVENT_END.length;
    }
    this.#halfEnd = at < bytes.length && bytes[bytes.length - 1] === LINE_FEED;
    return events;
  }
}

/** Whether a streamed answer is over: its last read ends so, since the server sends the end in one piece. */
export function endsStream(bytes: Buffer): boolean {
  return bytes.length >= STREAM_END.length && bytes.subarray(-STREAM_END.length).equals(STREAM_END);
}
