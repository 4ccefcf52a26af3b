/** The metric types of the text format 0.0.4. Stores keep their places in this list: add at the end only. */
export const metricTypes = ['counter', 'gauge', 'histogram', 'summary', 'untyped'] as const;

export type MetricType = (typeof metricTypes)[number];
