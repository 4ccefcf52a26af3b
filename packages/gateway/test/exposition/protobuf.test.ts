/** Pushes in Prometheus' protobuf: what is read, and what is refused. See client-pushes.test.ts for what clients send by default. */
import { describe, expect, it } from 'vitest';

import { createGateway, RequestError } from '../../src/index.ts';
import type { EmbeddedGateway, EmbeddedOptions } from '../../src/index.ts';
import * as pb from '../support/protobuf.ts';

async function pageOf(options: EmbeddedOptions, ...bodies: readonly Uint8Array[]): Promise<string> {
  const gateway = createGateway(options);
  for (const body of bodies) await gateway.push(body, { format: 'protobuf' });
  return gateway.scrape();
}

async function refusalOf(gateway: EmbeddedGateway, body: Uint8Array): Promise<string> {
  try {
    await gateway.push(body, { format: 'protobuf' });
    return 'taken';
  } catch (error) {
    if (!(error instanceof RequestError) || error.code === 'internal') throw error;
    expect(error.location).toBe(undefined);
    return `${error.code} ${error.text}`;
  }
}

it('deltas of native buckets beyond 2^52 keep their sign', async () => {
  const zigzag64 = (value: bigint): bigint => (value < 0n ? -2n * value - 1n : 2n * value);
  const deltas = [2n ** 53n + 1n, -(2n ** 53n)].map((delta) => pb.number(13, zigzag64(delta)));
  const native = [pb.number(5, 0), pb.span(12, 0, 2), ...deltas];
  const count = pb.number(1, 2n ** 53n + 2n);
  const body = pb.family('h', { type: 'histogram' }, pb.bytes(7, count, ...native));
  expect(await pageOf({ nativeAsClassic: true }, body)).toBe(
    [
      '# TYPE h histogram',
      'h_bucket{le="1"} 9007199254740992',
      'h_bucket{le="2"} 9007199254740992',
      'h_bucket{le="+Inf"} 9007199254740994',
      'h_sum 0',
      'h_count 9007199254740994',
      '',
    ].join('\n'),
  );
});

