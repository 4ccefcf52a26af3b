/** One label of a series. Values may be any UTF-8 text; an empty value means the same as no label at all. */
export interface Label {
  readonly name: string;
  readonly value: string;
  /** It is written although its value is empty, for those who tell that from no label at all. */
  readonly isShownEmpty?: true;
}

/** The label by which relabelling and selectors call the metric name. */
export const NAME_LABEL = '__name__';

/** A label that is not there is as one of an empty value. */
export function labelValue(labels: readonly Label[], name: string): string {
  return labels.find((label) => label.name === name)?.value ?? '';
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
  readonly text: string & { readonly [groupingKeyBrand]: true };
}

/**
 * Builds the grouping key of path labels given in any order. Labels with an empty value stay: in a path they are
 * distinct from a missing label. Names must be unique; the reader of the path sees to that.
 */
export function groupingKey(labels: readonly Label[]): GroupingKey {
  const sorted = labels.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const job = sorted.find((label) => label.name === 'job')?.value;
  return {
    labels: sorted,
    job: job === '' ? undefined : job,
    text: JSON.stringify(sorted.map((label) => [label.name, label.value])) as GroupingKey['text'],
  };
}

/** The key of a push to the bare push path. */
export const emptyGroupingKey: GroupingKey = groupingKey([]);

/** Label and metric names that every version of Prometheus reads without quotes: `[a-zA-Z_][a-zA-Z0-9_]*`. */
export function isLegacyLabelName(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
}

export function isLegacyMetricName(name: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
}
