import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Micros } from './time.ts';

/** Bytes gathered before the hash takes them: a larger buffer only saves calls. */
const BUFFER_BYTES = 16_384;
/** The most bytes that six numbers take. */
const RECORD_BYTES = 6 * 8;
/** The code of a record that is a text; no word has it. */
const TEXT = 0;

/** A running SHA-256. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  /** Of everything so far, as 64 hexadecimal digits; it may go on. */
  digest(): string;
}

/** The kernel's own, which needs no machine: a shell may bring a faster one, which says the same. */
class PureHash implements RunningHash {
  readonly #hash = sha256.create();

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digest(): string {
    return bytesToHex(this.#hash.clone().digest());
  }
}

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
  readonly #hash: RunningHash;
  readonly #bytes = new Uint8Array(BUFFER_BYTES);
  #filled = 0;
  #records = 0;
  readonly #sink: TraceSink | undefined;

  constructor(sink?: TraceSink, hash: RunningHash = new PureHash()) {
    this.#sink = sink;
    this.#hash = hash;
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
    // Three bytes a character are the most that UTF-8 takes.
    if (this.#filled + RECORD_BYTES + 3 * text.length > BUFFER_BYTES) this.#flush();
    this.#write(at);
    this.#write(TEXT);
    this.#writeText(text);
    this.#records++;
    this.#sink?.(`${at} ${text}`);
  }

  /** The hash of everything recorded so far, as 64 hexadecimal digits. Recording may go on. */
  digest(): string {
    this.#flush();
    return this.#hash.digest();
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

  /** Its length in bytes, and its bytes. */
  #writeText(text: string): void {
    if (this.#filled + RECORD_BYTES + text.length <= BUFFER_BYTES && this.#writeAscii(text)) return;
    const bytes = utf8ToBytes(text);
    this.#write(bytes.length);
    this.#flush();
    this.#hash.update(bytes);
  }

  /** @returns false where the text has other characters: nothing is written then */
  #writeAscii(text: string): boolean {
    const before = this.#filled;
    this.#write(text.length);
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) {
        this.#filled = before;
        return false;
      }
      this.#bytes[this.#filled++] = code;
    }
    return true;
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
