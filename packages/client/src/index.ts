/** Metrics of web pages and functions, pushed to a prom-aggregation-gateway. */
export { gateway } from './client.ts';
export type { Gateway, GatewayOptions } from './client.ts';
export type { Counter, Gauge, Histogram, HistogramOptions, Labels, MetricOptions } from './metrics.ts';
export type { Batch, Drop, Store } from './sender.ts';
