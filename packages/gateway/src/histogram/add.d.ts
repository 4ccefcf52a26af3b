/**
 * Sums and differences of histograms, as Prometheus works them out: zero buckets are brought to one threshold, then the finer
 * schema to the coarser, then counts are added index by index.
 *
 * The order matters. A bucket that went to the zero bucket must be gone before its neighbours become one with it, or it would
 * count twice. A bucket across the threshold is left alone: it holds what lies outside of the zero bucket.
 *
 * Here, and wherever nothing else is said, histograms are without a histogramProblem.
 */
import type { NativeHistogram } from '../model/native-histogram.ts';
/** All observations of both. Costs one pass over the buckets of both, so parts can be added up one after the other. */
export declare function addHistograms(a: NativeHistogram, b: NativeHistogram): NativeHistogram;
/** What came on top of `b` to make `a`; counts that went down come out negative. */
export declare function subtractHistograms(a: NativeHistogram, b: NativeHistogram): NativeHistogram;
