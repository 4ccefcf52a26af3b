/** The names by which a family's samples are scraped, and what is asked of each. */
import { formatBound } from '../../exposition/openmetrics/format-bound.ts';
import { NAME_LABEL } from '../../model/labels.ts';
import { hasBuckets, isDistribution } from '../../model/metric-type.ts';
import type { FamilyView } from '../../model/read-view.ts';
import { labelNameText } from '../../model/series-text.ts';
import type { Matcher, Selector } from '../../rules/selector.ts';
import type { Rows } from './rows.ts';

/** The label of a bucket's bound. */
export const BOUND_LABEL = 'le';

type SampleKind = 'value' | 'bucket' | 'sum' | 'count';

const ofHistogram: readonly (readonly [SampleKind, string])[] = [
  ['bucket', '_bucket'],
  ['sum', '_sum'],
  ['count', '_count'],
];
const ofSummary = ofHistogram.slice(1);

/** What a selector asks of a label, and its name as it is written in series. */
interface Asked {
  readonly matcher: Matcher;
  readonly written: Buffer;
}

export class Part {
  readonly name: string;
  readonly kind: SampleKind;
  /** Of each selector that the name fits, what it asks of other labels; undefined where all samples match. */
  readonly asked: readonly (readonly Asked[])[] | undefined;
  /** Whether buckets of one row may differ in whether they match. */
  readonly asksBound: boolean;

  constructor(name: string, kind: SampleKind, asked: readonly (readonly Asked[])[] | undefined) {
    this.name = name;
    this.kind = kind;
    this.asked = asked;
    const matchers = (asked ?? []).flat().map(({ matcher }) => matcher);
    this.asksBound = kind === 'bucket' && matchers.some(({ label }) => label === BOUND_LABEL);
  }
}

/** Of a row, or of its bucket with this bound. */
export function isAsAsked(
  { matcher, written }: Asked,
  rows: Rows,
  row: number,
  bound: number | undefined,
): boolean {
  const isBound = bound !== undefined && matcher.label === BOUND_LABEL;
  return matcher.matches(isBound ? formatBound(bound) : rows.valueOf(row, written));
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
      .map(({ matchers }) => matchers.filter(({ label }) => label !== NAME_LABEL).map(askedBy));
    if (asked?.length === 0) return [];
    const all = asked?.some(({ length }) => length === 0) === true;
    return [new Part(name + suffix, kind, all ? undefined : asked)];
  });
}

function askedBy(matcher: Matcher): Asked {
  return { matcher, written: Buffer.from(labelNameText(matcher.label)) };
}
