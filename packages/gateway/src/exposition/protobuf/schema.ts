/**
 * The messages of io.prometheus.client, as far as a push has them: the tag of each field, which is its
 * number times eight and its wire type: 0 for a number of any length, 1 for eight bytes, 2 for what has a length before it.
 * https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
 */
import type { MetricType } from '../../model/metric-type.ts';

export const family = {
  name: 0x0a,
  help: 0x12,
  type: 0x18,
  metric: 0x22,
  unit: 0x2a,
} as const;

export const metric = {
  label: 0x0a,
  gauge: 0x12,
  counter: 0x1a,
  summary: 0x22,
  untyped: 0x2a,
  timestampMs: 0x30,
  histogram: 0x3a,
} as const;

export const label = { name: 0x0a, value: 0x12 } as const;

/** Gauge, Counter and Untyped; the last two fields are those of Counter alone. */
export const single = {
  value: 0x09,
  exemplar: 0x12,
  start: 0x1a,
} as const;

export const summary = {
  count: 0x08,
  sum: 0x11,
  quantile: 0x1a,
  start: 0x22,
} as const;

export const quantile = { quantile: 0x09, value: 0x11 } as const;

export const histogram = {
  count: 0x08,
  sum: 0x11,
  bucket: 0x1a,
  countFloat: 0x21,
  schema: 0x28,
  zeroThreshold: 0x31,
  zeroCount: 0x38,
  zeroCountFloat: 0x41,
  negativeSpan: 0x4a,
  /** Deltas and counts one by one, and (in the plural) several in one field: both must be understood. */
  negativeDelta: 0x50,
  negativeDeltas: 0x52,
  negativeCount: 0x59,
  negativeCounts: 0x5a,
  positiveSpan: 0x62,
  positiveDelta: 0x68,
  positiveDeltas: 0x6a,
  positiveCount: 0x71,
  positiveCounts: 0x72,
  start: 0x7a,
  exemplar: 0x82,
} as const;

export const span = { offset: 0x08, length: 0x10 } as const;

export const bucket = {
  count: 0x08,
  bound: 0x11,
  exemplar: 0x1a,
  countFloat: 0x21,
} as const;

export const exemplar = {
  label: 0x0a,
  value: 0x11,
  timestamp: 0x1a,
} as const;

export const timestamp = { seconds: 0x08, nanos: 0x10 } as const;

/** Infos and state sets are gauges here. */
export type ProtobufType = Exclude<MetricType, 'info' | 'stateset'>;

/** By the number of MetricType. */
export const typesByNumber: readonly ProtobufType[] = [
  'counter',
  'gauge',
  'summary',
  'untyped',
  'histogram',
  'gaugehistogram',
];

/** Where a Metric has its value, by the type of its family. */
export const valueTags: Readonly<Record<ProtobufType, number>> = {
  counter: metric.counter,
  gauge: metric.gauge,
  summary: metric.summary,
  untyped: metric.untyped,
  histogram: metric.histogram,
  gaugehistogram: metric.histogram,
};
