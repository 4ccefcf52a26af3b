import type { EscapingScheme } from '../../model/page-format.ts';
export declare function escapeMetricName(name: string, scheme: EscapingScheme): string;
/** A colon is legal in metric names only, also where clients forget that, as nobody could read it. */
export declare function escapeLabelName(name: string, scheme: EscapingScheme): string;
/**
 * Whether labels with these names can be one series: no two are the same, and none has become the name of the metric, as `..name..`
 * does under `underscores`.
 */
export declare function areLabelNames(escaped: readonly string[]): boolean;
