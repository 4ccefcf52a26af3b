/**
 * Ways to frame requests, on one connection each: what the replies must be, in order, and how many pushes must have counted.
 */
export interface FramingCase {
  readonly name: string;
  readonly packets: readonly string[];
  /** Statuses of all replies, 100 included. */
  readonly statuses: readonly number[];
  readonly counted: number;
  /** The server closes the connection after the last reply. */
  readonly closes: boolean;
  /** The client closes its sending side at the end. */
  readonly finish?: boolean;
}

/** What is pushed; the name of the attempt takes the place of `%`. */
export const LINE = 'framing_pushed_total{case="%"} 1\n';
/** With a name of seven characters. */
export const LINE_BYTES = 39;

const hex = LINE_BYTES.toString(16);
const chunk = `${hex}\r\n${LINE}\r\n`;

function post(headers: string, body = LINE): string {
  return `POST /metrics HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${body}`;
}

const push = post(`Content-Length: ${LINE_BYTES}`);
const chunked = post('Transfer-Encoding: chunked', '');
const healthy = 'GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n';

function refused(name: string, ...packets: string[]): FramingCase {
  return { name, packets, statuses: [400], counted: 0, closes: true };
}

function taken(name: string, pushes: number, ...packets: string[]): FramingCase {
  return {
    name,
    packets,
    statuses: Array.from({ length: pushes }, () => 202),
    counted: pushes,
    closes: false,
  };
}

/** Good pushes, and then what is none. */
function after(name: string, pushes: number, tail: string, ...statuses: number[]): FramingCase {
  const replies = [...Array.from({ length: pushes }, () => 202), ...statuses];
  return { name, packets: [push.repeat(pushes) + tail], statuses: replies, counted: pushes, closes: true };
}

const good: readonly FramingCase[] = [
  taken('a push', 1, push),
  taken('three pushes in one packet', 3, push.repeat(3)),
  taken('more pushes than may run together', 100, push.repeat(100)),
  taken('a push in three packets', 1, push.slice(0, 30), push.slice(30, 90), push.slice(90)),
  taken('empty lines before the request', 1, `\r\n\r\n${push}`),
  taken('chunks', 1, `${chunked}${chunk}0\r\n\r\n`),
  taken('a chunk extension', 1, `${chunked}${hex};a=b\r\n${LINE}\r\n0\r\n\r\n`),
  taken('trailers', 1, `${chunked}${chunk}0\r\nA: b\r\n\r\n`),
  taken('chunks and another push', 2, `${chunked}${chunk}0\r\n\r\n${push}`),
  taken('absolute form', 1, push.replace('/metrics', 'http://other.example/metrics')),
  taken(
    'an upgrade that is not taken',
    1,
    post(`Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: ${LINE_BYTES}`),
  ),
  taken(
    'an upgrade to a WebSocket',
    1,
    post(`Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: ${LINE_BYTES}`),
  ),
  taken('another expectation', 2, `${post(`Expect: the-worst\r\nContent-Length: ${LINE_BYTES}`)}${push}`),
  {
    name: 'expects to continue',
    packets: [post(`Expect: 100-continue\r\nContent-Length: ${LINE_BYTES}`, ''), LINE],
    statuses: [100, 202],
    counted: 1,
    closes: false,
  },
  {
    name: 'expects to continue and does not wait',
    packets: [post(`Expect: 100-continue\r\nContent-Length: ${LINE_BYTES}`) + push],
    statuses: [100, 202, 202],
    counted: 2,
    closes: false,
  },
  {
    name: 'expects to continue behind another push',
    packets: [push + post(`Expect: 100-continue\r\nContent-Length: ${LINE_BYTES}`, ''), LINE],
    statuses: [202, 100, 202],
    counted: 2,
    closes: false,
  },
  {
    name: 'a read between pushes',
    packets: [push + healthy + push],
    statuses: [202, 200, 202],
    counted: 2,
    closes: false,
  },
  {
    name: 'many reads',
    packets: [healthy.repeat(60)],
    statuses: Array.from({ length: 60 }, () => 200),
    counted: 0,
    closes: false,
  },
  {
    name: 'a read with a body',
    packets: [`GET /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc${push}`],
    statuses: [200, 202],
    counted: 1,
    closes: false,
  },
  {
    name: 'a refused push between good ones',
    packets: [push + post('Content-Length: 5', 'a b\n\n') + push],
    statuses: [202, 400, 202],
    counted: 2,
    closes: false,
  },
  {
    name: 'HTTP/1.0',
    packets: [`POST /metrics HTTP/1.0\r\nContent-Length: ${LINE_BYTES}\r\n\r\n${LINE}`],
    statuses: [202],
    counted: 1,
    closes: true,
  },
  {
    name: 'HTTP/1.0 kept alive',
    packets: [
      `POST /metrics HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: ${LINE_BYTES}\r\n\r\n${LINE}${push}`,
    ],
    statuses: [202, 202],
    counted: 2,
    closes: false,
  },
  {
    name: 'a sender that closes its side after a push',
    packets: [push],
    statuses: [202],
    counted: 1,
    closes: true,
    finish: true,
  },
  {
    name: 'a sender that closes its side after pushes',
    packets: [push.repeat(5)],
    statuses: [202, 202, 202, 202, 202],
    counted: 5,
    closes: true,
    finish: true,
  },
  {
    name: 'a sender that closes its side in a body',
    packets: [push + push.slice(0, -3)],
    statuses: [202],
    counted: 1,
    closes: true,
    finish: true,
  },
  {
    name: 'a sender that asks for an upgrade and closes its side in the body',
    packets: [push, post(`Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: ${LINE_BYTES}`, 'framing')],
    statuses: [202],
    counted: 1,
    closes: true,
    finish: true,
  },
  {
    name: 'a sender that closes its side in a head',
    packets: [push + push.slice(0, 20)],
    statuses: [202],
    counted: 1,
    closes: true,
    finish: true,
  },
];

