/** A server-sent event: its name, `message` unless it has one, and its data, lines joined. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/**
 * Reads server-sent events from bytes as they come, by the rules of the HTML standard: lines end in LF, CR or CRLF, a
 * space after the colon does not count, lines that begin with a colon are comments, an empty line ends an event, and an
 * event that the end of the stream cuts off is none. Where the bytes are split makes no difference: not within a
 * character, not within a line end.
 */
export class EventStream {
  readonly #decoder = new TextDecoder('utf-8');
  #line = '';
  /** The last character was a CR: an LF after it belongs to the same line end. */
  #afterReturn = false;
  #name = '';
  #data: string[] = [];

  /** @returns the events that these bytes complete */
  push(bytes: Uint8Array): StreamEvent[] {
    const events: StreamEvent[] = [];
    const text = this.#decoder.decode(bytes, { stream: true });
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const character = text[at];
      const wasReturn = this.#afterReturn;
      this.#afterReturn = character === '\r';
      if (character === '\n' && wasReturn) from = at + 1;
      else if (character === '\n' || character === '\r') {
        this.#take(this.#line + text.slice(from, at), events);
        this.#line = '';
        from = at + 1;
      }
    }
    this.#line += text.slice(from);
    return events;
  }

  #take(line: string, events: StreamEvent[]): void {
    if (line === '') {
      if (this.#data.length > 0) events.push({ name: this.#name || 'message', data: this.#data.join('\n') });
      this.#name = '';
      this.#data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#name = value;
  }
}
