/** Whatever a sender writes, messages and the log quote at most 200 characters of it at a time. */
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { expect, test } from 'vitest';

import { createGateway } from '../../src/index.ts';
import type { EmbeddedGateway } from '../../src/index.ts';
import { MESSAGE_CHARS_MAX, RequestError } from '../../src/model/errors.ts';
import { quote, SHOWN_CHARS_MAX, shorten } from '../../src/primitives/quote.ts';
import {
  bytes,
  counter,
  double,
  family,
  gauge,
  histogram,
  labelFields,
  number,
} from '../support/protobuf.ts';

/** As long as a line of a push allows. */
const long = 'x'.repeat(200_000);
const wild = '\u0001'.repeat(60_000);
/** Fits into a series, so that what is said comes from the state. */
const series = 'x'.repeat(7_000);

const text: readonly string[] = [
  `${long} y\n`,
  `${long}\n`,
  `${long} 1 ${long}\n`,
  `a ${long}\n`,
  `${long} 1 2 3\n`,
  `a 1 ${long}\n`,
  `${long}{b="1"}{\n`,
  `a{${long}="1",${long}="2"} 1\n`,
  `a{${long}=1} 1\n`,
  `a{${long}} 1\n`,
  `a{"${wild}"="1", "${wild}"="1"} 1\n`,
  `{"${long}","${long}"} 1\n`,
  `a{"${long}"} 1\n`,
  `a{b="${long}\\q"} 1\n`,
  `a{b="${long}"} 1\n`,
  `# TYPE ${long} ${long}\n`,
  `# TYPE 1${long} counter\n`,
  `# TYPE ${long}\n`,
  `# TYPE ${long} counter\n# TYPE ${long} counter\n`,
  `# HELP ${long} a\n# HELP ${long} a\n`,
  `${series} 1\n# TYPE ${series} counter\n`,
  `${series} 1\n${series} 1\n`,
  `{"${'\u0001'.repeat(2_000)}"} 1\n{"${'\u0001'.repeat(2_000)}"} 1\n`,
  `# TYPE ${series} counter\n${series} -1\n`,
  `# TYPE ${series} histogram\n${series} 1\n`,
  `# TYPE ${series} histogram\n${series}_bucket 1\n`,
  `# TYPE ${series} histogram\n${series}_bucket{le="${series}"} 1\n`,
  `# TYPE ${series} histogram\n${series}_sum{le="1"} 1\n`,
  `# TYPE ${series} histogram\n${series}_bucket{le="1"} 2\n${series}_bucket{le="2"} 1\n`,
  `# TYPE ${series} histogram\n# TYPE ${series}_sum counter\n${series}_sum 1\n${series}_bucket{le="+Inf"} 1\n`,
  `# TYPE known_${series} gauge\nknown_${series} 1\n`,
];

const openMetrics: readonly string[] = [
  `${long}\n`,
  `${long} y\n`,
  `${long} 1 y\n`,
  `${long} 1 Inf\n`,
  `${long} 1 1 ${long}\n`,
  `${long} 1 # ${long}\n`,
  `${long} 1 # {"${long}"} 1\n`,
  `${long} 1 # {a="${long}"} 1\n`,
  `${long} 1 # {a="b"} ${long}\n`,
  `${long} 1 # {a="b"} 1 ${long}\n`,
  `a{b="c"${long} 1\n`,
  `# ${long}\n`,
  `# TYPE ${long}\n`,
  `# TYPE ${long} ${long}\n`,
  `# TYPE "${long}" ${long}\n`,
  `# TYPE a counter\n# UNIT a ${long}\n`,
  `# TYPE ${long} counter\n# UNIT ${long} b\n`,
  `# TYPE ${long} counter\n# TYPE ${long} counter\n`,
  `# TYPE ${series} gauge\n${series} 1\n# HELP ${series} a\n`,
  `# TYPE ${series} counter\n${series} 1\n`,
  `# TYPE ${series}_total counter\n${series}_total 1\n`,
  `# TYPE ${series} counter\n${series}_total 1\n# TYPE a gauge\na 1\n# TYPE ${series} counter\n`,
  `# TYPE ${series} counter\n# TYPE ${series}_total gauge\n`,
  `# TYPE ${series} counter\n# TYPE a gauge\na 1\n${series}_total 1\n`,
  `# TYPE ${series} stateset\n${series}{${series}="1"} 2\n`,
  `# TYPE ${series} stateset\n${series} 1\n`,
  `# TYPE ${series} summary\n${series}{quantile="${series}"} 1\n`,
  `# TYPE ${series} histogram\n${series}_bucket{le="${series}"} 1\n`,
  `# TYPE ${series} histogram\n${series}_bucket{le="1"} 1\n`,
  `# TYPE ${series} histogram\n${series}_bucket{le="2"} 1\n${series}_bucket{le="1"} 1\n`,
  `# TYPE ${series} gauge\n${series} 1 2\n${series} 1 1\n`,
  `# TYPE known_${series} gauge\nknown_${series} 1\n`,
].map((lines) => `${lines}# EOF\n`);

