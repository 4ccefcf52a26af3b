/** HTTP as bytes on a socket, for what no client would send, and a reader of replies that takes nothing but whole ones. */
import { connect } from 'node:net';

export interface RawReply {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface Exchanged {
  readonly replies: readonly RawReply[];
  /** What is wrong with the bytes that came, if anything is. */
  readonly problem: string | undefined;
  /** Whether the server closed the connection. */
  readonly closed: boolean;
}

export interface ExchangeOptions {
  /** Sent one after the other, with a pause between. */
  readonly packets: readonly string[];
  /** Closes the sending side after the last packet. */
  readonly finish?: boolean;
  /** Without a byte for so long, the client closes its sending side, which makes the server finish, or gives up. */
  readonly quietMs: number;
  readonly whenQuiet: 'finish' | 'give up';
  /** No longer than until so many replies have come, where the server is not expected to close. */
  readonly repliesMax?: number;
}

const PAUSE_MS = 20;

/** For the server to close after the client has. */
const CLOSE_TIMEOUT_MS = 20_000;

/** Sends the packets as latin1, and collects what comes until the server closes or all is quiet. */
export function exchangeRaw(port: number, options: ExchangeOptions): Promise<Exchanged> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    let received = '';
    let closed = false;
    let quiet: ReturnType<typeof setTimeout> | undefined;
    const settle = (): void => {
      clearTimeout(quiet);
      socket.destroy();
      resolve({ ...readReplies(received, closed), closed });
    };
    let finished = false;
    const finish = (): void => {
      finished = true;
      socket.end();
      quiet = setTimeout(settle, CLOSE_TIMEOUT_MS);
    };
    const expectQuiet = (): void => {
      if (finished) return;
      clearTimeout(quiet);
      quiet = setTimeout(options.whenQuiet === 'finish' ? finish : settle, options.quietMs);
    };
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      if (
        options.repliesMax !== undefined &&
        readReplies(received, false).replies.length >= options.repliesMax
      ) {
        settle();
      } else expectQuiet();
    });
    socket.on('error', () => {});
    // A server that ends has said all.
    socket.on('end', () => {
      closed = true;
      settle();
    });
    socket.on('close', () => {
      closed = true;
      settle();
    });
    const send = async (): Promise<void> => {
      for (const [i, packet] of options.packets.entries()) {
        if (i > 0) await new Promise((next) => setTimeout(next, PAUSE_MS));
        if (socket.destroyed) return;
        socket.write(packet, 'latin1');
      }
      if (options.finish === true) finish();
      else expectQuiet();
    };
    socket.once('connect', () => void send());
  });
}

/** Replies in a row; those to HEAD are not told from others, so none is sent here. */
export function readReplies(received: string, isEnd: boolean): Pick<Exchanged, 'replies' | 'problem'> {
  const replies: RawReply[] = [];
  let at = 0;
  while (at < received.length) {
    const headEnd = received.indexOf('\r\n\r\n', at);
    if (headEnd === -1) return { replies, problem: `a head that does not end: ${quote(received.slice(at))}` };
    const [first = '', ...lines] = received.slice(at, headEnd).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
    if (Number.isNaN(status)) return { replies, problem: `no status line: ${quote(first)}` };
    const headers = new Map<string, string>();
    for (const line of lines) {
      const match = /^([A-Za-z-]+): (.*)$/.exec(line);
      if (match === null) return { replies, problem: `no header: ${quote(line)}` };
      headers.set(match[1]!.toLowerCase(), match[2]!);
    }
    at = headEnd + 4;
    const body = readBody(received, at, { status, headers, isEnd });
    if (body === undefined) return { replies, problem: `a body that does not end after ${quote(first)}` };
    replies.push({ status, headers, body: body.text });
    at = body.end;
  }
  return { replies, problem: undefined };
}

function readBody(
  received: string,
  start: number,
  {
    status,
    headers,
    isEnd,
  }: { readonly status: number; readonly headers: ReadonlyMap<string, string>; readonly isEnd: boolean },
): { readonly text: string; readonly end: number } | undefined {
  if (status < 200 || status === 204) return { text: '', end: start };
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(received, start);
  const length = headers.get('content-length');
  if (length === undefined) return isEnd ? { text: received.slice(start), end: received.length } : undefined;
  const end = start + Number(length);
  return end > received.length ? undefined : { text: received.slice(start, end), end };
}

function readChunks(
  received: string,
  start: number,
): { readonly text: string; readonly end: number } | undefined {
  let text = '';
  for (let at = start; ;) {
    const lineEnd = received.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const bytes = Number.parseInt(received.slice(at, lineEnd), 16);
    const next = lineEnd + 2 + bytes + 2;
    if (Number.isNaN(bytes) || next > received.length) return undefined;
    if (bytes === 0) return { text, end: next };
    text += received.slice(lineEnd + 2, lineEnd + 2 + bytes);
    at = next;
  }
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
