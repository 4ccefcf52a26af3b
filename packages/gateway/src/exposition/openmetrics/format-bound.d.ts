/**
 * A number as the label `le` has it in OpenMetrics: always with a point or an exponent, which clients agree on as Go writes it.
 * https://prometheus.io/docs/specs/om/open_metrics_spec/#considerations-canonical-numbers
 */
export declare function formatBound(bound: number): string;
