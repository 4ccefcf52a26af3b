/** In by-job mode with `accumulate`: which histograms and summaries of a source began anew with a push. */
import { hasReset } from '../histogram/resets.ts';
import { reduceResolution } from '../histogram/resolution.ts';
import { widenZeroBucket } from '../histogram/zero-bucket.ts';
import type { NativeHistogram } from '../model/native-histogram.ts';
import type { Batch } from '../store/batch.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { assembleNative } from '../store/native-view.ts';
import type { Pace } from '../primitives/pace.ts';
import { AccumulatorKind, isNative } from '../store/policies.ts';

/** A native bucket put together with others is as much work as so many rows. */
const ASSEMBLED_ROWS = 4;
/** Relative to a count of one or more. */
const ROUNDING = 1e-9;

/** Accumulators and what a source has, or now says, of each. */
interface Numbers {
  readonly length: number;
  accumulatorAt(i: number): number;
  valueAt(i: number): number;
}

interface Replacement {
  readonly accumulators: Accumulators;
  readonly before: Numbers;
  readonly batch: Batch;
  /** By accumulator: 1 + its place in `before`; 0 for none. */
  readonly position: Uint32Array;
  readonly pace: Pace;
  /** Histograms that may have other bounds than before without having begun anew. */
  readonly rebound: ReadonlySet<number>;
  /** Whether a family with this id may fall without having begun anew. */
  isGauge(family: number): boolean;
}

interface Restarted {
  readonly restarted: Set<number>;
  /** Those that may have other bounds and have not begun anew. */
  readonly goOn: Set<number>;
}

/**
 * Groups of which a count or a bucket is smaller than it was, or the set of classic buckets is another one, as bounds do not
 * change while a process runs; where rules have changed them, what is counted up to the bounds of both is compared. Decided once for a whole
 * histogram. Native buckets change with the resolution, so they are looked at as Prometheus does.
 */
export function* restartedComposites(replacement: Replacement): Generator<void, Restarted> {
  const { accumulators, before, batch, position, pace } = replacement;
  const now = numbersOf(batch);
  const restarted = new Set<number>();
  const goOn = yield* reboundOnly(replacement, now);
  const bucketsBefore = yield* bucketCounts(replacement, before);
  for (const [id, count] of yield* bucketCounts(replacement, now)) {
    const known = bucketsBefore.get(id);
    if (known !== undefined && known !== count && !goOn.has(id)) restarted.add(id);
    if (pace.isFull(1)) yield;
  }
  for (let i = 0; i < now.length; i += 1) {
    if (pace.isFull(1)) yield;
    const accumulator = now.accumulatorAt(i);
    const kind = accumulators.kindOf(accumulator);
    if (kind !== AccumulatorKind.BUCKET && kind !== AccumulatorKind.COUNT) continue;
    if (kind === AccumulatorKind.BUCKET && goOn.has(accumulators.composite[accumulator]!)) continue;
    const at = position[accumulator]! - 1;
    const isNewBound =
      at < 0 && kind === AccumulatorKind.BUCKET && bucketsBefore.has(accumulators.composite[accumulator]!);
    if (isNewBound || (at >= 0 && hasFallen(before.valueAt(at), now.valueAt(i)))) {
      restarted.add(accumulators.composite[accumulator]!);
    }
  }
  const nativesBefore = yield* natives(replacement, before);
  if (nativesBefore.size > 0) {
    for (const [id, values] of yield* natives(replacement, now)) {
      if (pace.isFull(values.length * ASSEMBLED_ROWS)) yield;
      const known = assembleNative(accumulators, nativesBefore.get(id) ?? []);
      const native = assembleNative(accumulators, values);
      if (known !== undefined && native !== undefined && hasReset(known, asCoarse(native, known)))
        restarted.add(id);
    }
  }
  for (const id of restarted) {
    if (replacement.isGauge(accumulators.family[accumulators.composites[id]!.count]!)) restarted.delete(id);
    if (pace.isFull(1)) yield;
  }
  for (const id of restarted) goOn.delete(id);
  return { restarted, goOn };
}

/**
 * Of the histograms whose bounds may be others those that count no less up to any bound that they had before. The bounds may be the same, and what was
 * folded past one of them be up to it again.
 */
