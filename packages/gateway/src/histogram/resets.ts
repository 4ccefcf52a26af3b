/** Whether a counter began anew, told from two states of it. */
import type { NativeHistogram } from '../model/native-histogram.ts';
import { anyExceeds } from './buckets.ts';
import { reduceResolution } from './resolution.ts';
import { widenZeroBucket } from './zero-bucket.ts';

/**
 * Whether `now` cannot have come from `before` by observations alone. Coarser buckets and a wider zero bucket are no reset, as
 * long as `before` can be brought to them; finer ones are, as a histogram does not get back what it gave up.
 */
export function hasReset(before: NativeHistogram, now: NativeHistogram): boolean {
  if (now.count < before.count || now.schema > before.schema) return true;
  const wide = widenZeroBucket(before, now.zeroThreshold);
  // Narrower now, or in the midst of a populated bucket.
  if (wide.zeroThreshold !== now.zeroThreshold || now.zeroCount < wide.zeroCount) return true;
  const { positive, negative } = reduceResolution(wide, now.schema);
  return anyExceeds(positive, now.positive) || anyExceeds(negative, now.negative);
}
