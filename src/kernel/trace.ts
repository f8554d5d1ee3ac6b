import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Micros } from './time.ts';

/** Numbers gathered before the hash takes them: a larger buffer only saves calls. */
const BUFFER_WORDS = 2_048;

/** What a reader of a trace sees: one line per record, in order. */
export type TraceSink = (line: string) => void;

/**
 * The canonical trace of a run: what happened, in order, and nothing about who watched.
 *
 * Two runs are the same run if and only if their traces are, and the hash (SHA-256 over the records' canonical
 * bytes) says so in 64 digits. A record is either numbers (the frequent ones: requests) or a text (events,
 * changes of state, commands).
 */
export class Trace {
  readonly #hash = sha256.create();
  readonly #words = new Float64Array(BUFFER_WORDS);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  #filled = 0;
  #records = 0;
  readonly #sink: TraceSink | undefined;

  constructor(sink?: TraceSink) {
    this.#sink = sink;
  }

  get records(): number {
    return this.#records;
  }

  /** Records that `what` happened to `subject`, with up to three figures. Names are part of the hash by their code. */
  note(at: Micros, what: TraceWord, subject: number, a = 0, b = 0, c = 0): void {
    if (this.#filled + 6 > BUFFER_WORDS) this.#flush();
    const words = this.#words;
    let index = this.#filled;
    words[index++] = at;
    words[index++] = what.code;
    words[index++] = subject;
    words[index++] = a;
    words[index++] = b;
    words[index++] = c;
    this.#filled = index;
    this.#records++;
    this.#sink?.(`${at} ${what.name} ${subject} ${a} ${b} ${c}`);
  }

  /** Records a text: an event, a change of state or a command. */
  tell(at: Micros, text: string): void {
    this.#flush();
    this.#hash.update(utf8ToBytes(`${at} ${text}\n`));
    this.#records++;
    this.#sink?.(`${at} ${text}`);
  }

  /** The hash of everything recorded so far, as 64 hexadecimal digits. Recording may go on. */
  digest(): string {
    this.#flush();
    return bytesToHex(this.#hash.clone().digest());
  }

  #flush(): void {
    if (this.#filled === 0) return;
    this.#hash.update(this.#bytes.subarray(0, this.#filled * 8));
    this.#filled = 0;
  }
}

/** A word of the trace's vocabulary: the name for people, the code for the hash. A code is never reused. */
export interface TraceWord {
  readonly code: number;
  readonly name: string;
}
