/**
 * What comes over one connection, byte by byte, with the statuses of the replies in their order and the bodies of the pushes that
 * counted. No reply may say refused for what counted, and nothing counts that was not framed whole.
 */
export interface Framing {
  readonly name: string;
  /** Each is one write. */
  readonly sent: string | readonly string[];
  readonly statuses: readonly number[];
  readonly counted: readonly string[];
}

const good = (body: string, ...headers: readonly string[]): string =>
  ['POST /metrics/job/x HTTP/1.1', 'Host: x', `Content-Length: ${body.length}`, ...headers, '', body].join(
    '\r\n',
  );
const chunked = (...lines: readonly string[]): string =>
  ['POST /metrics/job/x HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked', '', ...lines].join('\r\n');
const last = 'GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

export const framings: readonly Framing[] = [
  { name: 'a push', sent: [good('a 1\n'), last], statuses: [202, 200], counted: ['a 1\n'] },
  {
    name: 'three pushes in one packet',
    sent: good('a 1\n') + good('b 1\n') + good('c 1\n') + last,
    statuses: [202, 202, 202, 200],
    counted: ['a 1\n', 'b 1\n', 'c 1\n'],
  },
  {
    name: 'garbage behind a push',
    sent: `${good('cs 1\n')}extra`,
    statuses: [202, 400],
    counted: ['cs 1\n'],
  },
  {
    name: 'garbage behind three pushes',
    sent: `${good('a 1\n') + good('b 1\n') + good('c 1\n')}\0\0\0\r\n\r\n`,
    statuses: [202, 202, 202, 400],
    counted: ['a 1\n', 'b 1\n', 'c 1\n'],
  },
  {
    name: 'headers that are too long behind a push',
    sent: `${good('a 1\n')}GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    statuses: [202, 431],
    counted: ['a 1\n'],
  },
  {
    name: 'a malformed chunk',
    sent: chunked('4', 'a 1', 'zz', '', ''),
    statuses: [400],
    counted: [],
  },
  {
    name: 'a malformed chunk behind a push',
    sent: good('a 1\n') + chunked('xyz', '', ''),
    statuses: [202, 400],
    counted: ['a 1\n'],
  },
  {
    name: 'a length and chunks',
    sent: good('0\r\n\r\n', 'Transfer-Encoding: chunked'),
    statuses: [400],
    counted: [],
  },
  {
    name: 'two lengths that differ',
    sent: good('a 1\n', 'Content-Length: 3'),
    statuses: [400],
    counted: [],
  },
  {
    name: 'a length that is no number',
    sent: 'POST /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n\r\na 1\n',
    statuses: [400],
    counted: [],
  },
  {
    name: 'a transfer coding that is none',
    sent: 'POST /metrics/job/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n4\r\na 1\n\r\n0\r\n\r\n',
    statuses: [400],
    counted: [],
  },
  {
    name: 'line feeds alone',
    sent: 'POST /metrics/job/x HTTP/1.1\nHost: x\nContent-Length: 4\n\na 1\n',
    statuses: [400],
    counted: [],
  },
  {
    name: 'a blank before the colon',
    sent: 'POST /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length : 4\r\n\r\na 1\n',
    statuses: [400],
    counted: [],
  },
  {
    name: 'chunks with an extension and a trailer',
    sent: chunked('4;name=value', 'a 1\n', '0', 'X-Trailer: 1', '', '') + last,
    statuses: [202, 200],
    counted: ['a 1\n'],
  },
  {
    name: 'two Host headers',
    sent: good('a 1\n', 'Host: y') + last,
    statuses: [400, 200],
    counted: [],
  },
  {
    name: 'no Host header',
    sent: 'GET /-/healthy HTTP/1.1\r\n\r\n',
    statuses: [400],
    counted: [],
  },
  {
    name: 'HTTP/1.0 without a Host header',
    sent: 'POST /metrics/job/x HTTP/1.0\r\nContent-Length: 4\r\n\r\na 1\n',
    statuses: [202],
    counted: ['a 1\n'],
  },
  { name: 'HTTP/0.9, which has no headers', sent: 'GET /metrics\r\n\r\n', statuses: [200], counted: [] },
  { name: 'the preface of HTTP/2', sent: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', statuses: [400], counted: [] },
  {
    name: 'the absolute form of a target',
    sent: good('a 1\n').replace(' /metrics', ' http://x/metrics') + last,
    statuses: [202, 200],
    counted: ['a 1\n'],
  },
  {
    name: 'an upgrade that nobody wants',
    sent: good('a 1\n', 'Connection: Upgrade, close', 'Upgrade: h2c'),
    statuses: [202],
    counted: ['a 1\n'],
  },
  {
    name: 'a push that is refused before its body, between two that are good',
    sent: good('a 1\n') + good('b 1\n', 'Content-Encoding: compress') + good('c 1\n') + last,
    statuses: [202, 415, 202, 200],
    counted: ['a 1\n', 'c 1\n'],
  },
  {
    name: 'a push behind the reply that ends the connection',
    sent: good('a 1\n', 'Connection: close') + good('b 1\n'),
    statuses: [202],
    counted: ['a 1\n'],
  },
];
