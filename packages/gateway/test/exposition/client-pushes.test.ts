/**
 * What the Go, Java and Rust clients push by default, byte for byte: their fields in their order, numbers in the wire types that
 * proto2 gives them (so no list of numbers is packed).
 */
import { expect, test } from 'vitest';

import { beginProtobuf } from '../../src/exposition/protobuf/decode.ts';
import { createGateway } from '../../src/index.ts';
import type { EmbeddedOptions } from '../../src/index.ts';
import * as pb from '../support/protobuf.ts';
import { RecordingSink } from '../support/sinks.ts';

function told(body: Uint8Array): string {
  const sink = new RecordingSink();
  const decoder = beginProtobuf(body, sink);
  while (!decoder.advance(100));
  return sink.text;
}

async function expositionAfter(
  times: number,
  body: Uint8Array,
  options: EmbeddedOptions = {},
): Promise<string> {
  const gateway = createGateway({ summaries: 'sum-and-count', ...options });
  for (let time = 0; time < times; time += 1) await gateway.push(body, { format: 'protobuf' });
  return gateway.scrape();
}

const start = (field: number): Buffer => pb.timestamp(field, 1_700_000_000, 123_000_000);

/** client_golang 1.2x. It says every type, the first one too, and leaves the bucket `+Inf` out unless that has an exemplar. */
const goPush = Buffer.concat([
  pb.family(
    'jobs_total',
    { help: 'Jobs done.', type: 'counter' },
    pb.counter({ kind: 'mail', ok: 'yes' }, 3, start(3)),
    pb.counter({ kind: 'scan', ok: 'no' }, 1, pb.exemplar(2, { trace_id: 'abc' }, 1), start(3)),
  ),
  pb.family('queue_length', { help: 'Waiting.', type: 'gauge' }, pb.gauge({}, 4.5)),
  pb.family(
    'gc_seconds',
    { help: 'Pauses.', type: 'summary' },
    pb.summary(
      {},
      {
        count: 7,
        sum: 0.5,
        quantiles: [
          [0, 0.01],
          [0.5, 0.02],
          [1, Number.NaN],
        ],
      },
      start(4),
    ),
  ),
  pb.family(
    'seconds',
    { help: 'Time.', type: 'histogram' },
    Buffer.concat([
      pb.labelFields({ path: '/é' }),
      pb.bytes(
        7,
        pb.number(1, 9),
        pb.double(2, 12.5),
        pb.bucket(0.5, 2),
        pb.bucket(1, 5, pb.exemplar(3, { trace_id: 'def' }, 0.75)),
        pb.bucket(5, 8),
        pb.bucket(Number.POSITIVE_INFINITY, 9, pb.exemplar(3, { trace_id: 'ghi' }, 7)),
        start(15),
      ),
    ]),
  ),
  // With NativeHistogramBucketFactor and no Buckets: once with observations and once without.
  pb.family(
    'wait_seconds',
    { help: 'Waiting.', type: 'histogram' },
    Buffer.concat([
      pb.labelFields({ queue: 'a' }),
      pb.bytes(
        7,
        pb.number(1, 7),
        pb.double(2, 9.5),
        ...pb.nativeFields({
          schema: 3,
          zeroThreshold: 2 ** -128,
          zeroCount: 1,
          positive: [
            [-4, 1],
            [0, 3],
            [9, 1],
          ],
          negative: [[2, 1]],
        }),
        start(15),
        pb.exemplar(16, { trace_id: 'jkl' }, 0.75),
        pb.exemplar(16, { trace_id: 'mno' }, 1.9),
      ),
    ]),
    Buffer.concat([
      pb.labelFields({ queue: 'b' }),
      pb.bytes(
        7,
        pb.number(1, 0),
        pb.double(2, 0),
        ...pb.nativeFields({ schema: 3, zeroThreshold: 2 ** -128, zeroCount: 0, positive: [], negative: [] }),
        start(15),
      ),
    ]),
  ),
]);

