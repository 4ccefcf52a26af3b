/**
 * The metric types of all formats together. Text has the first five; an info or a stateset is a gauge there, a gauge histogram a
 * histogram. Stores keep their places in this list: add at the end only.
 */
export declare const metricTypes: readonly [
  'counter',
  'gauge',
  'histogram',
  'summary',
  'untyped',
  'gaugehistogram',
  'info',
  'stateset',
];
export type MetricType = (typeof metricTypes)[number];
/** Gauges of which something more is known. */
export declare function isKindOfGauge(type: MetricType): boolean;
/** Types whose series have buckets. */
export declare function hasBuckets(type: MetricType): boolean;
/** Types of which one row is several samples. */
export declare function isDistribution(type: MetricType): boolean;
