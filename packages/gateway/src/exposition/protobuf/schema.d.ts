/**
 * The messages of io.prometheus.client, as far as a push has them: the tag of each field, which is its
 * number times eight and its wire type: 0 for a number of any length, 1 for eight bytes, 2 for what has a length before it.
 * https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
 */
import type { MetricType } from '../../model/metric-type.ts';
export declare const family: {
  readonly name: 10;
  readonly help: 18;
  readonly type: 24;
  readonly metric: 34;
  readonly unit: 42;
};
export declare const metric: {
  readonly label: 10;
  readonly gauge: 18;
  readonly counter: 26;
  readonly summary: 34;
  readonly untyped: 42;
  readonly timestampMs: 48;
  readonly histogram: 58;
};
export declare const label: {
  readonly name: 10;
  readonly value: 18;
};
/** Gauge, Counter and Untyped; the last two fields are those of Counter alone. */
export declare const single: {
  readonly value: 9;
  readonly exemplar: 18;
  readonly start: 26;
};
export declare const summary: {
  readonly count: 8;
  readonly sum: 17;
  readonly quantile: 26;
  readonly start: 34;
};
export declare const quantile: {
  readonly quantile: 9;
  readonly value: 17;
};
export declare const histogram: {
  readonly count: 8;
  readonly sum: 17;
  readonly bucket: 26;
  readonly countFloat: 33;
  readonly schema: 40;
  readonly zeroThreshold: 49;
  readonly zeroCount: 56;
  readonly zeroCountFloat: 65;
  readonly negativeSpan: 74;
  /** Deltas and counts one by one, and (in the plural) several in one field: both must be understood. */
  readonly negativeDelta: 80;
  readonly negativeDeltas: 82;
  readonly negativeCount: 89;
  readonly negativeCounts: 90;
  readonly positiveSpan: 98;
  readonly positiveDelta: 104;
  readonly positiveDeltas: 106;
  readonly positiveCount: 113;
  readonly positiveCounts: 114;
  readonly start: 122;
  readonly exemplar: 130;
};
export declare const span: {
  readonly offset: 8;
  readonly length: 16;
};
export declare const bucket: {
  readonly count: 8;
  readonly bound: 17;
  readonly exemplar: 26;
  readonly countFloat: 33;
};
export declare const exemplar: {
  readonly label: 10;
  readonly value: 17;
  readonly timestamp: 26;
};
export declare const timestamp: {
  readonly seconds: 8;
  readonly nanos: 16;
};
/** Infos and state sets are gauges here. */
export type ProtobufType = Exclude<MetricType, 'info' | 'stateset'>;
/** By the number of MetricType. */
export declare const typesByNumber: readonly ProtobufType[];
/** Where a Metric has its value, by the type of its family. */
export declare const valueTags: Readonly<Record<ProtobufType, number>>;