test('Go: everything it says is told', () => {
  expect(told(goPush)).toBe(`type jobs_total counter
help jobs_total Jobs done.
jobs_total{kind="mail",ok="yes"} 3
  start 1700000000123
jobs_total{kind="scan",ok="no"} 1
  start 1700000000123
  exemplar{trace_id="abc"} 1 at 1700000000000
type queue_length gauge
help queue_length Waiting.
queue_length 4.5
type gc_seconds summary
help gc_seconds Pauses.
gc_seconds_count 7
gc_seconds_sum 0.5
  start 1700000000123
gc_seconds{quantile="0"} 0.01
gc_seconds{quantile="0.5"} 0.02
gc_seconds{quantile="1"} NaN
type seconds histogram
help seconds Time.
seconds_count{path="/é"} 9
seconds_sum{path="/é"} 12.5
  start 1700000000123
seconds_bucket{le="0.5",path="/é"} 2
seconds_bucket{le="1",path="/é"} 5
  exemplar{trace_id="def"} 0.75 at 1700000000000
seconds_bucket{le="5",path="/é"} 8
seconds_bucket{le="+Inf",path="/é"} 9
  exemplar{trace_id="ghi"} 7 at 1700000000000
type wait_seconds histogram
help wait_seconds Waiting.
wait_seconds_count{queue="a"} 7
wait_seconds_sum{queue="a"} 9.5
  start 1700000000123
  native schema 3, count 7, sum 9.5, zero 1 up to ${2 ** -128}, positive [-4:1 -3:3 7:1], negative [2:1]
  native_exemplar{trace_id="jkl"} 0.75 at 1700000000000
  native_exemplar{trace_id="mno"} 1.9 at 1700000000000
wait_seconds_count{queue="b"} 0
wait_seconds_sum{queue="b"} 0
  start 1700000000123
  native schema 3, count 0, sum 0, zero 0 up to ${2 ** -128}, positive [], negative []
`);
});

test('Go: pushes add up, first in words and then by their bytes', async () => {
  for (const times of [1, 2, 5]) {
    expect(await expositionAfter(times, goPush)).toBe(`# HELP gc_seconds Pauses.
# TYPE gc_seconds summary
gc_seconds_sum ${0.5 * times}
gc_seconds_count ${7 * times}
# HELP jobs_total Jobs done.
# TYPE jobs_total counter
jobs_total{kind="mail",ok="yes"} ${3 * times}
jobs_total{kind="scan",ok="no"} ${times}
# HELP queue_length Waiting.
# TYPE queue_length gauge
queue_length ${4.5 * times}
# HELP seconds Time.
# TYPE seconds histogram
seconds_bucket{path="/é",le="0.5"} ${2 * times}
seconds_bucket{path="/é",le="1"} ${5 * times}
seconds_bucket{path="/é",le="5"} ${8 * times}
seconds_bucket{path="/é",le="+Inf"} ${9 * times}
seconds_sum{path="/é"} ${12.5 * times}
seconds_count{path="/é"} ${9 * times}
# HELP wait_seconds Waiting.
# TYPE wait_seconds histogram
wait_seconds_bucket{queue="a",le="+Inf"} ${7 * times}
wait_seconds_sum{queue="a"} ${9.5 * times}
wait_seconds_count{queue="a"} ${7 * times}
wait_seconds_bucket{queue="b",le="+Inf"} 0
wait_seconds_sum{queue="b"} 0
wait_seconds_count{queue="b"} 0
`);
  }
});

/**
 * client_java 1.x. A histogram has classic and native buckets unless one of them is switched off, `+Inf` among the classic ones; short
 * gaps between native ones are filled with empty buckets. No start times, and milliseconds in exemplars. Counters and infos get their
 * suffix from the client.
 */
