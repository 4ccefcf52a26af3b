import type { NativeHistogram } from '../model/native-histogram.ts';
import type { Cells } from './cells.ts';
/**
 * The histogram that native cells of one group stand for, with the values that are given for them; undefined without any. The sum
 * is not among them, and is NaN.
 */
export declare function assembleNative(
  cells: Cells,
  values: Iterable<readonly [cell: number, value: number]>,
): NativeHistogram | undefined;
