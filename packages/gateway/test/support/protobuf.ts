/** Writes Prometheus' protobuf by hand, as clients send it: fields in the order of their numbers. */

/** An unsigned number; negative ones as two's complement of 64 bits. */
export function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

export function tag(field: number, wireType: number): Buffer {
  return varint(field * 8 + wireType);
}

export function number(field: number, value: number | bigint): Buffer {
  return Buffer.concat([tag(field, 0), varint(value)]);
}

export function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(field, 1), bytes]);
}

/** A text, or a message made of its fields. */
export function bytes(field: number, ...content: readonly (string | Uint8Array)[]): Buffer {
  const all = Buffer.concat(content.map((part) => Buffer.from(part)));
  return Buffer.concat([tag(field, 2), varint(all.length), all]);
}

export type Labels = Readonly<Record<string, string>>;

export function labelFields(labels: Labels, field = 1): Buffer {
  const pairs = Object.entries(labels);
  return Buffer.concat(pairs.map(([name, value]) => bytes(field, bytes(1, name), bytes(2, value))));
}

export const types = {
  counter: 0,
  gauge: 1,
  summary: 2,
  untyped: 3,
  histogram: 4,
  gaugeHistogram: 5,
} as const;
export type TypeName = keyof typeof types;

export interface FamilyOptions {
  readonly help?: string;
  /** Left out, as proto3 does with the first one, when undefined. */
  readonly type?: TypeName | undefined;
  readonly unit?: string;
}

/** One message with its length before it. `metrics` are fields of Metric messages. */
export function family(name: string, is: FamilyOptions, ...metrics: readonly Uint8Array[]): Buffer {
  return delimited(
    bytes(1, name),
    ...(is.help === undefined ? [] : [bytes(2, is.help)]),
    ...(is.type === undefined ? [] : [number(3, types[is.type])]),
    ...metrics.map((metric) => bytes(4, metric)),
    ...(is.unit === undefined ? [] : [bytes(5, is.unit)]),
  );
}

export function delimited(...fields: readonly Uint8Array[]): Buffer {
  const message = Buffer.concat(fields);
  return Buffer.concat([varint(message.length), message]);
}

/** google.protobuf.Timestamp. */
export function timestamp(field: number, seconds: number, nanos = 0): Buffer {
  return bytes(field, number(1, seconds), number(2, nanos));
}

export function exemplar(field: number, labels: Labels, value: number): Buffer {
  return bytes(field, labelFields(labels), double(2, value), timestamp(3, 1_700_000_000, 5));
}

export function counter(labels: Labels, value: number, ...more: readonly Uint8Array[]): Buffer {
  return Buffer.concat([labelFields(labels), bytes(3, double(1, value), ...more)]);
}

export function gauge(labels: Labels, value: number): Buffer {
  return Buffer.concat([labelFields(labels), bytes(2, double(1, value))]);
}

export function untyped(labels: Labels, value: number): Buffer {
  return Buffer.concat([labelFields(labels), bytes(5, double(1, value))]);
}

/** Bound and cumulative count. */
export type Buckets = readonly (readonly [bound: number, count: number])[];

export function bucket(bound: number, count: number, ...more: readonly Uint8Array[]): Buffer {
  return bytes(3, number(1, count), double(2, bound), ...more);
}

export function histogram(
  labels: Labels,
  is: { readonly count: number; readonly sum: number; readonly buckets: Buckets },
  ...more: readonly Uint8Array[]
): Buffer {
  const buckets = is.buckets.map(([bound, count]) => bucket(bound, count));
  return Buffer.concat([
    labelFields(labels),
    bytes(7, number(1, is.count), double(2, is.sum), ...buckets, ...more),
  ]);
}

export function summary(
  labels: Labels,
  is: { readonly count: number; readonly sum: number; readonly quantiles: Buckets },
  ...more: readonly Uint8Array[]
): Buffer {
  const quantiles = is.quantiles.map(([which, value]) => bytes(3, double(1, which), double(2, value)));
  return Buffer.concat([
    labelFields(labels),
    bytes(4, number(1, is.count), double(2, is.sum), ...quantiles, ...more),
  ]);
}

/** sint32 and sint64: positive and negative numbers in turn. */
export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

export interface NativeFields {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  /** For each bucket how many are left out before it, and its count. */
  readonly positive: readonly (readonly [gap: number, count: number])[];
  readonly negative: readonly (readonly [gap: number, count: number])[];
  /** All counts in one field, as proto3 writes them; proto2, which clients use, does not. */
  readonly packed?: boolean;
}

/** The native part of a Histogram in the order of field numbers, as clients write it. Each bucket after a gap begins a span. */
export function nativeFields(native: NativeFields, isFloat = false): Buffer[] {
  const { schema, zeroThreshold, zeroCount, positive, negative, packed = false } = native;
  return [
    number(5, zigzag(schema)),
    double(6, zeroThreshold),
    ...(isFloat ? [double(8, zeroCount)] : [number(7, zeroCount)]),
    ...spans(9, negative),
    ...(isFloat ? counts(11, negative, packed) : deltas(10, negative, packed)),
    ...(positive.length + negative.length === 0 ? [span(12, 0, 0)] : spans(12, positive)),
    ...(isFloat ? counts(14, positive, packed) : deltas(13, positive, packed)),
  ];
}

export function span(field: number, offset: number, length: number): Buffer {
  return bytes(field, number(1, zigzag(offset)), number(2, length));
}

function spans(field: number, buckets: NativeFields['positive']): Buffer[] {
  const found: { readonly offset: number; length: number }[] = [];
  for (const [gap] of buckets) {
    const last = found.at(-1);
    if (last === undefined || gap > 0) found.push({ offset: gap, length: 1 });
    else last.length += 1;
  }
  return found.map(({ offset, length }) => span(field, offset, length));
}

function deltas(field: number, buckets: NativeFields['positive'], packed: boolean): Buffer[] {
  const values = buckets.map(([, count], i) => zigzag(count - (buckets[i - 1]?.[1] ?? 0)));
  if (!packed) return values.map((value) => number(field, value));
  return values.length === 0 ? [] : [bytes(field, ...values.map((value) => varint(value)))];
}

function counts(field: number, buckets: NativeFields['positive'], packed: boolean): Buffer[] {
  const values = buckets.map(([, count]) => double(field, count));
  if (!packed || values.length === 0) return values;
  return [bytes(field, ...values.map((value) => value.subarray(1)))];
}