function* reboundOnly(
  { accumulators, before, rebound, pace }: Replacement,
  now: Numbers,
): Generator<void, Set<number>> {
  const goOn = new Set<number>();
  if (rebound.size === 0) return goOn;
  const earlier = yield* classicBuckets(accumulators, before, { of: rebound, pace });
  for (const [id, buckets] of yield* classicBuckets(accumulators, now, { of: rebound, pace })) {
    const known = earlier.get(id) ?? [];
    if (pace.isFull(buckets.length + known.length)) yield;
    const upTo = new Map(known);
    const hasNotFallen = buckets.every(([bound, count]) => !hasFallen(upTo.get(bound) ?? 0, count));
    if (hasNotFallen) goOn.add(id);
  }
  return goOn;
}

/** Bounds that ascend, and what is counted up to each. */
type Cumulative = readonly (readonly [bound: number, count: number])[];

function* classicBuckets(
  accumulators: Accumulators,
  numbers: Numbers,
  { of, pace }: { readonly of: ReadonlySet<number>; readonly pace: Pace },
): Generator<void, ReadonlyMap<number, Cumulative>> {
  const counts = new Map<number, [bound: number, count: number][]>();
  for (let i = 0; i < numbers.length; i += 1) {
    if (pace.isFull(1)) yield;
    const accumulator = numbers.accumulatorAt(i);
    const composite = accumulators.composite[accumulator]!;
    if (accumulators.kindOf(accumulator) !== AccumulatorKind.BUCKET || !of.has(composite)) continue;
    const list = counts.get(composite) ?? [];
    if (list.length === 0) counts.set(composite, list);
    list.push([accumulators.bound[accumulator]!, numbers.valueAt(i)]);
  }
  for (const list of counts.values()) {
    list.sort(([a], [b]) => a - b);
    let total = 0;
    for (const bucket of list) bucket[1] = total += bucket[1];
    if (pace.isFull(list.length)) yield;
  }
  return counts;
}

/**
 * Of counts with fractions, those of a bucket alone are differences, and rounded: what fell by less than that can be, in buckets of
 * a histogram that is not too large to count in, has not fallen.
 */
function hasFallen(before: number, now: number): boolean {
  const isWhole = Number.isInteger(before) && Number.isInteger(now);
  return now < (isWhole ? before : before - ROUNDING * Math.max(1, before));
}

/**
 * A histogram no finer than another one, nor with a narrower zero bucket. To Prometheus, a finer one has begun anew; here the one
 * before may have been coarser only because others had taken all the buckets that there may be.
 */
function asCoarse(histogram: NativeHistogram, other: NativeHistogram): NativeHistogram {
  return widenZeroBucket(reduceResolution(histogram, other.schema), other.zeroThreshold);
}

function numbersOf({ accumulators, values, length }: Batch): Numbers {
  return { length, accumulatorAt: (i) => accumulators[i]!, valueAt: (i) => values[i]! };
}

function* bucketCounts(
  { accumulators, pace }: Replacement,
  numbers: Numbers,
): Generator<void, ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  for (let i = 0; i < numbers.length; i += 1) {
    if (pace.isFull(1)) yield;
    const accumulator = numbers.accumulatorAt(i);
    if (accumulators.kindOf(accumulator) !== AccumulatorKind.BUCKET) continue;
    const composite = accumulators.composite[accumulator]!;
    counts.set(composite, (counts.get(composite) ?? 0) + 1);
  }
  return counts;
}

/** Native accumulators and their values, by group. */
function* natives(
  { accumulators, pace }: Replacement,
  numbers: Numbers,
): Generator<void, ReadonlyMap<number, readonly (readonly [number, number])[]>> {
  const byComposite = new Map<number, [number, number][]>();
  for (let i = 0; i < numbers.length; i += 1) {
    if (pace.isFull(1)) yield;
    const accumulator = numbers.accumulatorAt(i);
    if (!isNative(accumulators.kindOf(accumulator))) continue;
    const composite = accumulators.composite[accumulator]!;
    const list = byComposite.get(composite) ?? [];
    if (list.length === 0) byComposite.set(composite, list);
    list.push([accumulator, numbers.valueAt(i)]);
  }
  return byComposite;
}
