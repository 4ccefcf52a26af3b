/**
 * Native histograms in the form in which they are read, kept and shown: buckets by their index, without the spans of the wire.
 *
 *   bucket i   from 2^((i-1) * 2^-schema), exclusive, to 2^(i * 2^-schema), inclusive; negative ones mirror this
 *
 * https://prometheus.io/docs/specs/native_histograms/
 */
export interface NativeHistogram {
  /** From -4 to 8. */
  readonly schema: number;
  /** Observations this close to zero, or closer, are in the zero bucket. Zero or more. */
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly positive: NativeBuckets;
  readonly negative: NativeBuckets;
}
/** Buckets of one sign, by ascending index, each index once. The counts are of each bucket alone. */
export interface NativeBuckets {
  readonly indexes: readonly number[];
  readonly counts: readonly number[];
}
export declare const NATIVE_SCHEMA_MIN = -4;
export declare const NATIVE_SCHEMA_MAX = 8;
export declare const noNativeBuckets: NativeBuckets;
