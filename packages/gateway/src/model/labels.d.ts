/** One label of a series. Values may be any UTF-8 text; an empty value means the same as no label at all. */
export interface Label {
  readonly name: string;
  readonly value: string;
}
declare const groupingKeyBrand: unique symbol;
/**
 * What the path of a push said: its labels, sorted by name, and one string that is equal exactly when the labels are.
 * In by-job mode this is the identity of a source. Only `groupingKey` makes one.
 */
export interface GroupingKey {
  readonly labels: readonly Label[];
  /** The value of the label `job`, or undefined when the path has none. Never empty. */
  readonly job: string | undefined;
  readonly text: string & {
    readonly [groupingKeyBrand]: true;
  };
}
/**
 * Builds the grouping key of path labels given in any order. Labels with an empty value stay: in a path they are
 * distinct from a missing label. Names must be unique; the reader of the path sees to that.
 */
export declare function groupingKey(labels: readonly Label[]): GroupingKey;
/** The key of a push to the bare push path. */
export declare const emptyGroupingKey: GroupingKey;
/** Label and metric names that every version of Prometheus reads without quotes: `[a-zA-Z_][a-zA-Z0-9_]*`. */
export declare function isLegacyLabelName(name: string): boolean;
export declare function isLegacyMetricName(name: string): boolean;
export {};
