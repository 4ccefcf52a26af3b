/**
 * The metric types of all formats together. Text has the first five; an info or a stateset is a gauge there, a gauge histogram a
 * histogram. Stores keep their places in this list: add at the end only.
 */
export const metricTypes = [
  'counter',
  'gauge',
  'histogram',
  'summary',
  'untyped',
  'gaugehistogram',
  'info',
  'stateset',
] as const;

export type MetricType = (typeof metricTypes)[number];

/** Gauges of which something more is known. */
export function isKindOfGauge(type: MetricType): boolean {
  return type === 'gauge' || type === 'info' || type === 'stateset';
}

/** Types whose series have buckets. */
export function hasBuckets(type: MetricType): boolean {
  return type === 'histogram' || type === 'gaugehistogram';
}

/** Types of which one row is several samples. */
export function isDistribution(type: MetricType): boolean {
  return hasBuckets(type) || type === 'summary';
}
