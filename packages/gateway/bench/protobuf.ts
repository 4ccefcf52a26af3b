/** Writes Prometheus' protobuf as the Go client does, with start times. */

type Labels = Readonly<Record<string, string>>;

export const types = { counter: 0, gauge: 1, histogram: 4 } as const;

export function family(
  name: string,
  is: { readonly help: string; readonly type: keyof typeof types },
  ...metrics: readonly Uint8Array[]
): Buffer {
  const header = [bytes(1, name), bytes(2, is.help), number(3, types[is.type])];
  const message = Buffer.concat([...header, ...metrics.map((metric) => bytes(4, metric))]);
  return Buffer.concat([varint(message.length), message]);
}

export function counter(labels: Labels, value: number): Buffer {
  return Buffer.concat([...pairs(labels), bytes(3, double(1, value), startTime(3))]);
}

export function gauge(labels: Labels, value: number): Buffer {
  return Buffer.concat([...pairs(labels), bytes(2, double(1, value))]);
}

/** Buckets are bounds and cumulative counts. */
export function histogram(
  labels: Labels,
  is: {
    readonly count: number;
    readonly sum: number;
    readonly buckets: readonly (readonly [bound: number, count: number])[];
  },
): Buffer {
  const buckets = is.buckets.map(([bound, count]) => bytes(3, number(1, count), double(2, bound)));
  const fields = [number(1, is.count), double(2, is.sum), ...buckets, startTime(15)];
  return Buffer.concat([...pairs(labels), bytes(7, ...fields)]);
}

/** Buckets in a row, each with its count alone, from an index on. */
export function nativeHistogram(
  labels: Labels,
  is: { readonly schema: number; readonly from: number; readonly counts: readonly number[] },
): Buffer {
  const { counts } = is;
  const deltas = counts.map((count, i) => varint(zigzag(count - (counts[i - 1] ?? 0))));
  const count = counts.reduce((sum, each) => sum + each, 0);
  const fields = [
    number(1, count),
    double(2, count / 7),
    number(5, zigzag(is.schema)),
    double(6, 2 ** -128),
    number(7, 0),
    bytes(12, number(1, zigzag(is.from)), number(2, counts.length)),
    bytes(13, ...deltas),
    startTime(15),
  ];
  return Buffer.concat([...pairs(labels), bytes(7, ...fields)]);
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function pairs(labels: Labels): Buffer[] {
  return Object.entries(labels).map(([name, value]) => bytes(1, bytes(1, name), bytes(2, value)));
}

function startTime(field: number): Buffer {
  return bytes(field, number(1, 1_700_000_000), number(2, 123_456_789));
}

function bytes(field: number, ...content: readonly (string | Uint8Array)[]): Buffer {
  const all = Buffer.concat(content.map((part) => Buffer.from(part)));
  return Buffer.concat([varint(field * 8 + 2), varint(all.length), all]);
}

function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function double(field: number, value: number): Buffer {
  const buffer = Buffer.alloc(9);
  buffer.writeUInt8(field * 8 + 1);
  buffer.writeDoubleLE(value, 1);
  return buffer;
}

function varint(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return Buffer.from([...out, rest]);
}