const javaPush = Buffer.concat([
  pb.family('jvm_runtime_info', { help: 'JVM.', type: 'gauge' }, pb.gauge({ runtime: 'OpenJDK' }, 1)),
  pb.family(
    'requests_total',
    { help: 'Requests.', type: 'counter' },
    pb.counter({ path: '/' }, 4, pb.exemplar(2, { span_id: '1', trace_id: '2' }, 1)),
  ),
  pb.family(
    'request_seconds',
    { help: 'Time.', type: 'histogram' },
    Buffer.concat([
      pb.labelFields({ b: '2', a: '1' }),
      pb.bytes(
        7,
        pb.number(1, 3),
        pb.double(2, 2.5),
        pb.bucket(1, 2, pb.exemplar(3, { span_id: '1', trace_id: '2' }, 0.5)),
        pb.bucket(2.5, 3),
        pb.bucket(Number.POSITIVE_INFINITY, 3),
        ...pb.nativeFields({
          schema: 5,
          zeroThreshold: 2 ** -128,
          zeroCount: 0,
          positive: [
            [-32, 2],
            [0, 0],
            [0, 1],
          ],
          negative: [],
        }),
      ),
    ]),
  ),
]);

test('Java: everything it says is told', () => {
  expect(told(javaPush)).toBe(`type jvm_runtime_info gauge
help jvm_runtime_info JVM.
jvm_runtime_info{runtime="OpenJDK"} 1
type requests_total counter
help requests_total Requests.
requests_total{path="/"} 4
  exemplar{span_id="1",trace_id="2"} 1 at 1700000000000
type request_seconds histogram
help request_seconds Time.
request_seconds_count{a="1",b="2"} 3
request_seconds_sum{a="1",b="2"} 2.5
request_seconds_bucket{a="1",b="2",le="1"} 2
  exemplar{span_id="1",trace_id="2"} 0.5 at 1700000000000
request_seconds_bucket{a="1",b="2",le="2.5"} 3
request_seconds_bucket{a="1",b="2",le="+Inf"} 3
  native schema 5, count 3, sum 2.5, zero 0 up to ${2 ** -128}, positive [-32:2 -30:1], negative []
`);
});

test('Java: pushes add up', async () => {
  expect(await expositionAfter(2, javaPush)).toBe(`# HELP jvm_runtime_info JVM.
# TYPE jvm_runtime_info gauge
jvm_runtime_info{runtime="OpenJDK"} 2
# HELP request_seconds Time.
# TYPE request_seconds histogram
request_seconds_bucket{a="1",b="2",le="1"} 4
request_seconds_bucket{a="1",b="2",le="2.5"} 6
request_seconds_bucket{a="1",b="2",le="+Inf"} 6
request_seconds_sum{a="1",b="2"} 5
request_seconds_count{a="1",b="2"} 6
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{path="/"} 8
`);
});

/** tikv's rust-prometheus: no start times, no exemplars, no native buckets and no bucket `+Inf`. */
const rustPush = Buffer.concat([
  pb.family('hits', { help: 'Hits.', type: 'counter' }, pb.counter({ handler: 'all' }, 12)),
  pb.family(
    'latency',
    { help: 'Time.', type: 'histogram' },
    pb.histogram(
      {},
      {
        count: 3,
        sum: 4,
        buckets: [
          [0.005, 1],
          [1, 2],
        ],
      },
    ),
  ),
]);

test('Rust: pushes add up', async () => {
  expect(await expositionAfter(2, rustPush)).toBe(`# HELP hits Hits.
# TYPE hits counter
hits{handler="all"} 24
# HELP latency Time.
# TYPE latency histogram
latency_bucket{le="0.005"} 2
latency_bucket{le="1"} 4
latency_bucket{le="+Inf"} 6
latency_sum 8
latency_count 6
`);
});

test('the bytes of a Go counter, as they go over the wire', () => {
  const family = pb.family(
    'a',
    { help: 'A.', type: 'counter' },
    pb.counter({ b: 'c' }, 1, pb.timestamp(3, 300, 1)),
  );
  expect(family.toString('hex')).toBe(
    [
      '25', // 37 bytes
      '0a0161', // name
      '1202412e', // help
      '1800', // type
      '221a', // a metric of 26 bytes
      '0a06' + '0a0162' + '120163', // label
      '1a10', // counter
      '09000000000000f03f', // value
      '1a05' + '08ac02' + '1001', // start
    ].join(''),
  );
});
