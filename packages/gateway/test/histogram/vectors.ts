/** The vectors of Prometheus' own histograms. Here they become what this code base has: buckets without spans. */
import { bucketsOf } from '../../src/histogram/spans.ts';
import type { BucketSpan } from '../../src/histogram/spans.ts';
import type { NativeBuckets, NativeHistogram } from '../../src/model/native-histogram.ts';
import { readJson } from '../conformance/data.ts';

type RawNumber = number | { readonly $float: string };
type RawSpan = readonly [number, number] | { readonly Offset: number; readonly Length: number };

export interface RawFields {
  readonly Schema?: number | 'CustomBucketsSchema';
  readonly ZeroThreshold?: number;
  readonly ZeroCount?: number;
  readonly Count?: number;
  readonly Sum?: RawNumber;
  readonly PositiveSpans?: readonly RawSpan[];
  readonly PositiveBuckets?: readonly number[];
  readonly NegativeSpans?: readonly RawSpan[];
  readonly NegativeBuckets?: readonly number[];
  readonly CustomValues?: readonly RawNumber[] | null;
  readonly CounterResetHint?: 'CounterReset' | 'NotCounterReset' | 'GaugeType';
}

/** An empty histogram is written as an empty list. */
export type RawHistogram = RawFields | readonly [];

/** The cases of a file, as they lie there. */
export function casesOf<Case>(file: string): readonly Case[] {
  const { cases } = readJson('prometheus', `vectors/${file}.json`) as {
    readonly cases: readonly Case[] | Readonly<Record<string, Case>>;
  };
  return Array.isArray(cases)
    ? (cases as readonly Case[])
    : Object.entries(cases as Readonly<Record<string, Case>>).map(([name, each]) => ({ name, ...each }));
}

export function fieldsOf(raw: RawHistogram): RawFields {
  return raw as RawFields;
}

/** Whether it has buckets with bounds of their own, which no format that is read carries. */
export function isCustom(raw: RawHistogram): boolean {
  const { Schema, CustomValues } = fieldsOf(raw);
  return Schema === 'CustomBucketsSchema' || CustomValues !== undefined;
}

export function numberOf(raw: RawNumber = 0): number {
  return typeof raw === 'number' ? raw : Number(raw.$float.replace('Inf', 'Infinity'));
}

export function spansFrom(spans: readonly RawSpan[] = []): readonly BucketSpan[] {
  return spans.map((span) =>
    'Offset' in span ? { offset: span.Offset, length: span.Length } : { offset: span[0], length: span[1] },
  );
}

export function positiveOf({ PositiveSpans, PositiveBuckets = [] }: RawFields): NativeBuckets | string {
  return bucketsOf(spansFrom(PositiveSpans), PositiveBuckets, 100);
}

export function negativeOf({ NegativeSpans, NegativeBuckets = [] }: RawFields): NativeBuckets | string {
  return bucketsOf(spansFrom(NegativeSpans), NegativeBuckets, 100);
}

/** The histogram, or what is wrong with its spans. */
export function read(fields: RawFields): NativeHistogram | string {
  const { Schema = 0, ZeroThreshold = 0, ZeroCount = 0, Count = 0 } = fields;
  const positive = positiveOf(fields);
  const negative = negativeOf(fields);
  if (typeof positive === 'string') return positive;
  if (typeof negative === 'string') return negative;
  return {
    schema: Number(Schema),
    zeroThreshold: ZeroThreshold,
    zeroCount: ZeroCount,
    count: Count,
    sum: numberOf(fields.Sum),
    positive,
    negative,
  };
}

export function nativeOf(raw: RawHistogram): NativeHistogram {
  const histogram = read(fieldsOf(raw));
  if (typeof histogram === 'string') throw new Error(histogram);
  return histogram;
}
