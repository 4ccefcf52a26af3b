/**
 * The vectors of Prometheus' own histograms. Here they become what this code base has: buckets without spans, and custom buckets
 * as a type of their own.
 */
import { CUSTOM_SCHEMA } from '../../src/histogram/custom.ts';
import type { CustomHistogram } from '../../src/histogram/custom.ts';
import type { ResetHint } from '../../src/histogram/reset-hint.ts';
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

export function isCustom(raw: RawHistogram): boolean {
  return fieldsOf(raw).Schema === 'CustomBucketsSchema';
}

export function numberOf(raw: RawNumber = 0): number {
  return typeof raw === 'number' ? raw : Number(raw.$float.replace('Inf', 'Infinity'));
}

const hints: Readonly<Record<string, ResetHint>> = {
  CounterReset: 'reset',
  NotCounterReset: 'no-reset',
  GaugeType: 'gauge',
};

export function hintOf(raw: RawHistogram): ResetHint {
  return hints[fieldsOf(raw).CounterResetHint ?? ''] ?? 'unknown';
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

/** The histogram, or what is wrong with the spans, or that the type for one kind has no place for a field of the other. */
export function read(raw: RawHistogram): NativeHistogram | CustomHistogram | string {
  const fields = fieldsOf(raw);
  const { ZeroThreshold = 0, ZeroCount = 0, Count = 0, CustomValues } = fields;
  const positive = positiveOf(fields);
  const negative = negativeOf(fields);
  if (typeof positive === 'string') return positive;
  if (typeof negative === 'string') return negative;
  const common = { count: Count, sum: numberOf(fields.Sum) };
  if (isCustom(raw)) {
    const isHeld = ZeroThreshold === 0 && ZeroCount === 0 && negative.indexes.length === 0;
    if (!isHeld) return 'no place for a zero bucket or negative buckets';
    const bounds = (CustomValues ?? []).map((bound) => numberOf(bound));
    return { schema: CUSTOM_SCHEMA, bounds, ...common, buckets: positive };
  }
  if (CustomValues !== undefined) return 'no place for bounds';
  const schema = Number(fields.Schema ?? 0);
  return { schema, zeroThreshold: ZeroThreshold, zeroCount: ZeroCount, ...common, positive, negative };
}

export function histogramOf(raw: RawHistogram): NativeHistogram | CustomHistogram {
  const histogram = read(raw);
  if (typeof histogram === 'string') throw new Error(histogram);
  return histogram;
}

/** For code that is typed for one kind. */
export function nativeOf(raw: RawHistogram): NativeHistogram {
  const histogram = histogramOf(raw);
  if (!('positive' in histogram)) throw new Error('custom buckets');
  return histogram;
}

export function customOf(raw: RawHistogram): CustomHistogram {
  const histogram = histogramOf(raw);
  if ('positive' in histogram) throw new Error('exponential buckets');
  return histogram;
}
