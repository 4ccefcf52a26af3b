/** Whether a counter began anew, told from two states of it. */
import type { NativeHistogram } from '../model/native-histogram.ts';
/**
 * Whether `now` cannot have come from `before` by observations alone. Coarser buckets and a wider zero bucket are no reset, as
 * long as `before` can be brought to them; finer ones are, as a histogram does not get back what it gave up.
 */
export declare function hasReset(before: NativeHistogram, now: NativeHistogram): boolean;
