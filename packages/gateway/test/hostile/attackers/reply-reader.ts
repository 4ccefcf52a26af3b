/** Reads replies off a connection just as far as to know the status of each, and where it ends. Bodies are counted and dropped. */

type Mode = 'head' | 'body' | 'size' | 'chunk' | 'trailer';

/** What follows a chunk. */
const CRLF_BYTES = 2;

export class ReplyReader {
  readonly #onReply: (status: string) => void;
  #mode: Mode = 'head';
  #line = '';
  #left = 0;
  #status = '';

  /** `onReply` is called at the end of each reply but 100. */
  constructor(onReply: (status: string) => void) {
    this.#onReply = onReply;
  }

  read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#mode === 'body' || this.#mode === 'chunk') {
        const taken = Math.min(this.#left, bytes.length - at);
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) this.#endOfBody();
        continue;
      }
      const lineEnd = bytes.indexOf(0x0a, at);
      const end = lineEnd < 0 ? bytes.length : lineEnd + 1;
      this.#line += bytes.toString('latin1', at, end);
      at = end;
      if (lineEnd >= 0) this.#endOfLine();
    }
  }

  #endOfLine(): void {
    const line = this.#line;
    if (this.#mode === 'head') {
      if (line.endsWith('\r\n\r\n')) this.#endOfHead(line);
      return;
    }
    this.#line = '';
    if (this.#mode === 'trailer') {
      if (line === '\r\n') this.#endOfReply();
      return;
    }
    const size = Number.parseInt(line, 16);
    this.#mode = size === 0 ? 'trailer' : 'chunk';
    this.#left = size + CRLF_BYTES;
  }

  #endOfHead(head: string): void {
    this.#line = '';
    this.#status = head.slice(9, 12);
    if (/^transfer-encoding: chunked\r$/im.test(head)) {
      this.#mode = 'size';
      return;
    }
    this.#left = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
    this.#mode = 'body';
    if (this.#left === 0) this.#endOfReply();
  }

  #endOfBody(): void {
    if (this.#mode === 'chunk') this.#mode = 'size';
    else this.#endOfReply();
  }

  #endOfReply(): void {
    this.#mode = 'head';
    if (this.#status !== '100') this.#onReply(this.#status);
  }
}
