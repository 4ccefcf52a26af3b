import type { NativeHistogram } from '../../model/native-histogram.ts';
import type { WireReader } from './wire.ts';
export declare class NativeReader {
  #private;
  /** There are native buckets, or there would be if anything had been observed. */
  isThere: boolean;
  clear(): void;
  /** Reads a field whose tag was read at `at`; false when it is none of these. */
  read(reader: WireReader, tag: number, at: number): boolean;
  /**
   * The histogram that the fields make, with the count and sum of the message; or a sentence part that says how it contradicts itself.
   * `float` says that the count is one.
   */
  histogram(of: {
    readonly count: number;
    readonly sum: number;
    readonly float: boolean;
  }): NativeHistogram | string;
}
