/** The names by which a family's samples are scraped, and what is asked of each. */
import { formatBound } from '../../exposition/openmetrics/format-bound.ts';
import { labelValue, NAME_LABEL } from '../../model/labels.ts';
import { hasBuckets, isDistribution } from '../../model/metric-type.ts';
import type { FamilyView } from '../../model/read-view.ts';
import type { Matcher, Selector } from '../../rules/selector.ts';
import type { Rows } from './rows.ts';

/** The label of a bucket's bound. */
export const BOUND_LABEL = 'le';
/** A unit of work is a matcher held against so many bytes of labels. */
const UNIT_BYTES = 64;

type SampleKind = 'value' | 'bucket' | 'sum' | 'count';

const ofHistogram: readonly (readonly [SampleKind, string])[] = [
  ['bucket', '_bucket'],
  ['sum', '_sum'],
  ['count', '_count'],
];
const ofSummary = ofHistogram.slice(1);

export class Part {
  readonly name: string;
  readonly kind: SampleKind;
  /** Of each selector that the name fits, what it asks of other labels; undefined where all samples match. */
  readonly #asked: readonly (readonly Matcher[])[] | undefined;
  readonly #matchers: number;
  /** Whether buckets of one row may differ in whether they match. */
  readonly asksBound: boolean;

  constructor(
    name: string,
    kind: SampleKind,
    asked: readonly (readonly Matcher[])[] | undefined,
  ) {
    this.name = name;
    this.kind = kind;
    this.#asked = asked;
    this.#matchers = (asked ?? []).reduce((sum, matchers) => sum + matchers.length, 0);
    this.asksBound =
      kind === 'bucket' && (asked ?? []).some((matchers) => matchers.some(({ label }) => label === BOUND_LABEL));
  }

  /** Of a row, or of its bucket with this bound. */
  matches(rows: Rows, row: number, bound: number | undefined): boolean {
    if (this.#asked === undefined) return true;
    const labels = rows.labelsOf(row);
    const valueOf = (label: string): string =>
      label === BOUND_LABEL && bound !== undefined ? formatBound(bound) : labelValue(labels, label);
    return this.#asked.some((matchers) => matchers.every((matcher) => matcher.matches(valueOf(matcher.label))));
  }

  /** How much work `matches` is. */
  unitsOf(rows: Rows, row: number): number {
    return this.#matchers * (1 + rows.labelBytesOf(row) / UNIT_BYTES);
  }
}

/** Those that may match. Undefined selectors are all series. */
export function partsOf(
  { name, type }: Pick<FamilyView, 'name' | 'type'>,
  selectors: readonly Selector[] | undefined,
): Part[] {
  const kinds: readonly (readonly [SampleKind, string])[] = hasBuckets(type)
    ? ofHistogram
    : isDistribution(type)
      ? ofSummary
      : [['value', '']];
  return kinds.flatMap(([kind, suffix]) => {
    const asked = selectors
      ?.filter((selector) => selector.mayMatch(name + suffix))
      .map(({ matchers }) => matchers.filter(({ label }) => label !== NAME_LABEL));
    if (asked?.length === 0) return [];
    const all = asked?.some((matchers) => matchers.length === 0) === true;
    return [new Part(name + suffix, kind, all ? undefined : asked)];
  });
}
