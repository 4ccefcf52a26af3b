/** Brings the parts of a native histogram together; see native-accumulators.ts. */
import { addHistograms } from '../histogram/add.ts';
import { noNativeBuckets } from '../model/native-histogram.ts';
import type { NativeBuckets, NativeHistogram } from '../model/native-histogram.ts';
import type { Accumulators } from './accumulators.ts';
import {
  indexOfCode,
  isNegativeCode,
  kindOfKey,
  schemaOfCode,
  schemaOfZeroKey,
} from './native-accumulators.ts';
import { AccumulatorKind } from './policies.ts';

/** What is known of one schema. */
interface Part {
  readonly schema: number;
  count: number;
  /** Zero buckets, by threshold. */
  readonly zeros: Map<number, number>;
  /** Codes and counts. */
  readonly positive: (readonly [number, number])[];
  readonly negative: (readonly [number, number])[];
}

/**
 * The histogram that native accumulators of one composite series stand for, with the values that are given for them; undefined without any. The sum
 * is not among them, and is NaN.
 */
export function assembleNative(
  accumulators: Accumulators,
  values: Iterable<readonly [accumulator: number, value: number]>,
): NativeHistogram | undefined {
  const { texts } = accumulators;
  const parts = new Map<number, Part>();
  const partOf = (schema: number): Part => {
    const known = parts.get(schema);
    if (known !== undefined) return known;
    const part: Part = { schema, count: 0, zeros: new Map(), positive: [], negative: [] };
    parts.set(schema, part);
    return part;
  };
  for (const [accumulator, value] of values) {
    const bound = accumulators.bound[accumulator]!;
    // Not from its column: the accumulator may have been freed since the values were read.
    const kind = kindOfKey(texts.chunkOf(accumulator), texts.offsetOf(accumulator));
    if (kind === AccumulatorKind.NATIVE_COUNT) partOf(bound).count = value;
    else if (kind === AccumulatorKind.NATIVE_ZERO)
      partOf(schemaOfZeroKey(texts.chunkOf(accumulator), texts.offsetOf(accumulator))).zeros.set(
        bound,
        value,
      );
    else if (value !== 0) {
      const part = partOf(schemaOfCode(bound));
      (isNegativeCode(bound) ? part.negative : part.positive).push([bound, value]);
    }
  }
  // From the finest on, so that the result does not depend on who pushed first.
  const whole = [...parts.values()].toSorted((a, b) => b.schema - a.schema).map(histogramOf);
  return whole.length === 0 ? undefined : whole.reduce(addHistograms);
}

function histogramOf({ schema, count, zeros, positive, negative }: Part): NativeHistogram {
  const [first = [0, 0] as const, ...wider] = [...zeros].toSorted(([a], [b]) => a - b);
  const [zeroThreshold, zeroCount] = first;
  const own: NativeHistogram = {
    schema,
    zeroThreshold,
    zeroCount,
    count,
    sum: Number.NaN,
    positive: bucketsOf(positive),
    negative: bucketsOf(negative),
  };
  return wider.reduce((sum, [threshold, more]) => addHistograms(sum, zeroOnly(schema, threshold, more)), own);
}

function zeroOnly(schema: number, zeroThreshold: number, zeroCount: number): NativeHistogram {
  const none = { count: 0, sum: Number.NaN, positive: noNativeBuckets, negative: noNativeBuckets };
  return { schema, zeroThreshold, zeroCount, ...none };
}

function bucketsOf(coded: (readonly [number, number])[]): NativeBuckets {
  coded.sort(([a], [b]) => a - b);
  return { indexes: coded.map(([code]) => indexOfCode(code)), counts: coded.map(([, count]) => count) };
}
