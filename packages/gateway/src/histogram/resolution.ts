/** Coarser buckets. With each step of the schema two neighbours become one, so nothing has to be guessed. */
import { NATIVE_SCHEMA_MIN } from '../model/native-histogram.ts';
import type { NativeHistogram } from '../model/native-histogram.ts';
import { populated, renumber } from './buckets.ts';

/** The index in schema `to` of the bucket that has all of a bucket of the finer schema `from` in it. */
export function reducedIndex(index: number, from: number, to: number): number {
  return ((index - 1) >> (from - to)) + 1;
}

/** The histogram in the given schema, or as it is where that would be a finer one. */
export function reduceResolution(histogram: NativeHistogram, schema: number): NativeHistogram {
  const { schema: from, positive, negative } = histogram;
  if (schema >= from) return histogram;
  const reduced = (index: number): number => reducedIndex(index, from, schema);
  return {
    ...histogram,
    schema,
    positive: renumber(positive, reduced),
    negative: renumber(negative, reduced),
  };
}

/** The histogram in the finest schema in which it has at most so many buckets that are not empty, if there is one. */
export function reduceToBuckets(histogram: NativeHistogram, most: number): NativeHistogram | undefined {
  let reduced = histogram;
  while (populated(reduced.positive) + populated(reduced.negative) > most) {
    if (reduced.schema <= NATIVE_SCHEMA_MIN) return undefined;
    reduced = reduceResolution(reduced, reduced.schema - 1);
  }
  return reduced;
}

/** The same, but in the coarsest schema where there is no such one. */
export function reduceForExposition(histogram: NativeHistogram, most: number): NativeHistogram {
  return reduceToBuckets(histogram, most) ?? reduceResolution(histogram, NATIVE_SCHEMA_MIN);
}