describe('what is read', () => {
  const histogram = (...fields: readonly Uint8Array[]): Uint8Array =>
    pb.family('h', { type: 'histogram' }, pb.bytes(7, ...fields));
  const cases: readonly [name: string, body: Uint8Array, page: string][] = [
    ['nothing', Buffer.alloc(0), ''],
    ['a family without metrics', pb.family('a', { type: 'counter' }), ''],
    ['no type is a counter', pb.family('a', {}, pb.counter({}, 1)), '# TYPE a counter\na 1\n'],
    ['untyped', pb.family('a', { type: 'untyped' }, pb.untyped({}, -1)), '# TYPE a untyped\na -1\n'],
    ['a value left out is zero', pb.family('a', { type: 'gauge' }, pb.bytes(2)), '# TYPE a gauge\na 0\n'],
    [
      'fields of a family in another order',
      pb.delimited(pb.bytes(4, pb.gauge({ b: '1' }, 2)), pb.number(3, 1), pb.bytes(2, 'x'), pb.bytes(1, 'a')),
      '# HELP a x\n# TYPE a gauge\na{b="1"} 2\n',
    ],
    [
      'labels behind the value, and an unknown field',
      pb.family(
        'a',
        {},
        Buffer.concat([pb.bytes(3, double1(2)), pb.bytes(90, 'x'), pb.labelFields({ c: '1', b: '2' })]),
      ),
      '# TYPE a counter\na{b="2",c="1"} 2\n',
    ],
    ['an empty label is none', pb.family('a', {}, pb.counter({ x: '' }, 1)), '# TYPE a counter\na 1\n'],
    [
      'timestamps are dropped',
      pb.family('a', {}, Buffer.concat([pb.counter({}, 1), pb.number(6, -5)])),
      '# TYPE a counter\na 1\n',
    ],
    [
      'a UTF-8 name',
      pb.family('my.metric', {}, pb.counter({ 'a.b': '1' }, 1)),
      '# TYPE my_metric counter\nmy_metric{a_b="1"} 1\n',
    ],
    [
      'float counts win',
      histogram(pb.number(1, 1), pb.bucket(1, 1, pb.double(4, 2.5)), pb.double(4, 3.5)),
      '# TYPE h histogram\nh_bucket{le="1"} 2.5\nh_bucket{le="+Inf"} 3.5\nh_sum 0\nh_count 3.5\n',
    ],
    [
      'zero float counts do not win',
      histogram(pb.number(1, 2), pb.bucket(1, 1, pb.double(4, 0)), pb.double(4, 0)),
      '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 0\nh_count 2\n',
    ],
    [
      'buckets out of order, with an exemplar',
      histogram(pb.number(1, 3), pb.bucket(2, 3, pb.exemplar(3, { t: 'x' }, 1.5)), pb.bucket(1, 1)),
      '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="2"} 3\nh_bucket{le="+Inf"} 3\nh_sum 0\nh_count 3\n',
    ],
    [
      'classic buckets beside native ones',
      histogram(
        pb.number(1, 3),
        pb.bucket(1, 1),
        pb.number(5, 6),
        pb.double(6, 1e-128),
        pb.number(7, 1),
        pb.bytes(12, pb.number(1, 0), pb.number(2, 1)),
        pb.bytes(13, pb.varint(4)),
      ),
      '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 3\nh_sum 0\nh_count 3\n',
    ],
    [
      'native buckets alone',
      histogram(
        pb.number(1, 3),
        pb.number(5, 6),
        pb.bytes(12, pb.number(1, 0), pb.number(2, 1)),
        pb.number(13, 6),
      ),
      '# TYPE h histogram\nh_bucket{le="+Inf"} 3\nh_sum 0\nh_count 3\n',
    ],
    [
      'a native histogram that observed nothing',
      histogram(pb.bytes(12)),
      '# TYPE h histogram\nh_bucket{le="+Inf"} 0\nh_sum 0\nh_count 0\n',
    ],
    [
      'a gauge histogram, which is a histogram in text',
      pb.family('g', { type: 'gaugeHistogram' }, pb.histogram({}, { count: 2, sum: -1, buckets: [[1, 2]] })),
      '# TYPE g histogram\ng_bucket{le="1"} 2\ng_bucket{le="+Inf"} 2\ng_sum -1\ng_count 2\n',
    ],
    [
      'a family in two messages',
      Buffer.concat([
        pb.family('a', { type: 'counter', help: 'one' }, pb.counter({ x: '1' }, 1)),
        pb.family('b', { type: 'counter' }, pb.counter({}, 3)),
        pb.family('a', { type: 'counter', help: 'two' }, pb.counter({ x: '2' }, 2)),
      ]),
      '# HELP a one\n# TYPE a counter\na{x="1"} 1\na{x="2"} 2\n# TYPE b counter\nb 3\n',
    ],
    [
      'large numbers',
      histogram(pb.number(1, 2n ** 63n), pb.bucket(1, 2 ** 53)),
      '# TYPE h histogram\nh_bucket{le="1"} 9007199254740992\nh_bucket{le="+Inf"} 9223372036854776000\nh_sum 0\nh_count 9223372036854776000\n',
    ],
  ];
  it.each(cases)('%s', async (_name, body, page) => {
    expect(await pageOf({}, body)).toBe(page);
  });
});

function double1(value: number): Uint8Array {
  return pb.double(1, value);
}

