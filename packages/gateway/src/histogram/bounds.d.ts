/**
 * Where buckets end, and which bucket a number is in. A logarithm is off by one bucket near a bound, so both directions go
 * over one table of the bounds between 1 and 2, and whole powers of two, which are exact.
 *
 *   index  = octave * 2^schema + step      for schema >= 0; step from 0 to 2^schema - 1
 *   bound  = steps[step] * 2^octave
 */
/**
 * The upper bound of a bucket. The one that would be 2^1024 is the largest double instead, and those above it are +Infinity:
 * the bucket after the last one that ends at a double has the infinite observations.
 */
export declare function bucketBound(schema: number, index: number): number;
/** The index of the bucket that a positive, finite number is in; a bound belongs to the bucket that ends there. */
export declare function bucketIndex(schema: number, value: number): number;
/** Whether there are numbers in a bucket, infinite ones included. Clients do not make other buckets. */
export declare function isReachable(schema: number, index: number): boolean;