const brokenAfterGood: readonly FramingCase[] = [
  after('garbage after a push', 1, 'extra', 400),
  after('garbage after three pushes', 3, 'extra', 400),
  after('garbage after more pushes than may run together', 100, 'extra', 400),
  after('a shorter length than the body has', 1, push.replace(`${LINE_BYTES}`, '5'), 400, 400),
  after(
    'an oversize header after a push',
    1,
    `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`,
    431,
  ),
  after('an oversize path after a push', 1, `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431),
  after('a wrong chunk size after a push', 1, `${chunked}zz\r\n`, 400),
  after('a wrong chunk size after a chunk, after a push', 1, `${chunked}${chunk}zz\r\n`, 400),
  after('CONNECT after two pushes', 2, 'CONNECT a.example:1 HTTP/1.1\r\nHost: x\r\n\r\n', 405),
  after('the preface of HTTP/2 after a push', 1, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400),
  after('no Host after a push', 1, `${push.replace('Host: x\r\n', '')}${push}`, 400),
  after('two lengths after a push', 1, post('Content-Length: 5\r\nContent-Length: 6', 'a 1\n\n'), 400),
  after('a read and garbage', 0, `${healthy}extra`, 200, 400),
  after(
    'a read whose chunks are wrong',
    0,
    'GET /-/healthy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    200,
    // From Node 24 on the connection is closed without another word.
    ...(Number.parseInt(process.versions.node, 10) >= 24 ? [] : [400]),
  ),
  {
    name: 'garbage in a later packet',
    packets: [push, 'extra\r\n\r\n'],
    statuses: [202, 400],
    counted: 1,
    closes: true,
  },
  {
    name: 'garbage behind an upload that waits',
    packets: [push.repeat(2) + chunked, 'zz\r\n'],
    statuses: [202, 202, 400],
    counted: 2,
    closes: true,
  },
  {
    name: 'more after a request that closes',
    packets: [post(`Connection: close\r\nContent-Length: ${LINE_BYTES}`) + push],
    statuses: [202],
    counted: 1,
    closes: true,
  },
  {
    name: 'more after HTTP/1.0',
    packets: [`POST /metrics HTTP/1.0\r\nContent-Length: ${LINE_BYTES}\r\n\r\n${LINE}${push}`],
    statuses: [202],
    counted: 1,
    closes: true,
  },
];

const smuggled: readonly FramingCase[] = [
  refused('a wrong chunk size', `${chunked}zz\r\n`),
  refused('a wrong chunk size after a whole chunk', `${chunked}${chunk}zz\r\n`),
  refused('a chunk longer than its size', `${chunked}5\r\n${LINE}\r\n0\r\n\r\n`),
  refused('a chunk size beyond 64 bits', `${chunked}ffffffffffffffffff\r\n`),
  refused('a negative chunk size', `${chunked}-1\r\n`),
  refused(
    'length and chunks',
    post(`Content-Length: ${LINE_BYTES}\r\nTransfer-Encoding: chunked`, `${chunk}0\r\n\r\n`),
  ),
  refused(
    'chunks and length',
    post(`Transfer-Encoding: chunked\r\nContent-Length: ${LINE_BYTES}`, `${chunk}0\r\n\r\n`),
  ),
  refused('two lengths', post(`Content-Length: ${LINE_BYTES}\r\nContent-Length: 5`)),
  refused('two equal lengths', post(`Content-Length: ${LINE_BYTES}\r\nContent-Length: ${LINE_BYTES}`)),
  refused('lengths in a list', post(`Content-Length: ${LINE_BYTES}, ${LINE_BYTES}`)),
  refused('a length with a sign', post(`Content-Length: +${LINE_BYTES}`)),
  refused('a negative length', post('Content-Length: -1')),
  refused('a length in hexadecimal', post('Content-Length: 0x27')),
  refused('a length beyond 64 bits', post('Content-Length: 99999999999999999999999')),
  refused('a blank before the colon', post(`Content-Length : ${LINE_BYTES}`)),
  refused('chunked is not last', post('Transfer-Encoding: chunked, identity', `${chunk}0\r\n\r\n`)),
  refused('an unknown transfer encoding', post('Transfer-Encoding: xchunked', `${chunk}0\r\n\r\n`)),
  refused('a folded header', post(`A: b\r\n c\r\nContent-Length: ${LINE_BYTES}`)),
  refused('a folded length', post(`Content-Length:\r\n ${LINE_BYTES}`)),
  refused('line feeds alone', push.replaceAll('\r\n', '\n')),
  refused('a line feed alone after a header', post(`A: b\nContent-Length: ${LINE_BYTES}`)),
  refused('a carriage return alone in a header', post(`A: b\rc\r\nContent-Length: ${LINE_BYTES}`)),
  refused('NUL in a header', post(`A: \0\r\nContent-Length: ${LINE_BYTES}`)),
  refused('NUL in the path', push.replace('/metrics', '/metrics\0')),
  refused('no Host', push.replace('Host: x\r\n', '')),
  refused('two Hosts', push.replace('Host: x\r\n', 'Host: x\r\nhOsT: y\r\n')),
  refused(
    'two Hosts with HTTP/1.0',
    push.replace('1.1', '1.0').replace('Host: x\r\n', 'Host: x\r\nHost: x\r\n'),
  ),
  refused('HTTP/0.9', 'GET /-/healthy\r\n\r\n'),
  refused('HTTP/1.2', push.replace('1.1', '1.2')),
  refused('HTTP/2.0', push.replace('1.1', '2.0')),
  refused('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  refused('TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'),
  refused('nonsense', 'nonsense\r\n\r\n'),
  { ...refused('CONNECT', 'CONNECT a.example:1 HTTP/1.1\r\nHost: x\r\n\r\n'), statuses: [405] },
  { ...refused('an oversize header', post(`A: ${'a'.repeat(20_000)}`)), statuses: [431] },
];

export const framingCorpus: readonly FramingCase[] = [...good, ...brokenAfterGood, ...smuggled];