describe('what is refused', () => {
  const one = pb.family('fine_total', { help: 'x' }, pb.counter({ a: 'b' }, 1));
  const metric = (...fields: readonly Uint8Array[]): Uint8Array => pb.family('a', {}, Buffer.concat(fields));
  const histogram = (...fields: readonly Uint8Array[]): Uint8Array =>
    pb.family('h', { type: 'histogram' }, pb.bytes(7, ...fields));
  const cases: readonly [name: string, body: Uint8Array, refusal: string][] = [
    [
      'a message cut short',
      pb.family('a', {}, pb.counter({}, 1)).subarray(0, -1),
      `syntax message 2, byte +0: a field claims to be 16 bytes long, but its message has only 15 left; it is truncated or not protobuf`,
    ],
    [
      'a length beyond all bounds',
      pb.varint(2n ** 40n),
      `syntax message 2, byte +0: a field claims to be 1099511627776 bytes long`,
    ],
    [
      'a length cut short',
      Buffer.from([0x80]),
      `syntax message 2, byte +0: the message ends in the middle of a number`,
    ],
    [
      'a length of more than 64 bits',
      Buffer.alloc(11, 0x80),
      `syntax message 2, byte +0: a number has more than 64 bits`,
    ],
    [
      'a field beyond its message',
      pb.delimited(Buffer.from([0x0a, 9, 97])),
      'syntax message 2, byte +2: a field claims to be 9 bytes long',
    ],
    [
      'a group',
      pb.delimited(pb.bytes(1, 'a'), pb.tag(7, 3)),
      'syntax message 2 (a), byte +4: field 7 is a group',
    ],
    [
      'a wire type that does not exist',
      pb.delimited(pb.bytes(1, 'a'), pb.tag(7, 6)),
      'syntax message 2 (a), byte +4: field 7 has the wire type 6, which does not exist',
    ],
    [
      'a field number of zero',
      pb.delimited(pb.bytes(1, 'a'), Buffer.from([2, 0])),
      'syntax message 2 (a), byte +4: 2 is not a field tag',
    ],
    [
      'a name that is a number',
      pb.delimited(pb.number(1, 5)),
      'syntax message 2, byte +2: field 1 has the wire type 0, which is invalid',
    ],
    ['text', Buffer.from('http_requests_total 1\n'), 'syntax message 2, byte'],
    [
      'no name',
      pb.delimited(pb.bytes(4, pb.counter({}, 1))),
      'invalid_name message 2, metric 1, byte +1: the family has no name',
    ],
    [
      'a name that is not UTF-8',
      pb.delimited(pb.bytes(1, Buffer.from([0xff]))),
      'invalid_utf8 message 2 ("\uFFFD"), byte +3: the text "\uFFFD" is not UTF-8',
    ],
    [
      'a label that is not UTF-8',
      metric(pb.bytes(1, pb.bytes(1, 'x'), pb.bytes(2, Buffer.from([0xff]))), pb.bytes(3)),
      'invalid_utf8 message 2 (a), metric 1, byte +13',
    ],
    [
      'a label without a name',
      metric(pb.labelFields({ '': 'x' }), pb.bytes(3)),
      'invalid_name message 2 (a), metric 1, byte +6: a label has an empty name',
    ],
    [
      'a label __name__',
      metric(pb.counter({ __name__: 'x' }, 1)),
      'invalid_name message 2 (a), metric 1, byte +6: the label name __name__',
    ],
    [
      'a label twice',
      metric(pb.labelFields({ x: '1' }), pb.labelFields({ x: '2' }), pb.bytes(3)),
      'duplicate_label message 2 (a), metric 1, byte +14: the label x appears twice',
    ],
    [
      'no value',
      metric(pb.labelFields({ x: '1' })),
      'syntax message 2 (a), metric 1, byte +6: a metric of the counter a has no counter in it',
    ],
    [
      'two values',
      metric(pb.counter({}, 1), pb.bytes(3)),
      'syntax message 2 (a), metric 1, byte +17: the metric has two values of type counter',
    ],
    [
      'a negative counter',
      metric(pb.counter({ x: '1' }, -1)),
      'invalid_value message 2 (a), metric 1, byte +6: a{x="1"} is -1; counts must be finite and not negative',
    ],
    [
      'a counter that is no number',
      metric(pb.counter({}, Number.NaN)),
      'invalid_value message 2 (a), metric 1, byte +6: a is NaN',
    ],
    [
      'a negative float count',
      histogram(pb.number(1, 1), pb.double(4, -1)),
      'invalid_value message 2 (h), metric 1, byte +12: a count is -1',
    ],
    [
      'a bucket count that is no number',
      histogram(pb.number(1, 1), pb.bucket(1, 1, pb.double(4, Number.NaN))),
      'invalid_value message 2 (h), metric 1',
    ],
    [
      'a bound that is no number',
      histogram(pb.number(1, 1), pb.bucket(Number.NaN, 1)),
      'invalid_histogram message 2 (h), metric 1, byte +12: the label le of h_bucket is "NaN", not a number',
    ],
    [
      'a bound twice',
      histogram(pb.number(1, 1), pb.bucket(1, 1), pb.bucket(1, 1)),
      'duplicate_series message 2 (h), metric 1, byte +25: h_bucket{le="1"} appears twice in this push',
    ],
    [
      'buckets that fall',
      histogram(pb.number(1, 2), pb.bucket(1, 2), pb.bucket(2, 1)),
      'invalid_histogram message 2 (h), metric 1, byte +25: h_bucket{le="2"} is 1',
    ],
    [
      'a count less than its buckets',
      histogram(pb.number(1, 1), pb.bucket(1, 2)),
      'invalid_histogram message 2 (h), metric 1, byte +8',
    ],
    [
      'a series twice',
      pb.family('a', {}, pb.counter({ x: '1' }, 1), pb.counter({ x: '1' }, 1)),
      'duplicate_series message 2 (a), metric 2',
    ],
    ['a family twice, with the same series in it', one, 'duplicate_series message 2 (fine_total), metric 1'],
    [
      'a family twice, with two types',
      pb.family('fine_total', { type: 'gauge' }, pb.gauge({ a: 'c' }, 1)),
      'type_conflict message 2 (fine_total), byte +1: a second message for fine_total gives it the type gauge, and the first one counter',
    ],
    [
      'a family twice, the second time untyped',
      pb.family('fine_total', { type: 'untyped' }, pb.untyped({ a: 'c' }, 1)),
      'type_conflict message 2 (fine_total), byte +1: a second message for fine_total gives it the type untyped, and the first one counter',
    ],
    [
      'a native histogram whose buckets do not hold what it counts',
      histogram(
        pb.number(1, 3),
        pb.number(5, 6),
        pb.bytes(12, pb.number(1, 0), pb.number(2, 1)),
        pb.bytes(13, pb.varint(4)),
      ),
      'invalid_histogram message 2 (h), metric 1, byte +8: the native histogram h has the count 3, but 2 observations in its buckets',
    ],
    [
      'a native histogram with fewer buckets than its spans have',
      histogram(pb.number(1, 3), pb.bytes(12, pb.number(1, 0), pb.number(2, 2)), pb.bytes(13, pb.varint(6))),
      'invalid_histogram message 2 (h), metric 1, byte +8: the native histogram h has 1 buckets, but spans for more',
    ],
    [
      'a type that does not exist',
      pb.delimited(pb.bytes(1, 'a'), pb.number(3, 77)),
      'unsupported_type message 2 (a), byte +1: a has the type number 77',
    ],
    [
      'a metric too long',
      metric(pb.counter({ x: 'x'.repeat(1 << 20) }, 1)),
      'labels_limit message 2 (a), metric 1, byte +10: a metric with its labels is 1048',
    ],
    [
      'an exemplar with a label twice',
      metric(pb.bytes(3, double1(1), pb.bytes(2, pb.labelFields({ t: '1' }), pb.labelFields({ t: '2' })))),
      'duplicate_label message 2 (a), metric 1, byte +27: the label t appears twice',
    ],
    [
      'an exemplar with a label without a name',
      metric(pb.bytes(3, double1(1), pb.bytes(2, pb.labelFields({ '': '1' })))),
      'invalid_name message 2 (a), metric 1, byte +19: a label has an empty name',
    ],
    [
      'an exemplar that is broken',
      metric(pb.bytes(3, double1(1), pb.bytes(2, Buffer.from([0x0a, 9])))),
      'syntax message 2 (a), metric 1',
    ],
  ];
  it.each(cases)('%s', async (_name, body, refusal) => {
    const gateway = createGateway();
    // Once in words, and once with all that can be known.
    for (const page of ['', '# HELP fine_total x\n# TYPE fine_total counter\nfine_total{a="b"} 1\n']) {
      if (page !== '') await gateway.push(one, { format: 'protobuf' });
      const found = await refusalOf(gateway, Buffer.concat([one, body]));
      // Bytes are counted from the second message on.
      const relative = found.replace(/byte (\d+)/, (_, byte: string) => `byte +${Number(byte) - one.length}`);
      expect(relative.slice(0, refusal.length)).toBe(refusal);
      expect(await gateway.scrape()).toBe(page);
    }
  });
});