const notUtf8 = Buffer.from([...Buffer.from(long), 0xff]);
const protobuf: readonly Buffer[] = [
  family(long, { type: 'counter' }, Buffer.alloc(0)),
  family(long, {}, bytes(1, bytes(1, long))),
  family('a', { type: 'counter' }, counter({ [long]: '1' }, 1)),
  family('a', { type: 'counter' }, counter({ a: long }, 1)),
  family(
    'a',
    { type: 'counter' },
    Buffer.concat([labelFields({ [long]: '1' }), labelFields({ [long]: '2' }), bytes(3, double(1, 1))]),
  ),
  family('a', { type: 'counter' }, Buffer.concat([bytes(1, bytes(1, notUtf8)), bytes(3, double(1, 1))])),
  Buffer.concat([family(series, { type: 'counter' }, counter({}, 1)), family(series, { type: 'gauge' })]),
  family(series, { type: 'counter' }, counter({}, -1)),
  family(series, { type: 'histogram' }, histogram({}, { count: 1, sum: 1, buckets: [[1, 2]] })),
  family(
    series,
    { type: 'histogram' },
    histogram({ a: series }, { count: 1, sum: 1, buckets: [] }, number(5, 200), double(6, 1)),
  ),
  family(`known_${series}`, { type: 'gauge' }, gauge({}, 1)),
];

async function messageOf(gateway: EmbeddedGateway, ...push: Parameters<EmbeddedGateway['push']>) {
  const error: unknown = await gateway.push(...push).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RequestError))
    throw new Error(
      `number ${[...text, ...openMetrics, ...protobuf].indexOf(push[0] as string)}: no refusal`,
      { cause: error },
    );
  return error.message;
}

function expectShort(message: string): void {
  expect(message).not.toMatch(/x{201}|(?:\\u0001){201}/);
  expect(message.length).toBeLessThan(MESSAGE_CHARS_MAX);
}

test.each([
  ['text', text],
  ['openmetrics', openMetrics],
  ['protobuf', protobuf],
] as const)('messages about %s quote little, whatever is long', async (format, bodies) => {
  const gateway = createGateway();
  for (const body of bodies) {
    if (String(body).includes(`known_${series}`)) {
      const taken = createGateway();
      await taken.push(`# TYPE known_${series} histogram\nknown_${series}_bucket{le="+Inf"} 1\n`);
      expectShort(await messageOf(taken, body, { format }));
    } else expectShort(await messageOf(gateway, body, { format }));
  }
});

/** What a server answers, and logs. */
async function answered(
  path: string,
  headers: Record<string, string>,
  body = '',
): Promise<readonly string[]> {
  const logged: string[] = [];
  const log = (message: string, fields = {}): void =>
    void logged.push(JSON.stringify({ message, ...fields }));
  const gateway = createGateway({
    corsOrigins: ['https://a.example'],
    log: { debug: log, info() {}, warn: log, error: log },
  });
  const { port } = await gateway.start({ host: '127.0.0.1' });
  const reply = await new Promise<string>((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path, method: 'POST', headers: headers as IncomingHttpHeaders },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks).toString()));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
  await gateway.close();
  return [reply, ...logged];
}

test.each<[string, string, Record<string, string>, string?]>([
  ['a path', `/metrics/job/${'x'.repeat(7_000)}/y`, {}],
  ['a path of many pieces', `/metrics${'/xxxxxxxx'.repeat(801)}`, {}],
  ['a path that names nothing', `/${'x'.repeat(7_000)}`, {}],
  ['a label name in the path', `/metrics/${'x'.repeat(7_000)}@base64/!`, {}],
  ['an encoding', '/metrics/', { 'Content-Encoding': 'x'.repeat(7_000) }],
  ['a type', '/metrics/', { 'Content-Type': `application/vnd.google.protobuf; proto=${'x'.repeat(7_000)}` }],
  ['an origin', '/metrics/', { Origin: `https://${'x'.repeat(7_000)}` }],
  ['an idempotency key', '/metrics/', { 'Idempotency-Key': 'x'.repeat(7_000) }],
  ['a line', `/metrics/job/${'x'.repeat(7_000)}`, {}, `${long} y\n`],
  ['control characters', '/metrics/', {}, `{"${wild}"="1","${wild}"="1"} 1\n`],
])('%s that is long is quoted briefly, in replies and in the log', async (_name, path, headers, body) => {
  for (const accept of ['text/plain', 'application/problem+json']) {
    const shown = await answered(path, { ...headers, Accept: accept }, body);
    for (const each of shown) {
      expect(each).not.toMatch(/x{201}|(?:\\u0001){201}/);
      // As JSON, a control character takes six.
      expect(each.length).toBeLessThan(2 * MESSAGE_CHARS_MAX);
    }
  }
});

test('what is shown ends between two characters', () => {
  expect(shorten('x'.repeat(SHOWN_CHARS_MAX))).toBe('x'.repeat(SHOWN_CHARS_MAX));
  expect(shorten('x'.repeat(SHOWN_CHARS_MAX + 1))).toBe(`${'x'.repeat(SHOWN_CHARS_MAX)}…`);
  expect(shorten(`${'x'.repeat(SHOWN_CHARS_MAX - 1)}😀`)).toBe(`${'x'.repeat(SHOWN_CHARS_MAX - 1)}…`);
  expect(quote('a"\n')).toBe('"a\\"\\n"');
});

test('an error message is bounded even where somebody forgot to', () => {
  expect(new RequestError('syntax', 'x'.repeat(100_000)).message.length).toBeLessThanOrEqual(
    MESSAGE_CHARS_MAX + 1,
  );
});
