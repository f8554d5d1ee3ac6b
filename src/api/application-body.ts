import { counted, seedOf } from '../kernel/index.ts';
import {
  type ApplicationAnswer,
  type ApplicationReply,
  type PlaceholderName,
  type TemplatePart,
  templateParts,
} from '../platform/index.ts';

/** What of a request an application's answer may show. */
export interface Shown {
  readonly method: string;
  /** As they came. */
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

/** What else an answer is made of. */
export interface AnswerFacts {
  readonly seed: number;
  readonly request: number;
  readonly pod: string;
}

const ASCII_LINES = /\r\n|\r|\n/;

/** The bodies of one answer, piece by piece. What it says is a function of the request, its number and the seed. */
export class ApplicationBody {
  readonly #answer: ApplicationAnswer;
  readonly #shown: Shown;
  readonly #facts: AnswerFacts;

  constructor(answer: ApplicationAnswer, shown: Shown, facts: AnswerFacts) {
    this.#answer = answer;
    this.#shown = shown;
    this.#facts = facts;
  }

  /** What its content type is where the route names none. @param eventStream what streams of events are called */
  contentType(eventStream: string): string {
    const { route } = this.#answer;
    switch (route?.reply.kind) {
      case 'echo':
        return this.#shown.headers['content-type'] ?? 'application/octet-stream';
      case 'binary':
        return 'application/octet-stream';
      case 'text':
      case 'chunks':
        return 'text/plain; charset=utf-8';
      case 'sse':
        return eventStream;
      default:
        return 'application/json';
    }
  }

  /** @param n which, from 1 */
  piece(n: number): Uint8Array {
    const { route, status, pieces } = this.#answer;
    if (route === undefined) return utf8(JSON.stringify({ detail: DETAILS[status] ?? 'Error' }));
    const { reply } = route;
    switch (reply.kind) {
      case 'echo':
        return this.#shown.body;
      case 'text':
      case 'chunks':
        return this.#filled(reply.body, n);
      case 'json':
        return utf8(JSON.stringify(this.#filledIn(reply.value, n)));
      case 'binary':
        return bytesOfChance(reply.bytes, this.#facts);
      case 'sse':
        return this.#events(reply, n, n === pieces);
      case 'websocket':
        return this.#shown.body;
    }
  }

  /** What a connection is sent: the reply to a message, or one of its server's own. */
  message(n: number, own: boolean): Uint8Array {
    const reply = this.#answer.route?.reply;
    if (reply?.kind !== 'websocket') return this.piece(n);
    const template = own ? reply.push?.data : reply.message;
    return template === undefined ? this.#shown.body : this.#filled(template, n);
  }

  #events(reply: ApplicationReply & { kind: 'sse' }, n: number, last: boolean): Uint8Array {
    const data = new TextDecoder().decode(this.#filled(reply.data, n));
    const done = last && reply.done !== undefined ? eventOf(reply.done) : '';
    return utf8(eventOf(data, reply.event) + done);
  }

  /** A value with its texts filled in. */
  #filledIn(value: unknown, n: number): unknown {
    if (typeof value === 'string') return new TextDecoder().decode(this.#filled(value, n));
    if (Array.isArray(value)) return value.map((each: unknown) => this.#filledIn(each, n));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.#filledIn(each, n)]));
  }

  #filled(template: string, n: number): Uint8Array {
    const parts = templateParts(template).map((part) => this.#part(part, n));
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  #part(part: TemplatePart, n: number): Uint8Array {
    if ('text' in part) return utf8(part.text);
    if ('header' in part) return wire(this.#shown.headers[part.header] ?? '');
    return this.#placeholder(part.placeholder, n);
  }

  #placeholder(name: PlaceholderName, n: number): Uint8Array {
    const { method, path, query, body } = this.#shown;
    switch (name) {
      case 'body':
        return body;
      case 'method':
        return wire(method);
      case 'path':
        return wire(path);
      case 'query':
        return wire(query);
      case 'bytes':
        return wire(String(body.length));
      case 'request':
        return wire(String(this.#facts.request));
      case 'pod':
        return utf8(this.#facts.pod);
      case 'n':
        return wire(String(n));
      default:
        // The rest are those of metrics.
        return wire('');
    }
  }
}

/** The text in which an application tells its metrics. */
export function metricsText(
  template: string,
  facts: Readonly<Partial<Record<PlaceholderName, string | number>>>,
): string {
  return templateParts(template)
    .map((part) => ('text' in part ? part.text : 'header' in part ? '' : String(facts[part.placeholder] ?? '')))
    .join('');
}

/** What is said where no route is for a request. */
const DETAILS: Readonly<Record<number, string>> = {
  404: 'Not Found',
  405: 'Method Not Allowed',
  426: 'Upgrade Required',
  503: 'Service Unavailable',
};

/** An event as its readers split it: each line of the data is a field of its own (WHATWG HTML, 9.2.6). */
function eventOf(data: string, type?: string): string {
  const lines = data.split(ASCII_LINES).map((line) => `data: ${line}\n`);
  return `${type === undefined ? '' : `event: ${type}\n`}${lines.join('')}\n`;
}

function bytesOfChance(size: number, { seed, request }: AnswerFacts): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  const own = seedOf(seed, 'application/bytes');
  for (let at = 0; at < words.length; at++) words[at] = counted(own, request, at) * 2 ** 32;
  return new Uint8Array(words.buffer, 0, size);
}

function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** Node reads what comes over the wire one byte a character: so it goes back. */
function wire(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
