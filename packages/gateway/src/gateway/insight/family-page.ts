/** The series of one family with their values, a page at a time. */
import { formatBound } from '../../exposition/openmetrics/format-bound.ts';
import { isDistribution } from '../../model/metric-type.ts';
import { RequestError } from '../../model/errors.ts';
import type { Label } from '../../model/labels.ts';
import type { FamilyView, ReadView, SeriesView } from '../../model/read-view.ts';
import { parseSeriesText } from '../../model/series-text.ts';
import { formatFloat64 } from '../../primitives/float.ts';
import { quote } from '../../primitives/quote.ts';
import type { Selector } from '../../rules/selector.ts';
import type { Listed } from '../api.ts';
import { Answer, badCursor } from './answer.ts';

/** So many bytes of labels, or buckets, are as much work as a row. */
const ROW_BYTES = 256;
const ROW_BUCKETS = 16;
const STEP_ROWS = 32;

interface FamilyPageRequest {
  readonly name: string;
  readonly selectors: readonly Selector[] | undefined;
  readonly limit: number;
  readonly after: string | undefined;
}

export function* pageOfFamily(
  view: ReadView,
  { name, selectors, limit, after }: FamilyPageRequest,
  head: object,
): Generator<void, Listed> {
  const all = yield* view.families();
  const family = all.find((each) => each.name === name);
  if (family === undefined)
    throw new RequestError('not_found', `there is no family ${quote(name)} that has series`);
  if (after !== undefined && !/^\d{1,10}$/.test(after)) throw badCursor(after);
  for (const _ of family.sort()) yield;
  const answer = new Answer(head, 'samples');
  let row = Number(after ?? 0);
  let units = 0;
  let isCut = false;
  for (; row < family.rowCount; row += 1) {
    const sample = sampleAt(family, row, selectors);
    if (sample.entry !== undefined) isCut = answer.count === limit || !answer.add(sample.entry);
    if (isCut) break;
    units += sample.units;
    if (units >= STEP_ROWS) {
      units = 0;
      yield;
    }
  }
  return answer.end({ next: isCut ? String(row) : undefined });
}

function sampleAt(
  family: FamilyView,
  row: number,
  selectors: readonly Selector[] | undefined,
): { readonly entry: object | undefined; readonly units: number } {
  let entry: object | undefined;
  let units = 1;
  family.visit(row, row + 1, (series) => {
    const { bytes, labelsStart, labelsEnd, bucketCount } = series;
    const written = Buffer.from(bytes.buffer, bytes.byteOffset + labelsStart, labelsEnd - labelsStart);
    const { labels } = parseSeriesText(`{${written.toString('utf8')}}`);
    units += written.length / ROW_BYTES + bucketCount / ROW_BUCKETS;
    const isWanted = selectors?.some((selector) => selector.matches(family.name, labels)) ?? true;
    if (isWanted) entry = entryOf(family, series, labels);
  });
  return { entry, units };
}

function entryOf({ type }: FamilyView, series: SeriesView, labels: readonly Label[]): object {
  const { value, sum, bucketCount, bounds, cumulative, startMs } = series;
  const started = Number.isNaN(startMs) ? {} : { start: startMs / 1000 };
  const plain = { labels: labelsAsObject(labels), value: formatFloat64(value), ...started };
  if (!isDistribution(type)) return plain;
  const buckets = Array.from({ length: bucketCount }, (_, i) => [
    formatBound(bounds[i]!),
    formatFloat64(cumulative[i]!),
  ]);
  return {
    ...plain,
    sum: Number.isNaN(sum) ? null : formatFloat64(sum),
    buckets,
    native: series.native() !== undefined,
  };
}

/** A label may be called as what objects have by themselves. */
export function labelsAsObject(labels: readonly Label[]): object {
  return Object.fromEntries(labels.map(({ name, value }) => [name, value]));
}
