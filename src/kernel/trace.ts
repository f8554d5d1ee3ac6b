import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Micros } from './time.ts';

/** Bytes gathered before the hash takes them: a larger buffer only saves calls. */
const BUFFER_BYTES = 16_384;
/** The most bytes that six numbers take. */
const RECORD_BYTES = 6 * 8;
/** The code of a record that is a text; no word has it. */
const TEXT = 0;

/** What a reader of a trace sees: one line per record, in order. */
export type TraceSink = (line: string) => void;

/**
 * The canonical trace of a run: what happened, in order, and nothing about who watched.
 *
 * Two runs are the same run if and only if their traces are, and the hash (SHA-256 over the records' canonical
 * bytes) says so in 64 digits. A record is either numbers (the frequent ones: requests) or a text (events,
 * changes of state, commands). Numbers take as many bytes as they need, since hashing is most of what a record costs.
 */
export class Trace {
  readonly #hash = sha256.create();
  readonly #bytes = new Uint8Array(BUFFER_BYTES);
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
    if (this.#filled + RECORD_BYTES > BUFFER_BYTES) this.#flush();
    this.#write(at);
    this.#write(what.code);
    this.#write(subject);
    this.#write(a);
    this.#write(b);
    this.#write(c);
    this.#records++;
    this.#sink?.(`${at} ${what.name} ${subject} ${a} ${b} ${c}`);
  }

  /** Records a text: an event, a change of state or a command. */
  tell(at: Micros, text: string): void {
    const bytes = utf8ToBytes(text);
    if (this.#filled + RECORD_BYTES + bytes.length > BUFFER_BYTES) this.#flush();
    this.#write(at);
    this.#write(TEXT);
    this.#write(bytes.length);
    if (this.#filled + bytes.length > BUFFER_BYTES) {
      this.#flush();
      this.#hash.update(bytes);
    } else {
      this.#bytes.set(bytes, this.#filled);
      this.#filled += bytes.length;
    }
    this.#records++;
    this.#sink?.(`${at} ${text}`);
  }

  /** The hash of everything recorded so far, as 64 hexadecimal digits. Recording may go on. */
  digest(): string {
    this.#flush();
    return bytesToHex(this.#hash.clone().digest());
  }

  /** An integer of at most 52 bits as LEB128 writes it: seven bits a byte, the lowest first. The very lowest is the sign. */
  #write(value: number): void {
    let left = value < 0 ? -2 * value - 1 : 2 * value;
    while (left >= 0x80) {
      const higher = Math.floor(left / 0x80);
      // The difference first: above 2^53 a sum would be rounded.
      this.#bytes[this.#filled++] = left - 0x80 * higher + 0x80;
      left = higher;
    }
    this.#bytes[this.#filled++] = left;
  }

  #flush(): void {
    this.#hash.update(this.#bytes.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

/** A word of the trace's vocabulary: the name for people, the code for the hash. A code is never reused. */
export interface TraceWord {
  readonly code: number;
  readonly name: string;
}
