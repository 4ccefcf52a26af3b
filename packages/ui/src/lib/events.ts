/** Server-sent events as they come in pieces: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream. */

export interface ServerEvent {
  readonly type: string;
  readonly data: string;
}

/** An event longer than this is dropped. */
const EVENT_CHARS_MAX = 1 << 20;

export class EventParser {
  #rest = '';
  #type = '';
  #data: string[] = [];
  #chars = 0;

  /** The events that are whole by now. */
  push(piece: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const text = this.#rest + piece;
    let from = 0;
    for (;;) {
      const end = text.slice(from).search(/\r\n|\n|\r(?=[^\n])/);
      if (end === -1) break;
      const line = text.slice(from, from + end);
      from += end + (text.startsWith('\r\n', from + end) ? 2 : 1);
      const event = this.#line(line);
      if (event !== undefined) events.push(event);
    }
    this.#rest = text.length - from > EVENT_CHARS_MAX ? '' : text.slice(from);
    return events;
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') {
      const event = { type: this.#type === '' ? 'message' : this.#type, data: this.#data.join('\n') };
      const isWhole = this.#data.length > 0 && this.#chars <= EVENT_CHARS_MAX;
      this.#type = '';
      this.#data = [];
      this.#chars = 0;
      return isWhole ? event : undefined;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#type = value;
    else if (field === 'data') {
      this.#chars += value.length;
      if (this.#chars <= EVENT_CHARS_MAX) this.#data.push(value);
    }
    return undefined;
  }
}
